// The verbs that make handles: host, data, activations, sae. Those that compute are in work.cpp.
#include "facet/torch.h"

#include <algorithm>

#include "activations/activation_store.h"
#include "host/hookpoints.h"
#include "plugin/call.h"
#include "run/experiment.h"
#include "run/open_parts.h"
#include "run/provenance.h"
#include "run/sections.h"
#include "run/verb_text.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

const Value& member_or(const Value& table, const std::string& key) {
  const Value* v = table.find(key);
  return v ? *v : table;
}

}  // namespace

std::string SaeHandle::state_key() const {
  if (folder.empty()) return key;
  if (!fs::exists(folder / "facet.json")) return sha256_path(folder);  // of another program
  return digest(Value(Value::Table{{"weights", sha256_path(folder / "sae_weights.safetensors")},
                                   {"facet", sha256_path(folder / "facet.json")}}));
}

std::shared_ptr<HostHandle> Experiment::host(const Value& given) {
  const Value section = merged("host", given);
  const AnyParams params = parse("host", section);
  const HostPart& part = kernel_.registry.host(section.text("type"));
  const auto out = open_host(part, params, {request_.device, &events()}, *hash_);
  hosts_.push_back(std::make_shared<CountedHost>(out->host));
  out->host = hosts_.back();
  keep_resolved("host", params.resolved);
  keep_inputs(part.schema.fields, params.resolved);
  keep_plugin(part);
  out->key = key_of(part, params.resolved);
  const HostInfo& info = out->host->info();
  begin("host", out->key);
  const Value* weights = params.resolved.find("weights");
  keep_fact("Host",
            part.name +
                (weights && weights->is<std::string>()
                     ? " (" + fs::path(*weights->as<std::string>()).filename().string() + ")"
                     : "") +
                ", " + std::to_string(info.layers) + " layers of width " +
                std::to_string(info.d_model));
  return out;
}

std::shared_ptr<DataHandle> Experiment::data(const Value& given) {
  const Value section = merged("data", given);
  const AnyParams params = parse("data", section);
  const DataPart& part = kernel_.registry.data(section.text("type"));
  const auto out = open_data(part, params, key_of(part, own_part(params).resolved));
  keep_resolved("data", params.resolved);
  keep_inputs(part.schema.fields, params.resolved);
  keep_inputs(kernel_schema("data").fields, params.resolved);
  keep_plugin(part);
  const Value* path = params.resolved.find("path");
  out->about =
      part.name + (path && path->is<std::string>()
                       ? " (" + fs::path(*path->as<std::string>()).filename().string() + ")"
                       : "");
  read_.push_back(out);
  begin("data", out->key);
  return out;
}

