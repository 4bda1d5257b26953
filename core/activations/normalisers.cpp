// How a normaliser is chosen, `none`, and how a batch is made with one.
#include "activations/normalisers.h"

#include <facet/torch.h>

#include "activations/activation_stream.h"
#include "activations/target_normaliser.h"

namespace facet {
namespace {

struct NoneParams {};

/// Rows as they are, in float32.
class None final : public Normaliser {
 public:
  explicit None(const NoneParams&) {}
  Tensor apply(const Tensor& x, Stats&) const override { return x.to(torch::kFloat32); }
  Tensor invert(const Tensor& x, const Stats&) const override { return x.to(torch::kFloat32); }
  bool fold(Sae&) const override { return true; }
  std::string saelens_name() const override { return "none"; }
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
std::optional<RowMap> Normaliser::row_map() const { return std::nullopt; }
bool Normaliser::fold(Sae& sae) const {
  const std::optional<RowMap> map = row_map();
  return map && sae.fold(*map);
}
std::string Normaliser::saelens_name() const { return ""; }
int64_t Normaliser::input_points() const { return 0; }
Value Normaliser::state() const { return {}; }
void Normaliser::restore(const Value&) {}

Batch make_batch(const Normaliser& normaliser, Rows rows) {
  Batch batch;
  batch.input = normaliser.apply(rows.x, batch.stats);
  batch.target = batch.input;
  if (const int64_t points = normaliser.input_points(); points > 0) {
    const int64_t others = batch.input.size(1) - points;
    batch.target = others > 0 ? batch.input.narrow(1, points, others) : Tensor();
    batch.input = batch.input.narrow(1, 0, points);
  }
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
  if (const auto meant = layer_norm_of(name)) return choose_normaliser(registry, *meant, where);
  return choice;
}

std::unique_ptr<Normaliser> make_normaliser(const Registry& registry, const Value& normalize,
                                            const std::string& where) {
  const NormaliserChoice choice = choose_normaliser(registry, normalize, where);
  return registry.normaliser(choice.type, where).make(choice.params);
}

std::unique_ptr<Normaliser> make_normaliser(const Registry& registry, const Value& normalize,
                                            const Value& normalize_target, int64_t points,
                                            const std::string& where) {
  auto input = make_normaliser(registry, normalize, where);
  if (points == 0) return input;
  return with_target(std::move(input),
                     make_normaliser(registry, normalize_target, where + "_target"), points);
}

void add_core_normalisers(Registry& registry) {
  registry.add_normaliser<None>("none", "Rows as the host gives them.", Schema<NoneParams>());
  add_layer_norms(registry);
  add_constant_norm(registry);
  add_fitted_normalisers(registry);
  add_whitening(registry);
}

}  // namespace facet
