// A registry with a small part of each kind that a manifest of these tests names.
#pragma once

#include "activations/activation_stream.h"
#include "core/activations/small_sae.h"
#include "data/dataset.h"
#include "facet/plugin.h"

namespace facet {

struct CountParams {
  double alpha = 0.05;
  std::string table;
  int64_t log_every = 1;
};

/// An analysis that does nothing.
class Count final : public Analysis {
 public:
  explicit Count(const CountParams&) {}
  Needs needs() const override { return {}; }
  Report run(Context&) override { return {}; }
};

inline constexpr char kSmallPlugin[] = "test.small";

/// data fasta and synthetic, normaliser layer_norm, sae topk, analysis count; the last two are
/// kSmallPlugin's.
inline void add_small_parts(Registry& registry) {
  add_core_data(registry);
  add_core_normalisers(registry);
  registry.set_plugin(kSmallPlugin);
  registry.add_sae<SmallSae>(
      "topk", "A small TopK.",
      Schema<SmallParams>()
          .field("d_sae", &SmallParams::d_sae, "Number of latents.", required, at_least(1))
          .field("k", &SmallParams::k, "Latents kept per row.", at_least(1))
          .check([](const SmallParams& p) {
            return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae);
          }));
  registry.add_analysis<Count>(
      "count", "Counts.",
      Schema<CountParams>()
          .field("alpha", &CountParams::alpha, "Level.", between(0, 1))
          .field("table", &CountParams::table, "A table.", input_path)
          .field("log_every", &CountParams::log_every, "How often.", outside_identity));
}

}  // namespace facet
