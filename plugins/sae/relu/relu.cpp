// relu: every positive pre-activation is a latent; a penalty on their sum keeps few of them.
// Source: Bricken et al. 2023, "Towards Monosemanticity"; the forms of its peers by `compat`.
#include <facet/plugin.h>
#include <facet/torch.h>

#include "relu_sae.h"

using namespace facet;

namespace {

struct ReluParams : AffineForm, L1Form {
  std::string compat = "none";
};

// What each peer's trainer does; source: the files named in parts/.
std::map<std::string, Value> peer_forms() {
  const auto routesae = [](int64_t every) {
    return Value::Table{
        {"error", "nmse"},        {"encoder_start", "width"},    {"l1", "l1_by_element"},
        {"l1_coefficient", 5e-4}, {"decoder_norm_every", every}, {"project_gradient", false}};
  };
  return {{"saelens", Value::Table{{"error_in", "host"},
                                   {"l1", "l1_weighted"},
                                   {"decoder_norm", "never"},
                                   {"project_gradient", false},
                                   {"decoder_init_norm", 0.1}}},
          {"dictionary_learning", Value::Table{{"l1_coefficient", 0.1}}},
          {"routesae", routesae(10)},
          {"routesae_repro", routesae(100)},
          {"interplm", Value::Table{{"error", "l2_loss"}}},
          {"bussmann", Value::Table{{"error", "mse_by_element"},
                                    {"encoder_start", "kaiming_latents"},
                                    {"decoder_norm", "after_backward"}}},
          {"helix_sae", Value::Table{{"error", "mse_by_element"},
                                     {"encoder_start", "xavier"},
                                     {"decoder_init_norm", 0.0},
                                     {"tied", true},
                                     {"l1", "l1_by_element"},
                                     {"centre", false},
                                     {"decoder_bias", false},
                                     {"b_enc_start", -1.0},
                                     {"decoder_norm", "after_backward"},
                                     {"project_gradient", false}}}};
}

Schema<ReluParams> schema() {
  using P = ReluParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a peer; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms());
  add_l1_fields(schema);
  return add_affine_fields(schema);
}

class Relu final : public ReluSae {
 public:
  Relu(const ReluParams& p, const Shape& shape, Init& init)
      : ReluSae("relu", p, shape, init), p_(p) {}

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    if (p_.l1_coefficient > 0)
      losses.push_back(l1_term(p_.l1, p_.l1_coefficient, pass.notes.at("active"), w_dec_, step,
                               pass.notes.at("sum")));
    add_dead_terms(losses, pass, step);
    return losses;
  }

 private:
  ReluParams p_;
};

}  // namespace

FACET_PLUGIN("facet.sae.relu", FACET_VERSION) {
  registry.add_sae<Relu>("relu", "Every positive latent, few by an L1 penalty.", schema());
}