std::shared_ptr<RowsHandle> Experiment::activations(const Value& given,
                                                    std::shared_ptr<HostHandle> host,
                                                    std::shared_ptr<DataHandle> data) {
  if (!data) throw UserError(at(given) + "activations.data: required, a handle from run:data");
  const Value section = merged("activations", given);
  const AnyParams params = parse("activations", section);
  const auto& stream = params.as<StreamParams>();
  auto out = std::make_shared<RowsHandle>();
  out->name = stream.name;
  out->host = host;
  out->normalize = stream.normalize;
  out->normalize_target = stream.normalize_target;
  // The normalisers' own problems come out now, not after an hour of host passes.
  const auto choose = [&](const char* key, const Value& normalize) {
    choose_normaliser(kernel_.registry, normalize,
                      at(member_or(section, key)) + "activations." + key);
  };
  choose("normalize", stream.normalize);
  choose("normalize_target", stream.normalize_target);
  Value resolved = params.resolved;
  if (data->data->rows()) {
    if (host)
      throw UserError(at(given) + "activations.host: this data yields rows, which need no host");
    out->stream = std::make_shared<ActivationStream>(*data->data, stream);
  } else {
    if (!host) throw UserError(at(given) + "activations.host: required, a handle from run:host");
    const Value* hookpoints = section.find("hookpoints");
    if (!hookpoints) throw UserError(at(section) + "activations.hookpoints: required");
    const auto points =
        select_hookpoints(host->host->info(), *hookpoints, "activations.hookpoints");
    out->stream = std::make_shared<ActivationStream>(host->host, *data->data, points, stream);
    Value::Array names(points.begin(), points.end());
    Value list(std::move(names));
    list.origin = hookpoints->origin;
    resolved.set("hookpoints", list);
    keep_fact("Hookpoints", joined(points));
    const StreamTarget& target = out->stream->target();
    if (!target.points.empty())
      keep_fact("Target", joined(target.points) + (target.minus_input ? " less the input" : ""));
    if (stream.layers_as != "points")
      keep_fact("Layers", "each hookpoint of a token is a row (" + stream.layers_as + ")");
    if (stream.pool != "none")
      keep_fact("Pooling of rows", stream.pool + " over the rows of each sequence");
  }
  keep_resolved("activations", resolved);
  out->key = digest(Value(Value::Table{{"stream", out->stream->key()},
                                       {"host", host ? host->key : ""},
                                       {"weights", host ? host->weights_hash : ""}}));
  begin("activations", digest(Value(Value::Table{
                           {"rows", out->key},
                           {"params", identity_value(stream_schema().docs(), resolved, *hash_)}})));
  if (stream.store == "disk") keep_on_disk(*out);
  return out;
}

std::vector<std::string> Experiment::names_in_manifest(const std::string& section) const {
  const Value* there = manifest_.find(section);
  if (!there) throw UserError(section + ": the manifest has none");
  const auto name_of = [](const Value& one) {
    const Value* name = one.find("name");
    const auto* text = name ? name->as<std::string>() : nullptr;
    return text ? *text : std::string();
  };
  const auto* several = there->as<Value::Array>();
  if (!several) return {name_of(*there)};
  std::vector<std::string> names;
  for (const Value& one : *several) {
    const std::string name = name_of(one);
    if (several->size() > 1 && name.empty())
      throw UserError(at(one) + section + ".name: required where there are several");
    if (std::find(names.begin(), names.end(), name) != names.end())
      throw UserError(at(one) + section + ".name: \"" + name + "\" is taken by another");
    names.push_back(name);
  }
  return names;
}

namespace {

Value named(const std::string& name) {
  Value out{Value::Table()};
  if (!name.empty()) out.set("name", name);
  return out;
}

void refuse_keys(const Value& given, const std::string& verb, const std::string& section) {
  if (const auto* table = given.as<Value::Table>(); table && !table->empty())
    throw UserError(at(given) + verb + "." + table->begin()->first +
                    ": unknown key; each is written in the manifest, as [[" + section + "]]");
}

}  // namespace

std::vector<std::shared_ptr<RowsHandle>> Experiment::streams(const Value& given,
                                                             std::shared_ptr<HostHandle> host,
                                                             std::shared_ptr<DataHandle> data) {
  refuse_keys(given, "streams", "activations");
  std::vector<std::shared_ptr<RowsHandle>> out;
  for (const std::string& name : names_in_manifest("activations"))
    out.push_back(activations(named(name), host, data));
  return out;
}

namespace {

// Of a [[sae]] with a name; each different.
std::vector<int64_t> seeds_of(const Value& section, const Value& seeds) {
  const std::string where = at(seeds) + "sae.seeds: ";
  const auto* list = seeds.as<Value::Array>();
  std::vector<int64_t> out;
  for (const Value& seed : list ? *list : Value::Array()) {
    const auto* number = seed.as<int64_t>();
    if (!number || *number < 0 || std::find(out.begin(), out.end(), *number) != out.end())
      throw UserError(where + "has " + seed.describe() +
                      ", should be different integers of 0 or more");
    out.push_back(*number);
  }
  if (out.empty()) throw UserError(where + "is " + seeds.describe() + ", should name a seed");
  if (section.find("seed")) throw UserError(where + "stands beside sae.seed, should be alone");
  if (!section.find("name")) throw UserError(where + "needs sae.name, from which each has its own");
  return out;
}

}  // namespace

