// Hosts, and SAEs to be spliced into them, for tests of splices and of the analyses that splice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "facet/normaliser.h"
#include "facet/splice.h"
#include "facet/stream.h"
#include "fake_context.h"
#include "host_adapters/adapters.h"
#include "plugins/architectures.h"
#include "train/sae_folder.h"

namespace facet {

/// A normaliser by its section; "none" for rows as they are.
inline std::unique_ptr<Normaliser> normaliser_of(const Value& section) {
  return make_normaliser(architectures(), section, "test");
}

/// Weights [d, m], [m, d] of a SAE with small biases, from a seed.
inline std::unique_ptr<Sae> drawn_sae(Value section, const Shape& shape, uint64_t seed = 5) {
  auto sae = sae_of(std::move(section), shape, seed);
  const torch::NoGradGuard no_grad;
  Rng rng(seed, "biases");
  for (auto [name, value] : sae->params())
    if (name == "b_enc" || name == "b_dec")
      for (int64_t i = 0; i < value.numel(); ++i)
        value.view({-1})[i] = static_cast<float>(0.1 * rng.normal());
  return sae;
}

inline Tensor logits_of(HostModel& host, const Tokens& tokens, const std::vector<Hook>& hooks) {
  const torch::NoGradGuard no_grad;
  return host.forward(tokens, hooks, {.logits = true}).value;
}

inline Tensor spliced_logits(HostModel& host, const Tokens& tokens, Splice& splice) {
  const torch::NoGradGuard no_grad;
  const Splice::Clean clean = splice.clean(tokens, {});
  return logits_of(host, tokens, splice.hooks(&clean));
}

}  // namespace facet
