// facet sae show: what a folder says of its SAE, without loading it.
#include <facet/torch.h>

#include <algorithm>
#include <iostream>

#include "base/files.h"
#include "cli/commands.h"
#include "facet/safetensors.h"
#include "facet/table.h"
#include "run/machine.h"
#include "run/verb_text.h"
#include "schema/toml_text.h"
#include "train/foreign_sae.h"
#include "train/sae_folder.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLabel = 13;  // width of the first column
// sparsity.safetensors has log10 of the share of rows; a latent that never fired has 1e-10.
constexpr double kNeverFired = -9.5;

void line(const std::string& label, const std::string& text) {
  if (text.empty()) return;
  std::cout << "  " << label << std::string(kLabel - label.size(), ' ') << text << "\n";
}

// "k = 4, d_sae = 64".
std::string shown(const Value& table) {
  std::string out;
  if (const auto* members = table.as<Value::Table>())
    for (const auto& [key, value] : *members)
      out += (out.empty() ? "" : ", ") + key + " = " + toml_literal(value);
  return out;
}

std::string shape_text(const std::vector<int64_t>& sizes) {
  std::string out;
  for (const int64_t size : sizes) out += (out.empty() ? "" : ", ") + std::to_string(size);
  return "[" + out + "]";
}

void show_dead(const fs::path& file) {
  if (!fs::exists(file)) return;
  const Safetensors sparsity(file);
  const Tensor share = sparsity.tensor("sparsity", sparsity.sizes("sparsity"));  // [d_sae], log10
  const int64_t dead = share.lt(kNeverFired).sum().item<int64_t>(), all = share.numel();
  line("dead",
       std::to_string(dead) + " of " + std::to_string(all) +
           " latents never fired at the end of the training (" +
           for_eyes(all > 0 ? 100.0 * static_cast<double>(dead) / static_cast<double>(all) : 0.0) +
           " %)");
}

void show_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i < files.size(); ++i)
    line(i == 0 ? "files" : "", files[i].filename().string() + ", " +
                                    bytes_text(static_cast<double>(fs::file_size(files[i]))));
  for (const char* name : {"sae_weights.safetensors", "sae.safetensors", "ae.safetensors"}) {
    if (!fs::exists(folder / name)) continue;
    const Safetensors tensors(folder / name);
    std::string all;
    for (const std::string& tensor : tensors.names())
      all += (all.empty() ? "" : ", ") + tensor + " " + shape_text(tensors.sizes(tensor));
    line("weights", all);
  }
}

void show_record(const SaeRecord& record, const Value& config) {
  line("type", record.type);
  line("parameters", shown(record.params));
  line("d_in", std::to_string(record.shape.d_in));
  if (const Value* d_sae = config.find("d_sae")) line("d_sae", toml_literal(*d_sae));
  line("host", !record.program.empty()    ? "not known"
               : record.host_type.empty() ? "none: rows of a known dictionary"
                                          : record.host_type);
  line("host weights", record.host_weights);
  line("hookpoint",
       joined(record.hookpoints) + (record.layers_as == "points" ? "" : ", each a row of its own"));
  line("target", target_text(record));
  line("rows", record.host_type.empty() ? "" : record.rows);
  const auto normaliser = [](const std::string& type, const Value& params) {
    const std::string its = shown(params);
    return type + (its.empty() ? "" : " (" + its + ")");
  };
  line("normaliser", normaliser(record.normaliser, record.normaliser_params));
  const SaeRecord::Target& target = record.target;
  if (!target.hookpoints.empty())
    line("of target", normaliser(target.normaliser, target.normaliser_params));
  line("program", record.program);
  line("its host", record.host_name);
  if (record.program.empty())
    line("trained", std::to_string(record.step) + " steps, seed " + std::to_string(record.seed));
  line("run", record.run);
}

const Value* either(const Value& config, const char* key, const std::vector<std::string>& others) {
  if (const Value* metadata = config.find("metadata"))
    if (const Value* v = metadata->find(key)) return v;
  for (const std::string& other : others)
    if (const Value* v = config.find(other)) return v;
  return config.find(key);
}

// What facet makes of the folder of another program.
void show_foreign(const ForeignSae& foreign) {
  line("program", foreign.program);
  line("type", foreign.type);
  line("parameters", shown(foreign.params));
  line("d_in", std::to_string(foreign.shape.d_in));
  if (foreign.shape.transcodes) line("d_out", std::to_string(foreign.shape.d_out));
  line("host", foreign.host);
  line("hookpoint", foreign.hookpoint);
  line("target", foreign.target);
  line("normaliser", toml_literal(foreign.normalize));
  for (const std::string& notice : foreign.notices) line("note", notice);
}

// As cfg.json has it, where facet cannot read it.
void show_saelens(const Value& config, const std::string& why) {
  const auto show = [](const char* label, const Value* v) {
    if (v && !v->empty()) line(label, v->is<std::string>() ? *v->as<std::string>() : emit_json(*v));
  };
  show("type", config.find("architecture"));
  show("d_in", config.find("d_in"));
  show("d_sae", config.find("d_sae"));
  show("host", either(config, "model_name", {}));
  show("hookpoint", either(config, "hook_name", {"hook_point"}));
  show("normaliser", config.find("normalize_activations"));
  line("note", "facet cannot load it: " + why);
}

}  // namespace

fs::path sae_folder_of(const fs::path& given) {
  return fs::exists(given / "sae" / "cfg.json") ? given / "sae" : given;
}

int show_sae(const fs::path& given) {
  const fs::path folder = sae_folder_of(given);
  const fs::path config_file = folder / "cfg.json", record_file = folder / "facet.json";
  Value config{Value::Table()};
  if (fs::exists(config_file)) {
    config = parse_json(read_file(config_file), config_file.string());
    if (!config.is<Value::Table>())
      throw UserError(config_file.string() + ": is " + config.describe() + ", should be a table");
  }
  if (fs::exists(record_file)) {
    const SaeRecord record =
        sae_record(parse_json(read_file(record_file), record_file.string()), record_file.string());
    std::cout << folder.string() << "\n";
    show_record(record, config);
  } else if (!fs::exists(config_file)) {
    const ForeignSae foreign = read_foreign_sae(folder);
    std::cout << folder.string() << "\n";
    show_foreign(foreign);
  } else {
    std::cout << folder.string() << "\n";
    try {
      show_foreign(read_foreign_sae(folder));
    } catch (const UserError& e) {
      show_saelens(config, e.what());
    }
  }
  show_dead(folder / "sparsity.safetensors");
  show_files(folder);
  return 0;
}

}  // namespace facet::cli