std::vector<std::shared_ptr<SaeHandle>> Experiment::saes(
    const Value& given, const std::vector<std::shared_ptr<RowsHandle>>& on) {
  refuse_keys(given, "saes", "sae");
  if (on.empty()) throw UserError(at(given) + "saes.on: required, what run:streams gave");
  std::vector<std::shared_ptr<SaeHandle>> out;
  for (const std::string& name : names_in_manifest("sae")) {
    const Value section = merged("sae", named(name));
    const Value* wanted = section.find("on");
    const std::string stream =
        wanted && wanted->is<std::string>() ? *wanted->as<std::string>() : std::string();
    const auto found =
        std::find_if(on.begin(), on.end(), [&](const auto& rows) { return rows->name == stream; });
    const bool only = on.size() == 1 && stream.empty();
    if (found == on.end() && !only) {
      std::string list;
      for (const auto& rows : on) list += (list.empty() ? "\"" : ", \"") + rows->name + "\"";
      throw UserError(at(wanted ? *wanted : section) + "sae.on: " +
                      (wanted ? wanted->describe() : "nothing") + ", should be one of " + list);
    }
    const auto& rows = only ? on.front() : *found;
    const Value* seeds = section.find("seeds");
    if (!seeds) {
      out.push_back(sae(named(name), rows));
      continue;
    }
    for (const int64_t seed : seeds_of(section, *seeds)) {
      Value one = section;
      one.as<Value::Table>()->erase("seeds");
      one.set("name", name + "-" + std::to_string(seed));
      one.set("seed", seed);
      out.push_back(sae_of(one, given, rows));
    }
  }
  return out;
}

void Experiment::keep_on_disk(RowsHandle& rows) {
  ActivationStream& stream = *rows.stream;
  const std::string key = digest(Value(Value::Table{{"rows", stream.raw_key()},
                                                    {"host", rows.host->key},
                                                    {"weights", rows.host->weights_hash},
                                                    {"format", kActivationsFormat}}));
  const fs::path folder = store_folder("activations", key);
  build_alone("activations", folder, "the same rows", [&] {
    call_beside_plugin(kernel_.registry.host(rows.host->type).plugin, [&] {
      build_activations(folder, stream, key, *eyes_, [this] {
        if (stop_wanted()) throw Stopped("activations: stopped between two batches");
      });
    });
  });
  stream.read_from(open_activations(folder, key));
}

// An untrained SAE for the rows of `on`; seed -1: the run's.
std::shared_ptr<SaeHandle> Experiment::new_sae(const SaePart& part, const AnyParams& own,
                                               int64_t seed, const RowsHandle& on) {
  auto out = std::make_shared<SaeHandle>();
  out->part = &part;
  out->params = own;
  SaeRecord& record = out->record;
  record.type = part.name;
  record.params = own.resolved;
  record.shape = on.stream->shape();
  record.seed = seed >= 0 ? static_cast<uint64_t>(seed) : seed_;
  if (on.host) {
    record.host_type = on.host->type;
    record.host_weights = on.host->weights_hash;
  }
  record.hookpoints = on.stream->points();
  record.rows = on.stream->row_policy();
  record.pool = on.stream->params().pool;
  record.stream_key = on.key;
  record.layers_as = on.stream->params().layers_as;
  const std::string where = "activations.normalize";
  const NormaliserChoice choice = choose_normaliser(kernel_.registry, on.normalize, where);
  record.normaliser = choice.type;
  record.normaliser_params = choice.params.resolved;
  const StreamTarget& target = on.stream->target();
  if (!target.points.empty()) {
    const NormaliserChoice its =
        choose_normaliser(kernel_.registry, on.normalize_target, where + "_target");
    record.target = {target.points, target.minus_input, its.type, its.params.resolved};
  }
  out->normaliser = make_normaliser(kernel_.registry, on.normalize, on.normalize_target,
                                    static_cast<int64_t>(target.points.size()), where);
  Init init(record.seed, request_.device);
  out->sae = call_plugin(part.plugin, [&] { return part.make(own, record.shape, init); });
  record.shape = out->sae->shape(record.shape);
  Value key(Value::Table{{"part", key_of(part, record.params)},
                         {"seed", static_cast<int64_t>(record.seed)},
                         {"rows", on.key},
                         {"normalize", record.normaliser_params},
                         {"normaliser", record.normaliser}});
  if (!target.points.empty())
    key.set("target", Value(Value::Table{{"normalize", record.target.normaliser_params},
                                         {"normaliser", record.target.normaliser}}));
  out->key = digest(key);
  return out;
}

