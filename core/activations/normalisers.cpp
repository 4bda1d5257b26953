// The normalisers of the kernel, none and layer_norm, and how a batch is made with one.
#include <facet/torch.h>

#include "activations/activation_stream.h"

namespace facet {
namespace {

struct NoneParams {};

/// Rows as they are, in float32.
class None final : public Normaliser {
 public:
  explicit None(const NoneParams&) {}
  Tensor apply(const Tensor& x, Stats&) const override { return x.to(torch::kFloat32); }
  Tensor invert(const Tensor& x, const Stats&) const override { return x.to(torch::kFloat32); }
  bool fold(Sae&) override { return true; }
  std::string saelens_name() const override { return "none"; }
};

struct LayerNormParams {
  double eps = 1e-5;
  bool unbiased = true;
  bool eps_outside = true;
};

Schema<LayerNormParams> layer_norm_schema() {
  return Schema<LayerNormParams>()
      .field("eps", &LayerNormParams::eps, "Keeps rows of equal numbers finite.", above(0))
      .field("unbiased", &LayerNormParams::unbiased, "The variance divides by d - 1 instead of d.")
      .field("eps_outside", &LayerNormParams::eps_outside,
             "Divides by std + eps instead of sqrt(variance + eps).");
}

/// Each row by its own mean and spread, over the last axis.
///
/// eps_outside   (x - mean) / (std + eps), back: x * std + mean; so the way back leaves a relative
/// error of
///               eps / std, as in SAELens
/// otherwise     (x - mean) / s with s = sqrt(variance + eps), back: x * s + mean
/// source        SAELens 6.54, sae.py, run_time_activation_norm_fn_in and _out for "layer_norm"
class LayerNorm final : public Normaliser {
 public:
  explicit LayerNorm(const LayerNormParams& params) : params_(params) {}

  Tensor apply(const Tensor& x, Stats& stats) const override {
    const Tensor wide = x.to(torch::kFloat32);
    const Tensor mean = wide.mean(-1, true);  // [n, points, 1]
    const Tensor centred = wide - mean;
    const auto divisor = static_cast<double>(x.size(-1) - (params_.unbiased ? 1 : 0));
    const Tensor variance = centred.square().sum(-1, true) / divisor;
    stats["mean"] = mean;
    stats["scale"] = params_.eps_outside ? variance.sqrt() : (variance + params_.eps).sqrt();
    return centred / (params_.eps_outside ? stats["scale"] + params_.eps : stats["scale"]);
  }

  Tensor invert(const Tensor& x, const Stats& stats) const override {
    return x.to(torch::kFloat32) * stats.at("scale") + stats.at("mean");
  }

  std::string saelens_name() const override {
    const bool same =
        params_.eps == LayerNormParams().eps && params_.unbiased && params_.eps_outside;
    return same ? "layer_norm" : "";
  }

 private:
  LayerNormParams params_;
};

// A name alone is a table with nothing but its type; nothing at all is "none".
Value as_table(const Value& normalize) {
  if (!normalize.empty() && !normalize.is<std::string>()) return normalize;
  Value type = normalize.empty() ? Value("none") : normalize;
  Value table;
  table.origin = type.origin = normalize.origin;
  table.set("type", std::move(type));
  return table;
}

}  // namespace

Normaliser::~Normaliser() = default;
void Normaliser::fit(ActivationSource&, int64_t) {}
bool Normaliser::fold(Sae&) { return false; }
std::string Normaliser::saelens_name() const { return ""; }
Value Normaliser::state() const { return {}; }
void Normaliser::restore(const Value&) {}

Batch make_batch(const Normaliser& normaliser, Rows rows) {
  Batch batch;
  batch.input = normaliser.apply(rows.x, batch.stats);
  batch.target = batch.input;
  batch.ids = std::move(rows);
  return batch;
}

NormaliserChoice choose_normaliser(const Registry& registry, const Value& normalize,
                                   const std::string& where) {
  Value params = as_table(normalize);
  std::vector<std::string> problems;
  const Value* type = params.find("type");
  if (!params.is<Value::Table>())
    schema_detail::add_problem(
        problems, normalize.origin, where,
        "expected a name or a table with `type`, got " + normalize.describe());
  else if (!type)
    schema_detail::add_problem(problems, normalize.origin, where + ".type", "required");
  else if (!type->is<std::string>())
    schema_detail::add_problem(problems, type->origin, where + ".type",
                               "expected string, got " + type->describe());
  if (!problems.empty()) throw UserError(problems);
  const std::string name = *type->as<std::string>();
  const std::string place = type->origin.text();
  const Part& part = registry.normaliser(name, (place.empty() ? "" : place + ": ") + where);
  params.as<Value::Table>()->erase("type");
  NormaliserChoice choice{name, part.schema.parse(where, params, Demand::whole, problems)};
  if (!problems.empty()) throw UserError(problems);
  return choice;
}

std::unique_ptr<Normaliser> make_normaliser(const Registry& registry, const Value& normalize,
                                            const std::string& where) {
  const NormaliserChoice choice = choose_normaliser(registry, normalize, where);
  return registry.normaliser(choice.type, where).make(choice.params);
}

void add_core_normalisers(Registry& registry) {
  registry.add_normaliser<None>("none", "Rows as the host gives them.", Schema<NoneParams>());
  registry.add_normaliser<LayerNorm>("layer_norm",
                                     "Each row less its mean, divided by its standard deviation.",
                                     layer_norm_schema());
}

}  // namespace facet
