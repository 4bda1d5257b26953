// Body of the drawn weights.
#include "random_weights.h"

#include <facet/torch.h>

#include "drawn_anew.h"

namespace facet::esm2 {

void draw_anew(Weights& weights, const Config& config, uint64_t seed) {
  const bool tied = weights.decoder.weight.defined() && config.tied;
  for (const Slot& slot : slots(config, weights)) {
    if (!slot.into->defined() || (slot.purpose != Purpose::body && slot.purpose != Purpose::head))
      continue;
    *slot.into = layers::drawn_anew(*slot.into, seed, "esm2/" + slot.name);
  }
  if (tied) weights.decoder.weight = weights.embedding;
}

}  // namespace facet::esm2
