// Body of ReluSae.
#include "relu_sae.h"

#include <facet/torch.h>

namespace facet {

Tensor ReluSae::active(const Tensor& pre, Mode) { return pre.relu(); }

}  // namespace facet
