// random_k: two controls. Latents by chance say what the choice of latents is worth, a hookpoint by
// chance says what the router of `route` is worth.
// Source: Shi et al. 2025, arXiv:2503.08200, whose RandomK is the second; code RouteSAEs d1a3c06
// (src/utils.py, get_outputs).
#include <facet/plugin.h>
#include <facet/torch.h>

#include <cmath>

#include "affine_sae.h"
#include "facet/ops.h"
#include "hookpoints.h"
#include "row_draws.h"

using namespace facet;

namespace {

struct RandomKParams : AffineForm {
  RandomKParams() {
    aux_coefficient = 1.0 / 32;
    b_dec_start = "geometric_median";
  }
  std::string compat = "none";
  std::string choose = "latents";
  std::string draw = "row";
  int64_t k = 32;
  bool relu = true;
};

std::map<std::string, Value> peer_forms() {
  return {{"routesae", Value::Table{{"choose", "layer"},
                                    {"draw", "batch"},
                                    {"relu", false},
                                    {"aux_coefficient", 0.0},
                                    {"error", "nmse"},
                                    {"encoder_start", "width"},
                                    {"b_dec_start", "zero"},
                                    {"decoder_norm_every", 10},
                                    {"project_gradient", false}}}};
}

Schema<RandomKParams> schema() {
  using P = RandomKParams;
  Schema<P> schema;
  schema
      .field("compat", &P::compat, "Stands for the form of a source; keys that are set win.",
             one_of(words_of(peer_forms())))
      .presets("compat", peer_forms())
      .field("choose", &P::choose,
             "What chance chooses: the latents of a row, in place of its largest; or the layer, "
             "one of several hookpoints, whose k largest latents are kept.",
             one_of({"latents", "layer"}))
      .field("draw", &P::draw,
             "With choose = layer: one draw for each row; or one for each batch of the training, "
             "and one for good once trained (RouteSAE).",
             one_of({"row", "batch"}))
      .field("k", &P::k, "Latents kept per row.", at_least(1))
      .field("relu", &P::relu, "Negative ones among the k become 0; RouteSAE keeps them.")
      .check([](const P& p) { return p.choose == "layer" || p.draw == "row"; },
             "draw: must be \"row\" with choose = \"latents\"")
      .check([](const P& p) { return p.choose == "latents" || p.error_in == "normalised"; },
             "error_in: must be \"normalised\" with choose = \"layer\"")
      .check(
          [](const P& p) { return p.k <= p.d_sae ? "" : "k: " + exceeds(p.k, "d_sae", p.d_sae); });
  return add_affine_fields(schema);
}

int64_t points_of(const RandomKParams& p, const Shape& shape) {
  if (p.choose == "latents") return 1;
  return several_hookpoints("random_k", "with choose = \"layer\" draws one of", shape);
}

// What the dictionary sees: a choice among hookpoints leaves one row.
Shape coded_shape(const RandomKParams& p, const Shape& shape) {
  return p.choose == "latents" ? shape : Shape{1, 1, shape.d_in, shape.d_out};
}

class RandomK final : public AffineSae {
 public:
  RandomK(const RandomKParams& p, const Shape& shape, Init& init)
      : RandomK(p, shape, points_of(p, shape), init) {}

  Shape shape(const Shape& stream) const override {
    if (!by_layer()) return stream;
    return {stream.points_in, 1, stream.d_in, stream.d_out};
  }

  void start(const Batch& first) override { AffineSae::start(coded(first, Mode::train)); }
  void revive(const Tensor& latents, const Batch& batch) override {
    AffineSae::revive(latents, coded(batch, Mode::train));
  }

  /// With choose = layer beside the notes of AffineSae "layers" [n, points, d], "layer" [n] and
  /// "layer_weights" [n, points].
  Pass pass(const Batch& batch, Mode mode) override {
    if (!by_layer()) return AffineSae::pass(batch, mode);
    const Tensor layer = layer_of(batch.input, mode);
    Pass out = AffineSae::pass(batch_of_rows(rows_at(batch.input, layer)), mode);
    out.notes["layers"] = batch.input;
    note_layer(layer, batch.input, out.notes);
    return out;
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (by_layer() && !infers_otherwise(mode)) {
      const Dictionary w = dictionary();
      return ops::encode_topk(x, w.w_enc, w.b_enc, w.b_dec, p_.k,
                              p_.relu ? ops::Negatives::zero : ops::Negatives::kept);
    }
    const Tensor pre = pre_activations_of(x);  // [n, m]
    const Tensor activations = p_.relu ? pre.relu() : pre;
    if (infers_otherwise(mode)) return inferred(activations);
    const Tensor chosen = drawn_subset(row_numbers(x, seed()), p_.d_sae, p_.k).to(x.device());
    Codes out;
    out.start = at::arange(x.size(0) + 1, chosen.options()) * p_.k;
    out.latent = chosen.flatten().to(at::kInt);
    out.value = activations.gather(1, chosen).flatten();
    out.d_sae = p_.d_sae;
    return out;
  }

  Losses losses(const Pass& pass, const Step& step) override {
    Losses losses = {error(pass, step)};
    add_dead_terms(losses, pass, step);
    return losses;
  }

  /// With choose = layer only rows whose clean pass drew this hookpoint.
  Spliced splice(int64_t point, const Tensor& live, const Pass& seen) override {
    return by_layer() ? splice_layer(*this, point, live, seen)
                      : AffineSae::splice(point, live, seen);
  }

  std::vector<std::string> estimated() const override { return {"auxk"}; }  // the error is fixed

  // Other rows draw otherwise, and no other architecture draws.
  bool fold(const RowMap&) override { return false; }
  std::optional<InferenceForm> inference_form() const override { return std::nullopt; }

 private:
  RandomK(const RandomKParams& p, const Shape& shape, int64_t points, Init& init)
      : AffineSae("random_k", p, coded_shape(p, shape), init), p_(p), points_(points) {
    const double drawn = init.uniform_within({1}, 1.0).item<double>();
    seed_ = buffer("seed", at::full({}, std::llround(std::ldexp(drawn, 52)), at::kLong));
  }

  bool by_layer() const { return p_.choose == "layer"; }
  int64_t seed() const { return seed_.item<int64_t>(); }

  // The hookpoint of each row of x [n, points, d]: [n].
  Tensor layer_of(const Tensor& x, Mode mode) const {
    if (p_.draw == "row") return drawn_choice(row_numbers(x, seed()), points_).to(x.device());
    const int64_t number = mode == Mode::train ? number_of_all(row_numbers(x, seed())) : seed();
    return drawn_choice(at::full({1}, number, at::kLong), points_)
        .expand({x.size(0)})
        .to(x.device());
  }
  // The rows of a batch that are coded.
  Batch coded(const Batch& batch, Mode mode) const {
    if (!by_layer()) return batch;
    return batch_of_rows(rows_at(batch.input, layer_of(batch.input, mode)));
  }

  RandomKParams p_;
  int64_t points_;
  Tensor seed_;  // [] int64, on the CPU
};

}  // namespace

FACET_PLUGIN("facet.sae.random_k", FACET_VERSION) {
  registry.add_sae<RandomK>("random_k", "A control: latents, or a hookpoint, by chance.", schema());
}
