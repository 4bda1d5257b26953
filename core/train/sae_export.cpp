// Folds, exchanges the architecture, and writes the folder.
#include "train/sae_export.h"

#include <facet/torch.h>

#include <algorithm>

#include "activations/activation_stream.h"
#include "plugin/call.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

// The SAE of another architecture that `form` describes.
std::unique_ptr<Sae> made_of(const InferenceForm& form, const SaeRecord& record,
                             const Registry& registry, Value& params_in_force) {
  const std::string where = "sae export: " + record.type + " is written as " + form.type;
  const SaePart& part = registry.sae(form.type, where);
  std::vector<std::string> problems;
  const AnyParams params = part.schema.parse(where, form.params, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  Init init(record.seed);
  std::unique_ptr<Sae> sae = part.make(params, record.shape, init);
  FACET_ASSERT(sae->params().size() == form.tensors.size(), where + ": other parameters");
  for (auto [name, value] : sae->params()) {
    const auto given = std::find_if(form.tensors.begin(), form.tensors.end(),
                                    [&](const auto& tensor) { return tensor.first == name; });
    FACET_ASSERT(given != form.tensors.end(), where + ": it has no " + name);
    value.copy_(given->second);
  }
  params_in_force = params.resolved;
  return sae;
}

// What the new folder holds; the SAE that is given is changed.
LoadedSae for_raw_rows(LoadedSae loaded, const Registry& registry, ExportOutcome& outcome) {
  const torch::NoGradGuard no_grad;
  SaeRecord& record = loaded.record;
  const std::string plugin = registry.sae(record.type, "sae export").plugin;
  const auto fold = [&] {
    return call_plugin(plugin, [&] { return loaded.normaliser->fold(*loaded.sae); });
  };
  bool folded = fold();
  const std::string was = record.type;
  outcome.normaliser = record.normaliser;
  const std::string& of_target = record.target.normaliser;
  if (!of_target.empty() && of_target != "none")
    outcome.normaliser += ", of the target " + of_target;
  const auto form = call_plugin(plugin, [&] { return loaded.sae->inference_form(); });
  if (form) {
    loaded.sae = made_of(*form, record, registry, record.params);
    record.type = form->type;
    if (!folded) folded = fold();
  }
  const bool transcodes = record.shape.transcodes;
  if (folded && !transcodes) {
    loaded.normaliser = make_normaliser(registry, "none", "sae export");
    record.normaliser = "none";
    record.normaliser_params = Value::Table();
    record.normaliser_state = Value();
  } else if (!folded) {
    outcome.stays = transcodes                     ? "input and target are normalised apart"
                    : loaded.normaliser->row_map() ? "the weights of " + was + " cannot take it in"
                                                   : "it looks at each row by itself, which no "
                                                     "weights do";
  }
  outcome.type = record.type;
  outcome.saelens = !loaded.sae->saelens().empty() && !loaded.normaliser->saelens_name().empty();
  return loaded;
}

}  // namespace

ExportOutcome export_sae(const fs::path& from, const fs::path& to, const Registry& registry) {
  std::error_code error;
  if (fs::exists(to, error) && (!fs::is_directory(to, error) || !fs::is_empty(to, error)))
    throw UserError(to.string() + ": is there already, should be a new folder");
  ExportOutcome outcome;
  const LoadedSae loaded = for_raw_rows(load_sae(from, registry), registry, outcome);
  std::optional<Fingerprint> fingerprint;
  if (loaded.fingerprint_rows.defined())
    fingerprint = fingerprint_of(*loaded.sae, *loaded.normaliser, loaded.fingerprint_rows);
  save_sae(to, *loaded.sae, *loaded.normaliser, loaded.record, fingerprint);
  outcome.notices = loaded.notices;
  const fs::path sparsity = from / "sparsity.safetensors";
  if (fs::exists(sparsity)) fs::copy_file(sparsity, to / sparsity.filename());
  return outcome;
}

}  // namespace facet
