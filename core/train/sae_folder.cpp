// Writes and reads the folder of a finished SAE.
#include "train/sae_folder.h"

#include <facet/torch.h>

#include <algorithm>

#include "activations/activation_stream.h"
#include "base/files.h"
#include "facet/build.h"
#include "facet/safetensors.h"
#include "plugin/call.h"
#include "train/foreign_sae.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kSaeFormat = 1;
/// The SAELens whose layout cfg.json follows: readers choose their parser by it.
constexpr const char kSaeLensVersion[] = "6.54.12";

fs::path weights_file(const fs::path& folder) { return folder / "sae_weights.safetensors"; }
fs::path buffers_file(const fs::path& folder) { return folder / "facet_buffers.safetensors"; }
fs::path record_file(const fs::path& folder) { return folder / "facet.json"; }

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

Value config_of(const Sae& sae, const Normaliser& normaliser, const SaeRecord& record) {
  Value config;
  config.set("apply_b_dec_to_input", true);
  config.set("reshape_activations", "none");
  const Value own = sae.saelens();
  const std::string normalize = normaliser.saelens_name();
  if (const auto* keys = own.as<Value::Table>())
    for (const auto& [key, value] : *keys) config.set(key, value);
  if (own.empty() || normalize.empty()) config.set("architecture", "facet/" + record.type);
  config.set("normalize_activations", normalize.empty() ? "facet/" + record.normaliser : normalize);
  config.set("d_in", record.shape.d_in);
  config.set("d_sae", sae.d_sae());
  if (record.shape.d_out != record.shape.d_in || record.shape.transcodes)
    config.set("d_out", record.shape.d_out);
  config.set("dtype", "float32");
  config.set("device", "cpu");
  Value metadata;
  metadata.set("sae_lens_version", kSaeLensVersion);
  metadata.set("model_name", record.program.empty() ? record.host_type : record.host_name);
  metadata.set("hook_name", joined(record.hookpoints));
  if (!record.target.hookpoints.empty())
    metadata.set("hook_name_out", joined(record.target.hookpoints));
  config.set("metadata", std::move(metadata));
  return config;
}

std::string describe(const Tensor& t) {
  std::string sizes;
  for (const int64_t size : t.sizes()) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  return std::string(torch::toString(t.scalar_type())) + " [" + sizes + "]";
}

void copy_into(const Safetensors& file, const std::string& name, Tensor into) {
  const Tensor there = file.tensor(name);
  if (there.scalar_type() != into.scalar_type() || there.sizes() != into.sizes())
    throw UserError(file.file().string() + ": " + name + ": is " + describe(there) +
                    ", should be " + describe(into));
  into.copy_(there);
}

void check_names(const Safetensors& file, const std::vector<std::string>& expected) {
  for (const std::string& name : file.names())
    if (std::find(expected.begin(), expected.end(), name) == expected.end())
      throw UserError(file.file().string() + ": unknown tensor \"" + name + "\"" +
                      did_you_mean(name, expected));
}

SaeRecord record_of(const ForeignSae& foreign) {
  SaeRecord out;
  out.type = foreign.type;
  out.params = foreign.params;
  out.shape = foreign.shape;
  if (!foreign.hookpoint.empty()) out.hookpoints = {foreign.hookpoint};
  if (foreign.shape.transcodes)
    out.target = {
        {foreign.target.empty() ? "not known" : foreign.target}, false, "none", Value::Table()};
  out.program = foreign.program;
  out.host_name = foreign.host;
  return out;
}

LoadedSae load_foreign(const fs::path& folder, const Registry& registry) {
  const std::string where = folder.string();
  ForeignSae foreign = read_foreign_sae(folder);
  LoadedSae out;
  out.record = record_of(foreign);
  out.sae = sae_of_foreign(foreign, registry, where, out.record.params);
  const NormaliserChoice choice = choose_normaliser(registry, foreign.normalize, where);
  out.record.normaliser = choice.type;
  out.record.normaliser_params = choice.params.resolved;
  out.normaliser =
      make_normaliser(registry, foreign.normalize, "none",
                      static_cast<int64_t>(out.record.target.hookpoints.size()), where);
  out.notices = std::move(foreign.notices);
  return out;
}

Value strings(const std::vector<std::string>& words) {
  return Value::Array(words.begin(), words.end());
}

std::vector<std::string> strings_of(const Value& record, const char* key) {
  std::vector<std::string> out;
  for (const Value& word : record.array(key)) {
    const auto* text = word.as<std::string>();
    if (!text)
      throw UserError(std::string(key) + ": expected list of string, got " + word.describe());
    out.push_back(*text);
  }
  return out;
}

Value target_value(const SaeRecord::Target& target) {
  return Value::Table{{"hookpoints", strings(target.hookpoints)},
                      {"minus_input", target.minus_input},
                      {"normaliser", target.normaliser},
                      {"normaliser_params", target.normaliser_params}};
}

SaeRecord::Target target_record(const Value& value) {
  return {strings_of(value, "hookpoints"), value.flag("minus_input"), value.text("normaliser"),
          value.at("normaliser_params")};
}

bool buffers_apart(const Sae& sae) { return !sae.saelens().empty() && !sae.buffers().empty(); }

}  // namespace

