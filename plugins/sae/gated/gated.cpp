// gated: a gate says which latents fire, a magnitude how much, so that the L1 penalty, on the gate
// alone, does not shrink codes. Source: Rajamanoharan et al. 2024, arXiv:2404.16014; the forms of
// its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "gated_sae.h"

using namespace facet;

namespace {

struct GatedParams : GatedForm {
  std::string compat = "none";
  double l1_coefficient = 0.1;
  std::string l1 = "l1";
};

// What each peer's trainer does. source: SAELens 6.54.12 (gated_sae.py), dictionary_learning 0.1.0
// (trainers/gdm.py), RouteSAE-repro 601b854 (model.py 63-153)
std::map<std::string, Value> peer_forms() {
  const auto routesae = [](int64_t every) {
    return Value::Table{{"error", "nmse"},
                        {"encoder_start", "width"},
                        {"via_gate", "none"},
                        {"sparsity_on", "codes"},
                        {"l1", "l1_by_element"},
                        {"l1_coefficient", 5e-4},
                        {"decoder_norm_every", every},
                        {"project_gradient", false}};
  };
  return {{"saelens", Value::Table{{"error_in", "host"},
                                   {"via_gate", "attached"},
                                   {"l1", "l1_weighted"},
                                   {"l1_coefficient", 1.0},
                                   {"decoder_norm", "never"},
                                   {"project_gradient", false},
                                   {"decoder_init_norm", 0.1}}},
          {"dictionary_learning", Value::Table{{"l1_coefficient", 0.1}}},
          {"routesae", routesae(10)},
          {"routesae_repro", routesae(100)}};
}

Schema<GatedParams> schema() {
  using P = GatedParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field("l1_coefficient", &P::l1_coefficient,
             "Weight of the L1 term, already inside the loss that is reported.", at_least(0))
      .field("l1", &P::l1,
             "The L1 term: l1 sums over latents, l1_weighted weighs each by the norm of its row of "
             "W_dec, l1_by_element is the mean over latents.",
             one_of(l1_words()));
  return add_gated_fields(schema);
}

class Gated final : public GatedSae {
 public:
  Gated(const GatedParams& p, const Shape& shape, Init& init)
      : GatedSae("gated", p, shape, init), l1_(p.l1), l1_coefficient_(p.l1_coefficient) {}

 private:
  Losses sparsity_terms(const Tensor& z, const Step& step) override {
    if (l1_coefficient_ == 0) return {};
    return {l1_term(l1_, l1_coefficient_, z, w_dec_, step)};
  }

  std::string l1_;
  double l1_coefficient_;
};

}  // namespace

FACET_PLUGIN("facet.sae.gated", FACET_VERSION) {
  registry.add_sae<Gated>("gated",
                          "A gate for which latents, a magnitude for how much "
                          "(arXiv:2404.16014).",
                          schema());
}
