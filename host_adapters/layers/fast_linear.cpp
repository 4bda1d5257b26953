// Packs weights once, multiplies by them in blocks of rows.
#include "fast_linear.h"

#include <facet/torch.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace facet::layers {

namespace {

/// Rows of a product for each of its threads. What a layer gives for so many stays in a core's
/// cache; and products of one size are prepared once, which takes oneDNN about a millisecond.
constexpr int64_t kRowsOfProduct = 256;
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

std::optional<Tensor> if_defined(const Tensor& t) {
  return t.defined() ? std::optional(t) : std::nullopt;
}

Tensor product(const Tensor& x, const Linear& layer, const char* then) {
  static const auto op = operator_of<LinearOp>("mkldnn::_linear_pointwise");
  return op.call(x.contiguous(), layer.weight, if_defined(layer.bias), then,
                 c10::List<std::optional<at::Scalar>>(), "none");
}

/// Whether oneDNN is here and fast with numbers of this type.
bool multiplies(const Tensor& weight) {
  if (!weight.device().is_cpu()) return false;
  if (!at::globalContext().userEnabledMkldnn() || !at::hasMKLDNN()) return false;
  if (weight.scalar_type() == at::kFloat) return true;
#if defined(__x86_64__) && defined(__GNUC__)
  return weight.scalar_type() == at::kBFloat16 &&
         (__builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16"));
#else
  return false;
#endif
}

}  // namespace

void FastLinear::pack() {
  if (packed() || !multiplies(layer_.weight)) return;
  static const auto op = operator_of<ReorderOp>("mkldnn::_reorder_linear_weight");
  const at::NoGradGuard no_gradients;
  layer_.weight = op.call(layer_.weight.contiguous(), c10::SymInt(kRowsOfProduct));
}

bool FastLinear::packed() const { return layer_.weight.is_mkldnn(); }

Tensor FastLinear::plain_weight() const {
  if (!packed()) return layer_.weight;
  if (plain_.defined()) return plain_;
  const at::NoGradGuard no_gradients;
  return layer_.weight.to_dense();
}

void FastLinear::keep_plain() {
  if (packed()) plain_ = plain_weight();
}

Tensor FastLinear::operator()(const Tensor& x, Then then) const {
  const bool fast = packed() || multiplies(layer_.weight);
  if (fast && x.size(0) > 0 && !at::GradMode::is_enabled())
    return product(x, layer_, then == Then::gelu ? "gelu" : "none");
  const Tensor sums = at::linear(x, plain_weight(), if_defined(layer_.bias));
  return then == Then::gelu ? layers::gelu(sums) : sums;
}

Tensor by_rows(const Tensor& x, const std::function<Tensor(const Tensor&)>& of) {
  const int64_t n = x.size(0);
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const int64_t rows = kRowsOfProduct * threads;
  if (n < rows + kFewestRows || at::GradMode::is_enabled()) return of(x);
  Tensor out;
  for (int64_t begin = 0, end; begin < n; begin = end) {
    end = begin + rows + kFewestRows > n ? n : begin + rows;
    const Tensor some = of(x.slice(0, begin, end));
    if (!out.defined()) out = torch::empty({n, some.size(1)}, some.options());
    out.slice(0, begin, end).copy_(some);
  }
  return out;
}

}  // namespace facet::layers