std::shared_ptr<SaeHandle> Experiment::sae(const Value& given, std::shared_ptr<RowsHandle> on) {
  const Value section = merged("sae", given);
  if (const Value* seeds = section.find("seeds"))
    throw UserError(at(*seeds) +
                    "sae.seeds: is for run:saes, which makes several; run:sae takes "
                    "seed");
  return sae_of(section, given, on);
}

std::shared_ptr<SaeHandle> Experiment::sae_of(const Value& section, const Value& given,
                                              std::shared_ptr<RowsHandle> on) {
  auto out = std::make_shared<SaeHandle>();
  if (const Value* name = section.find("name"); name && name->is<std::string>())
    out->name = *name->as<std::string>();
  if (const Value* stream = section.find("on");
      stream && stream->is<std::string>() && on && on->name != *stream->as<std::string>())
    throw UserError(at(*stream) + "sae.on: " + stream->describe() + ", is given the rows of \"" +
                    on->name + "\"");

  if (const Value* from = section.find("from")) {
    parse("sae", section);
    const fs::path folder = sae_folder_of(*from, runs_folder(request_));
    LoadedSae loaded = load_sae(folder, kernel_.registry);
    const std::string where = at(*from) + "sae.from";
    if (on) check_provenance(loaded.record, *on, kernel_.registry, where);
    for (const std::string& notice : loaded.notices) events().warn("sae.notice", notice);
    if (on)
      for (const std::string& notice : provenance_notices(loaded.record, *on, where))
        events().warn("sae.notice", notice);
    out->rows = on;
    out->sae = std::move(loaded.sae);
    out->normaliser = std::move(loaded.normaliser);
    out->record = loaded.record;
    out->part = &kernel_.registry.sae(out->record.type);
    std::vector<std::string> none;
    out->params = out->part->schema.parse("sae", out->record.params, Demand::whole, none);
    out->folder = folder;
    out->key = out->state_key();
    inputs_.set(folder.string(),
                Value(Value::Table{{"sha256", hash_->of(folder)}, {"named_by", "script"}}));
    Value resolved = section;
    resolved.set("from", folder.string());
    keep_resolved("sae", resolved);
    keep_fact("SAE", out->record.type + ", " + std::to_string(out->sae->d_sae()) +
                         " latents, from " + folder.string());
  } else {
    if (!on) throw UserError(at(given) + "sae.on: required, a handle from run:activations");
    const AnyParams params = parse("sae", section);
    const auto& kernel_fields = kernel_part(params).as<SaeSection>();
    const SaePart& part = kernel_.registry.sae(section.text("type"));
    const std::string name = out->name;
    out = new_sae(part, own_part(params), kernel_fields.seed, *on);
    out->name = name;
    out->rows = on;
    keep_resolved("sae", params.resolved);
    keep_fact("SAE", part.name + ", " + std::to_string(out->sae->d_sae()) +
                         " latents on rows of width " + std::to_string(out->record.shape.d_in));
  }
  out->record.run = id_;
  keep_plugin(*out->part);
  begin("sae", out->key);
  return out;
}

}  // namespace facet
