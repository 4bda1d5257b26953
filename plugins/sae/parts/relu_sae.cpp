// Body of ReluSae.
#include "relu_sae.h"

#include <facet/torch.h>

namespace facet {

ReluSae::Coded ReluSae::coded(const Tensor& pre, Mode) {
  ops::Rectified z = ops::rectify(pre);
  return {z.active, std::move(z.codes), {{"sum", z.sum}}};
}
Tensor ReluSae::inference_threshold() const { return at::zeros_like(b_enc_.detach()); }

}  // namespace facet