Value to_value(const SaeRecord& record) {
  Value shape;
  shape.set("points_in", record.shape.points_in);
  shape.set("points_out", record.shape.points_out);
  shape.set("d_in", record.shape.d_in);
  shape.set("d_out", record.shape.d_out);
  if (record.shape.transcodes) shape.set("transcodes", true);
  Value out;
  out.set("format", kSaeFormat);
  out.set("facet", FACET_VERSION);
  out.set("type", record.type);
  out.set("params", record.params);
  out.set("shape", std::move(shape));
  out.set("seed", static_cast<int64_t>(record.seed));
  out.set("host_type", record.host_type);
  out.set("host_weights", record.host_weights);
  out.set("hookpoints", strings(record.hookpoints));
  if (record.layers_as != "points") out.set("layers_as", record.layers_as);
  if (!record.target.hookpoints.empty()) out.set("target", target_value(record.target));
  out.set("rows", record.rows);
  out.set("pool", record.pool);
  out.set("stream_key", record.stream_key);
  out.set("normaliser", record.normaliser);
  out.set("normaliser_params", record.normaliser_params);
  out.set("normaliser_state", record.normaliser_state);
  out.set("run", record.run);
  out.set("step", record.step);
  if (!record.program.empty()) {
    out.set("program", record.program);
    out.set("host_name", record.host_name);
  }
  return out;
}

SaeRecord sae_record(const Value& value, const std::string& where) {
  SaeRecord out;
  try {
    if (value.integer("format") != kSaeFormat)
      throw UserError("format: is " + std::to_string(value.integer("format")) + ", should be " +
                      std::to_string(kSaeFormat));
    const Value& shape = value.at("shape");
    out.type = value.text("type");
    out.params = value.at("params");
    out.shape = {shape.integer("points_in"), shape.integer("points_out"), shape.integer("d_in"),
                 shape.integer("d_out"), shape.find("transcodes") && shape.flag("transcodes")};
    out.seed = static_cast<uint64_t>(value.integer("seed"));
    out.host_type = value.text("host_type");
    out.host_weights = value.text("host_weights");
    out.hookpoints = strings_of(value, "hookpoints");
    if (value.find("layers_as")) out.layers_as = value.text("layers_as");
    if (const Value* target = value.find("target")) out.target = target_record(*target);
    out.rows = value.text("rows");
    if (value.find("pool")) out.pool = value.text("pool");
    out.stream_key = value.text("stream_key");
    out.normaliser = value.text("normaliser");
    out.normaliser_params = value.at("normaliser_params");
    out.normaliser_state = value.at("normaliser_state");
    out.run = value.text("run");
    out.step = value.integer("step");
    if (value.find("program")) {
      out.program = value.text("program");
      out.host_name = value.text("host_name");
    }
  } catch (const UserError& e) {
    throw UserError(where + ": " + e.what());
  }
  return out;
}

std::string target_text(const SaeRecord& record) {
  const SaeRecord::Target& target = record.target;
  return joined(target.hookpoints) + (target.minus_input ? " less the input" : "");
}

void save_weights(const fs::path& folder, const Sae& sae) {
  NamedTensors params(sae.params().begin(), sae.params().end());
  NamedTensors buffers;
  for (const Buffer& buffer : sae.buffers())
    (buffers_apart(sae) ? buffers : params).emplace_back(buffer.name, buffer.value);
  save_safetensors(weights_file(folder), params);
  if (!buffers.empty()) save_safetensors(buffers_file(folder), buffers);
}

void load_weights(const fs::path& folder, Sae& sae) {
  const torch::NoGradGuard no_grad;
  const Safetensors weights(weights_file(folder));
  std::vector<std::string> names, buffer_names;
  for (const auto& [name, value] : sae.params()) {
    copy_into(weights, name, value);
    names.push_back(name);
  }
  const bool apart = buffers_apart(sae);
  const Safetensors buffers = apart ? Safetensors(buffers_file(folder)) : weights;
  for (const Buffer& buffer : sae.buffers()) {
    copy_into(buffers, buffer.name, buffer.value);
    (apart ? buffer_names : names).push_back(buffer.name);
  }
  check_names(weights, names);
  if (apart) check_names(buffers, buffer_names);
}

void save_sae(const fs::path& folder, const Sae& sae, const Normaliser& normaliser,
              const SaeRecord& record, const std::optional<Fingerprint>& fingerprint) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UserError(folder.string() + ": cannot make folder: " + error.message());
  save_weights(folder, sae);
  write_file(folder / "cfg.json", emit_json_pretty(config_of(sae, normaliser, record)));
  Value said = to_value(record);
  if (fingerprint) said.set("fingerprint", save_fingerprint(folder, *fingerprint));
  write_file(record_file(folder), emit_json_pretty(said));
}

LoadedSae load_sae(const fs::path& folder, const Registry& registry) {
  const fs::path file = record_file(folder);
  if (!fs::exists(file)) return load_foreign(folder, registry);
  const std::string where = file.string();
  LoadedSae out;
  const Value said = parse_json(read_file(file), where);
  out.record = sae_record(said, where);
  const SaePart& part = registry.sae(out.record.type, where + ": type");
  std::vector<std::string> problems;
  const AnyParams params =
      part.schema.parse(where + ": params", out.record.params, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  Init init(out.record.seed);
  out.sae = part.make(params, out.record.shape, init);
  load_weights(folder, *out.sae);
  const SaeRecord::Target& target = out.record.target;
  Value normalize = out.record.normaliser_params, of_target = target.normaliser_params;
  normalize.set("type", out.record.normaliser);
  if (!target.hookpoints.empty()) of_target.set("type", target.normaliser);
  out.normaliser =
      make_normaliser(registry, normalize, of_target,
                      static_cast<int64_t>(target.hookpoints.size()), where + ": normaliser");
  out.normaliser->restore(out.record.normaliser_state);
  if (const Value* fingerprint = said.find("fingerprint")) {
    out.fingerprint_rows = fingerprint_rows(folder);
    check_fingerprint(folder, *fingerprint, call_plugin(part.plugin, [&] {
                        return fingerprint_of(*out.sae, *out.normaliser, out.fingerprint_rows);
                      }));
  }
  return out;
}

}  // namespace facet
