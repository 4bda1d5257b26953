// Packs weights once, multiplies by them in blocks of rows.
#include "fast_linear.h"

#include <facet/torch.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>

namespace facet::layers {

namespace {

/// Most rows of a product for each of its threads. What a layer gives for so many stays in a core's
/// cache.
constexpr int64_t kRowsOfProduct = 256;
/// Fewer rows are filled up beside others: oneDNN sums single rows in another order.
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

int64_t filled_up(int64_t rows, int64_t to) { return (rows + to - 1) / to * to; }

/// How many of n rows to multiply at once when so many are left, or a few more, to be filled up. Of
/// few sizes: for each that a layer meets, oneDNN compiles code, which takes it a millisecond and
/// most of a megabyte, and it keeps them all. Rows that fit are not split, for every part reads the
/// weights.
int64_t rows_at_once(int64_t n, int64_t left, int64_t most) {
  if (n <= most) return filled_up(n, kFewestRows / 2);
  for (const int64_t rows : {most, most / 2, most / 4})
    if (rows <= filled_up(left, kFewestRows)) return rows;
  return filled_up(left, kFewestRows);
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
  if (!x.is_cpu() || at::GradMode::is_enabled()) return of(x);
  const int64_t n = x.size(0);
  if (n <= kFewestRows) return of(x);
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  Tensor out;
  for (int64_t begin = 0, rows = 0; begin < n; begin += rows) {
    rows = rows_at_once(n, n - begin, kRowsOfProduct * threads);
    if (rows == n) return of(x);
    const int64_t end = std::min(begin + rows, n), missing = begin + rows - end;
    const Tensor given = x.slice(0, begin, end);
    const Tensor some = of(missing > 0 ? at::constant_pad_nd(given, {0, 0, 0, missing}) : given);
    if (!out.defined()) out = torch::empty({n, some.size(1)}, some.options());
    out.slice(0, begin, end).copy_(some.slice(0, 0, end - begin));
  }
  return out;
}

}  // namespace facet::layers
