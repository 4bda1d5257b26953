// Draws a tensor.
#include "drawn_anew.h"

#include <facet/rng.h>
#include <facet/torch.h>

namespace facet::layers {

at::Tensor drawn_anew(const at::Tensor& trained, uint64_t seed, const std::string& name) {
  const at::Tensor wide = trained.to(torch::kCPU, torch::kFloat64);
  const double mean = wide.mean().item<double>();
  const double deviation = wide.std(/*unbiased=*/false).item<double>();
  const at::Tensor drawn = torch::empty(wide.sizes(), torch::kFloat64);
  Rng rng(seed, name);
  double* to = drawn.data_ptr<double>();
  for (int64_t i = 0; i < drawn.numel(); ++i) to[i] = mean + deviation * rng.normal();
  return drawn.to(trained.device(), trained.scalar_type());
}

}  // namespace facet::layers
