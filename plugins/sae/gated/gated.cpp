// gated: a gate says which latents fire, a magnitude how much, so that the L1 penalty, on the gate
// alone, does not shrink codes. Source: Rajamanoharan et al. 2024, arXiv:2404.16014; the forms of
// its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "anneal.h"
#include "gated_sae.h"

using namespace facet;

namespace {

struct GatedParams : GatedForm, L1Form {
  GatedParams() { l1_coefficient = 0.1; }
  std::string compat = "none";
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

struct GatedAnnealParams : GatedForm, AnnealForm {
  std::string compat = "none";
};

// source: dictionary_learning 0.1.0 (trainers/gated_anneal.py)
std::map<std::string, Value> annealed_forms() {
  return {{"dictionary_learning", Value::Table{{"p_end", 0.0}, {"anneal_start", 15000}}}};
}

Schema<GatedAnnealParams> annealed_schema() {
  using P = GatedAnnealParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(annealed_forms())))
      .presets("compat", annealed_forms());
  add_anneal_fields(schema);
  return add_gated_fields(schema);
}

Schema<GatedParams> schema() {
  using P = GatedParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms());
  add_l1_fields(schema);
  return add_gated_fields(schema);
}

class Gated final : public GatedSae {
 public:
  Gated(const GatedParams& p, const Shape& shape, Init& init)
      : GatedSae("gated", p, shape, init), l1_(p.l1), l1_coefficient_(p.l1_coefficient) {}

 private:
  Losses sparsity_terms(const Tensor& z, const Tensor& sums, const Step& step) override {
    if (l1_coefficient_ == 0) return {};
    return {l1_term(l1_, l1_coefficient_, z, w_dec_, step, sums)};
  }

  std::string l1_;
  double l1_coefficient_;
};

class GatedAnneal final : public GatedSae {
 public:
  GatedAnneal(const GatedAnnealParams& p, const Shape& shape, Init& init)
      : GatedSae("gated_anneal", p, shape, init), anneal_(p) {
    const auto start = anneal_.start(w_dec_.detach().options());
    anneal_.keep(buffer(start[0].first, start[0].second), buffer(start[1].first, start[1].second));
  }

  void after_step() override {
    GatedSae::after_step();
    anneal_.after_step();
  }
  Figures figures(const Pass&) const override { return anneal_.figures(); }

 private:
  Losses sparsity_terms(const Tensor& z, const Tensor&, const Step& step) override {
    return {anneal_.term(z, step)};
  }

  PAnneal anneal_;
};

}  // namespace

FACET_PLUGIN("facet.sae.gated", FACET_VERSION) {
  registry.add_sae<Gated>("gated",
                          "A gate for which latents, a magnitude for how much "
                          "(arXiv:2404.16014).",
                          schema());
  registry.add_sae<GatedAnneal>("gated_anneal",
                                "gated with an L_p penalty whose p falls (arXiv:2408.00113).",
                                annealed_schema());
}
