// Body of ReluSae.
#include "relu_sae.h"

#include <facet/torch.h>

namespace facet {

ops::Rectified ReluSae::coded(const Tensor& pre, Mode) { return ops::rectify(pre); }
Tensor ReluSae::inference_threshold() const { return at::zeros_like(b_enc_.detach()); }

}  // namespace facet
