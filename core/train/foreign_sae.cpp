// Finds the format of a folder, and makes the SAE that it describes.
#include "train/foreign_sae.h"

#include <facet/torch.h>

#include <algorithm>
#include <cstring>

#include "train/foreign_formats.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

const std::vector<ForeignFormat>& foreign_formats() {
  static const std::vector<ForeignFormat> all = {sparsify_format(), saelens_format(),
                                                 dictionary_learning_format(), checkpoint_format()};
  return all;
}

}  // namespace

const ForeignFormat* foreign_format(const fs::path& folder) {
  for (const ForeignFormat& format : foreign_formats())
    if (format.is(folder)) return &format;
  return nullptr;
}

ForeignSae read_foreign_sae(const fs::path& folder) {
  if (const ForeignFormat* format = foreign_format(folder)) return format->read(folder);
  std::string all = "facet.json (facet)";
  for (const ForeignFormat& format : foreign_formats())
    all += std::string(", ") + format.files + " (" + format.program + ")";
  throw UserError(folder.string() + ": not an SAE: has none of " + all);
}

std::string facet_hookpoint(const std::string& name) {
  struct Spelling {
    const char *before, *after, *here;
  };
  // sources: TransformerLens (HookedTransformer); sparsify's and transformers' modules;
  // dictionary_learning (utils.py)
  constexpr Spelling kSpellings[] = {{"blocks.", ".hook_resid_pre", "in"},
                                     {"blocks.", ".hook_resid_post", "out"},
                                     {"blocks.", ".hook_mlp_out", "mlp.out"},
                                     {"blocks.", ".hook_attn_out", "attn.out"},
                                     {"layers.", "", "out"},
                                     {"layers.", ".mlp", "mlp.out"},
                                     {"resid_post_layer_", "", "out"}};
  for (const auto& [before, after, here] : kSpellings) {
    if (!name.starts_with(before) || !name.ends_with(after)) continue;
    const std::string block =
        name.substr(std::strlen(before), name.size() - std::strlen(before) - std::strlen(after));
    if (!block.empty() && block.find_first_not_of("0123456789") == std::string::npos)
      return "blocks." + block + "." + here;
  }
  return name;
}

std::unique_ptr<Sae> sae_of_foreign(const ForeignSae& foreign, const Registry& registry,
                                    const std::string& where, Value& params_in_force) {
  const SaePart& part = registry.sae(foreign.type, where);
  std::vector<std::string> problems;
  const AnyParams params = part.schema.parse(where, foreign.params, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  Init init(0);
  std::unique_ptr<Sae> sae = part.make(params, foreign.shape, init);
  const torch::NoGradGuard no_grad;
  size_t used = 0;
  const auto copy = [&](const std::string& name, Tensor into, bool needed) {
    const auto given = std::find_if(foreign.tensors.begin(), foreign.tensors.end(),
                                    [&](const auto& one) { return one.first == name; });
    if (given == foreign.tensors.end()) {
      FACET_ASSERT(!needed, where + ": nothing gives " + name + " of " + foreign.type);
      return;
    }
    FACET_ASSERT(given->second.sizes() == into.sizes(), where + ": " + name + " has other sizes");
    into.copy_(given->second);
    ++used;
  };
  for (const auto& [name, value] : sae->params()) copy(name, value, true);
  for (const Buffer& buffer : sae->buffers()) copy(buffer.name, buffer.value, false);
  FACET_ASSERT(used == foreign.tensors.size(),
               where + ": " + foreign.type + " takes fewer tensors");
  params_in_force = params.resolved;
  return sae;
}

}  // namespace facet
