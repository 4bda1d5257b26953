// p_anneal: every positive pre-activation is a latent; an L_p penalty keeps few of them, whose p
// falls from 1 so that it comes nearer to their number. Source: Karvonen et al. 2024,
// arXiv:2408.00113; dictionary_learning's form by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "anneal.h"
#include "relu_sae.h"

using namespace facet;

namespace {

struct PAnnealParams : AffineForm, AnnealForm {
  std::string compat = "none";
};

// source: dictionary_learning 0.1.0 (trainers/p_anneal.py)
std::map<std::string, Value> peer_forms() {
  return {{"dictionary_learning", Value::Table{{"p_end", 0.0}, {"anneal_start", 15000}}}};
}

Schema<PAnnealParams> schema() {
  using P = PAnnealParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms());
  add_anneal_fields(schema);
  return add_affine_fields(schema);
}

class PAnnealSae final : public ReluSae {
 public:
  PAnnealSae(const PAnnealParams& p, const Shape& shape, Init& init)
      : ReluSae("p_anneal", p, shape, init), anneal_(p) {
    const auto start = anneal_.start(w_dec_.detach().options());
    anneal_.keep(buffer(start[0].first, start[0].second), buffer(start[1].first, start[1].second));
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step), anneal_.term(pass.notes.at("active"), step)};
    add_dead_terms(losses, pass, step);
    return losses;
  }
  void after_step() override {
    ReluSae::after_step();
    anneal_.after_step();
  }
  Figures figures(const Pass&) const override { return anneal_.figures(); }

 private:
  PAnneal anneal_;
};

}  // namespace

FACET_PLUGIN("facet.sae.p_anneal", FACET_VERSION) {
  registry.add_sae<PAnnealSae>(
      "p_anneal", "Every positive latent, few by an L_p penalty whose p falls (arXiv:2408.00113).",
      schema());
}
