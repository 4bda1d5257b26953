// Counting active latents, and folding a map of rows in.
#include "plugin/conformance_promises.h"

#include <algorithm>

#include "facet/table.h"
#include "facet/torch.h"
#include "plugin/conformance_subject.h"

namespace facet {

namespace {

// A normaliser's scale, and what float32 leaves of a fold, of values of order 1.
constexpr double kFoldScale = 4.0;
constexpr double kSameFolded = 1e-5;
// Rows in which rounding may put another latent over a threshold.
constexpr double kMovedShare = 0.01;

}  // namespace

Outcome keeps_sparsity(const SaePart& part, const Value& params, Sae& sae, const Batch& batch) {
  const auto& fields = part.schema.fields;
  const auto field =
      std::find_if(fields.begin(), fields.end(), [](const FieldDoc& f) { return f.name == "k"; });
  const Value* given = params.find("k");
  if (field == fields.end() || !given) return skips("it has no field k");
  const double k =
      given->is<int64_t>() ? static_cast<double>(*given->as<int64_t>()) : params.number("k");
  const torch::NoGradGuard no_gradients;
  const bool average = field->help.find("average") != std::string::npos;
  const Pass pass = sae.pass(batch, average ? Mode::train : Mode::infer);
  const Tensor active = pass.codes.dense().ne(0).sum(1).to(torch::kFloat64);  // [rows]
  const double found = (average ? active.mean() : active.max()).item<double>();
  if (found <= k) return holds();
  return fails("k is " + for_eyes(k) + ", and a row has " + for_eyes(found) + " latents" +
               (average ? " on average" : ""));
}

Outcome folds_in(Sae& sae, const Batch& batch) {
  const torch::NoGradGuard no_gradients;
  const Pass before = sae.pass(batch, Mode::infer);
  const NamedTensors state = copy_of_state(sae);
  RowMap map;
  map.mean = torch::linspace(-1, 1, batch.input.size(2), torch::kFloat64).unsqueeze(0);
  map.scale = torch::full({1}, kFoldScale, torch::kFloat64);
  if (!sae.fold(map)) {
    const std::string differs = first_difference(state, state_of(sae));
    return differs.empty() ? skips("it says that its weights cannot take one in")
                           : fails("says that it cannot, and changed " + differs);
  }
  const auto raw = [&](const Tensor& x) { return (x / kFoldScale + map.mean).to(torch::kFloat32); };
  Batch unscaled = batch;
  unscaled.input = raw(batch.input);
  unscaled.target = raw(batch.target);
  const Pass after = sae.pass(unscaled, Mode::infer);
  const Tensor moved = (before.codes.dense().gt(0) != after.codes.dense().gt(0)).any(1);  // [rows]
  if (moved.to(torch::kFloat64).mean().item<double>() > kMovedShare)
    return fails("other latents are active once it is folded in");
  const Tensor error = (raw(before.output) - after.output).abs().flatten(1).amax(1);  // [rows]
  const double worst = error.masked_fill(moved, 0).max().item<double>();
  if (worst <= kSameFolded) return holds();
  return fails("once it is folded in the reconstruction is " + for_eyes(worst) + " off");
}

}  // namespace facet
