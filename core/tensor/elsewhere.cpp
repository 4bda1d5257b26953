// The operations in LibTorch's own functions.
#include "tensor/elsewhere.h"

#include <facet/torch.h>

#include <cmath>
#include <limits>

namespace facet::ops::elsewhere {
namespace {

// Numbers that compare as the selection ranks them: NaN above all.
Tensor ranks_of(const Tensor& pre) {
  const double most = std::numeric_limits<float>::max();
  const double infinity = std::numeric_limits<double>::infinity();
  return pre.detach().nan_to_num(infinity, most, -infinity);
}

}  // namespace

Codes keep_topk(const Tensor& pre, int64_t k, Negatives negatives) {
  const Tensor rank = ranks_of(pre);                                      // [n, m]
  const Tensor least = std::get<0>(rank.topk(k, 1)).narrow(1, k - 1, 1);  // [n, 1]
  const Tensor above = rank > least;
  const Tensor equal = rank == least;
  const Tensor left = k - above.sum(1, true);  // [n, 1]: ties that are kept, lowest latents first
  const Tensor keep = above | (equal & (equal.cumsum(1) <= left));
  const Tensor latent = keep.nonzero().select(1, 1).view({-1, k});  // [n, k], ascending
  Codes codes;
  codes.start = at::arange(0, (pre.size(0) + 1) * k, k, latent.options());
  codes.latent = latent.flatten().to(at::kInt);
  const Tensor picked = pre.gather(1, latent).flatten();
  codes.value = negatives == Negatives::kept
                    ? picked
                    : at::where(picked <= 0, at::zeros({}, picked.options()), picked);
  codes.d_sae = pre.size(1);
  return codes;
}

// Equal ones are counted in the order of rows, and in a row of latents.
Codes keep_batch_topk(const Tensor& pre, int64_t count) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor rank = ranks_of(pre).flatten();
  const Tensor value = std::get<0>(rank.topk(count, 0, true, false));
  const Tensor least = count > 0 ? value.min() : at::full({}, infinity, rank.options());
  const Tensor above = rank > least, equal = rank == least;
  const Tensor keep = above | (equal & (equal.cumsum(0) <= count - above.sum()));
  return Codes::of(at::where(keep.view_as(pre), pre.relu(), at::zeros({}, pre.options())));
}

Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec) {
  const Tensor sums = codes.dense().matmul(w_dec);
  return b_dec.defined() ? sums + b_dec : sums;
}

void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second, int64_t step,
               const Adam& adam) {
  const at::NoGradGuard no_grad;
  const double correct1 = 1 - std::pow(adam.beta1, static_cast<double>(step));
  const double correct2 = 1 - std::pow(adam.beta2, static_cast<double>(step));
  first.mul_(adam.beta1).add_(gradient, 1 - adam.beta1);
  second.mul_(adam.beta2).addcmul_(gradient, gradient, 1 - adam.beta2);
  const Tensor scale = second.sqrt().div_(std::sqrt(correct2)).add_(adam.eps);
  param.mul_(1 - adam.lr * adam.weight_decay).addcdiv_(first, scale, -adam.lr / correct1);
}

void normalise_rows(Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  w.div_(w.norm(2, {1}, true).add_(eps));
}

void remove_parallel(Tensor& gradient, const Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  const Tensor unit = w / w.norm(2, {1}, true).add_(eps);
  gradient.sub_((gradient * unit).sum(1, true) * unit);
}

}  // namespace facet::ops::elsewhere
