// Body of the drawn weights.
#include "random_weights.h"

#include <facet/rng.h>
#include <facet/torch.h>

namespace facet::esm2 {

void draw_anew(Weights& weights, const Config& config, uint64_t seed) {
  const bool tied = weights.decoder.weight.defined() && config.tied;
  for (const Slot& slot : slots(config, weights)) {
    if (!slot.into->defined() || (slot.purpose != Purpose::body && slot.purpose != Purpose::head))
      continue;
    const Tensor trained = slot.into->to(torch::kCPU, torch::kFloat64);
    const double mean = trained.mean().item<double>();
    const double deviation = trained.std(/*unbiased=*/false).item<double>();
    Tensor drawn = torch::empty(trained.sizes(), torch::kFloat64);
    Rng rng(seed, "esm2/" + slot.name);
    for (int64_t i = 0; i < drawn.numel(); ++i)
      drawn.data_ptr<double>()[i] = mean + deviation * rng.normal();
    *slot.into = drawn.to(slot.into->device(), slot.into->scalar_type());
  }
  if (tied) weights.decoder.weight = weights.embedding;
}

}  // namespace facet::esm2
