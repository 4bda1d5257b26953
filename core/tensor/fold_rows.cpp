// Folding a map of rows into weights.
#include <facet/torch.h>

#include "facet/ops.h"

namespace facet::ops {

bool fold_rows(const RowMap& map, const PlainWeights& weights) {
  const auto& [w_enc, b_enc, w_dec, b_dec, centred] = weights;
  if (!w_enc.defined() || !w_dec.defined() || !b_dec.defined()) return false;
  const int64_t points = map.scale.defined() ? map.scale.size(0) : map.matrix.size(0);
  const Tensor& sized = map.scale.defined() ? map.mean : map.matrix;
  const int64_t width = w_enc.size(0);
  if (points != 1 || (sized.defined() && sized.size(1) != width) || w_dec.size(1) != width)
    return false;
  const Tensor mean = map.mean.defined()
                          ? map.mean[0].to(b_dec.device())
                          : torch::zeros({width}, torch::kFloat64).to(b_dec.device());
  const bool shifts = !centred && mean.ne(0).any().item<bool>();
  if (shifts && !b_enc.defined()) return false;

  const torch::NoGradGuard no_grad;
  const auto wide = [](const Tensor& t) { return t.detach().to(torch::kFloat64); };
  const auto apply = [&](const Tensor& w) {  // M w
    if (map.scale.defined()) return wide(w) * map.scale[0].item<double>();
    return map.matrix[0].to(w.device()).matmul(wide(w));
  };
  const auto back = [&](const Tensor& w) {  // w M^-1
    if (map.scale.defined()) return wide(w) / map.scale[0].item<double>();
    return wide(w).matmul(map.inverse[0].to(w.device()));
  };
  const Tensor encoder = apply(w_enc);
  if (shifts) b_enc.copy_(wide(b_enc) - mean.matmul(encoder));
  w_enc.copy_(encoder);
  w_dec.copy_(back(w_dec));
  b_dec.copy_(back(b_dec) + mean);
  return true;
}

}  // namespace facet::ops
