// Packs weights once, multiplies by them in blocks of rows.
#include "fast_block.h"

#include <facet/torch.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>

#include "own_attention.h"

namespace facet::layers {

namespace {

/// Rows of a product for each of its threads. What a layer gives for so many stays in a core's
/// cache; and products of one size are prepared once, which takes oneDNN about a millisecond.
constexpr int64_t kRowsOfProduct = 128;
/// Fewer rows are joined to those before them: oneDNN sums single rows in another order.
constexpr int64_t kFewestRows = 16;

using LinearOp = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                        c10::string_view, c10::List<std::optional<at::Scalar>>,
                        std::optional<c10::string_view>);
using ReorderOp = Tensor(const Tensor&, std::optional<c10::SymInt>);

/// One of LibTorch's operators that no header declares.
template <class Op>
c10::TypedOperatorHandle<Op> operator_of(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Op>();
}

enum class Activation { none = 1, gelu };

Tensor product(const Tensor& x, const Linear& layer, Activation activation) {
  static const auto op = operator_of<LinearOp>("mkldnn::_linear_pointwise");
  return op.call(x, layer.weight, layer.bias, activation == Activation::gelu ? "gelu" : "none",
                 c10::List<std::optional<at::Scalar>>(), "none");
}

/// Whether oneDNN is here and fast with numbers of this type.
bool multiplies(at::ScalarType dtype) {
  if (!at::globalContext().userEnabledMkldnn() || !at::hasMKLDNN()) return false;
  if (dtype == at::kFloat) return true;
#if defined(__x86_64__) && defined(__GNUC__)
  return dtype == at::kBFloat16 &&
         (__builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16"));
#else
  return false;
#endif
}

Linear repacked(const Tensor& weight, const Tensor& bias) {
  static const auto op = operator_of<ReorderOp>("mkldnn::_reorder_linear_weight");
  return {op.call(weight, c10::SymInt(kRowsOfProduct)), bias};
}

/// What `of` gives for some rows after others, [t, width].
template <class Of>
Tensor by_rows(const Tensor& x, int64_t width, Of&& of) {
  const int64_t n = x.size(0);
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const int64_t rows = kRowsOfProduct * threads;
  if (n > 0 && n < rows + kFewestRows) return of(x);
  const Tensor out = torch::empty({n, width}, x.options());
  for (int64_t begin = 0, end; begin < n; begin = end) {
    end = begin + rows + kFewestRows > n ? n : begin + rows;
    out.slice(0, begin, end).copy_(of(x.slice(0, begin, end)));
  }
  return out;
}

Tensor multiplied(const Tensor& x, const Linear& layer) {
  return by_rows(x, layer.bias.size(0),
                 [&](const Tensor& rows) { return product(rows, layer, Activation::none); });
}

/// Attends with attend_head(); qkv [t, 3 d] as FastBlock has it, queries not yet scaled.
template <class T>
Tensor mixed_by_heads(const Tensor& qkv, int64_t heads, const Rotary& rotary, const Packed& packed,
                      const Stretch& stretch) {
  const int64_t d = qkv.size(1) / 3, head_dim = d / heads, half = head_dim / 2;
  const Tensor out = torch::empty({qkv.size(0), d}, qkv.options());
  int64_t longest = 0;
  for (int64_t i = stretch.first; i < stretch.last; ++i)
    longest = std::max(longest, packed.end(i) - packed.begin(i));
  const int64_t sequences = stretch.last - stretch.first;
  const float *cos = rotary.cos.const_data_ptr<float>(), *sin = rotary.sin.const_data_ptr<float>();
  const T* rows = qkv.const_data_ptr<T>();
  T* to = out.data_ptr<T>();
  at::parallel_for(0, sequences * heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> room(static_cast<size_t>(room_of_head(longest, head_dim)));
    for (int64_t job = begin; job < end; ++job) {
      const int64_t i = stretch.first + job / heads, column = job % heads * head_dim;
      const int64_t first = packed.begin(i) - stretch.begin;
      const T* q = rows + first * 3 * d + column;
      attend_head(Head<T>{.q = q,
                          .k = q + d,
                          .v = q + 2 * d,
                          .stride = 3 * d,
                          .cos = cos + packed.begin(i) * half,
                          .sin = sin + packed.begin(i) * half,
                          .n = packed.end(i) - packed.begin(i),
                          .head_dim = head_dim,
                          .scale = static_cast<float>(std::pow(head_dim, -0.5)),
                          .out = to + first * d + column,
                          .out_stride = d},
                  room.data());
    }
  });
  return out;
}

/// The same with LibTorch's attention.
Tensor mixed_by_library(const Tensor& qkv, int64_t heads, const Rotary& rotary,
                        const Packed& packed, const Stretch& stretch) {
  const int64_t head_dim = qkv.size(1) / 3 / heads;
  const auto part = [&](int64_t i) {
    return qkv.view({-1, 3, heads, head_dim}).select(1, i);  // [t, heads, head_dim]
  };
  const Tensor q = part(0) * std::pow(static_cast<double>(head_dim), -0.5);
  return attention(rotary.rotated(q, stretch), rotary.rotated(part(1), stretch), part(2), packed,
                   stretch);
}

}  // namespace

void add_fast_blocks(std::vector<Block>& blocks) {
  for (Block& block : blocks) {
    const Tensor& weight = block.query.weight;
    if (!weight.device().is_cpu() || !multiplies(weight.scalar_type())) return;
    const at::NoGradGuard no_gradients;
    const auto joined = [&](Tensor Linear::*of) {
      return torch::cat({block.query.*of, block.key.*of, block.value.*of});
    };
    const auto repacked_as_it_is = [](const Linear& l) { return repacked(l.weight, l.bias); };
    block.fast = std::make_shared<const FastBlock>(FastBlock{
        repacked(joined(&Linear::weight), joined(&Linear::bias)), repacked_as_it_is(block.output),
        repacked_as_it_is(block.up), repacked_as_it_is(block.down)});
  }
}

bool runs_fast(const Block& block, const Watch& watch) {
  return block.fast && !watch && !at::GradMode::is_enabled();
}

Tensor fast_attention(const Tensor& h, const FastBlock& block, int64_t heads, const Rotary& rotary,
                      const Packed& packed, const Stretch& stretch) {
  const Tensor qkv = multiplied(h, block.query_key_value);
  const auto mix = !attends_here()                         ? mixed_by_library
                   : qkv.scalar_type() == torch::kBFloat16 ? mixed_by_heads<c10::BFloat16>
                                                           : mixed_by_heads<float>;
  return multiplied(mix(qkv, heads, rotary, packed, stretch), block.output);
}

Tensor fast_mlp(const Tensor& x, const FastBlock& block, const Norm& norm, double eps) {
  return by_rows(x, x.size(1), [&](const Tensor& rows) {
    const Tensor hidden = product(layer_norm(rows, norm, eps), block.up, Activation::gelu);
    return product(hidden, block.down, Activation::none);
  });
}

}  // namespace facet::layers
