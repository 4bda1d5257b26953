// oneDNN through the operator that LibTorch's own compiler calls.
#include "tensor/products.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <facet/torch.h>

#include <optional>
#include <string_view>

#include "tensor/by_latent.h"

namespace facet {
namespace {

constexpr int64_t kLeastWork = int64_t{1} << 24;  // multiplications; for fewer a call costs more

using Scalars = c10::List<std::optional<at::Scalar>>;
using Linear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                          std::string_view, Scalars, std::optional<std::string_view>);

// y = x w^T + bias, x contiguous; nothing in a LibTorch without oneDNN.
const std::optional<c10::TypedOperatorHandle<Linear>>& linear() {
  static const auto found = []() -> std::optional<c10::TypedOperatorHandle<Linear>> {
    const auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!schema) return std::nullopt;
    return schema->typed<Linear>();
  }();
  return found;
}

}  // namespace

at::Tensor product(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias) {
  const at::NoGradGuard no_grad;
  if (x.numel() * w.size(1) < kLeastWork || !linear())
    return bias.defined() ? at::addmm(bias, x, w) : at::mm(x, w);
  return linear()->call(x.contiguous(), w.t(), if_defined(bias), "none", Scalars(), std::nullopt);
}

at::Tensor product_of_transposed(const at::Tensor& x, const at::Tensor& g) {
  // Turning a matrix costs more than the product likes: the narrower one is turned.
  if (g.size(1) < x.size(1)) return product_of_transposed(g, x).t();
  return product(x.t(), g);
}

}  // namespace facet
