// Opening and closing a run: identity, folder, record. The verbs are in verbs.cpp.
#include "run/experiment.h"

#include "facet/torch.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <ctime>

#include "base/hash.h"
#include "base/interrupt.h"
#include "run/open_parts.h"
#include "schema/toml_text.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

std::string now() {
  char text[32];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&seconds));
  return text;
}

// What changed among the inputs that a script opened by itself since the record was written.
Value changed_inputs(const Value& record, const Kernel& kernel, InputHash& hash) {
  Value changed{Value::Table()};
  if (const Value* inputs = record.find("inputs"))
    for (const auto& [path, input] : *inputs->as<Value::Table>()) {
      if (input.text("named_by") == "manifest") continue;  // its contents are in the id already
      const std::string digest = fs::exists(path) ? hash.of(path) : "missing";
      if (digest != input.text("sha256")) changed.set(path, digest);
    }
  if (const Value* plugins = record.find("plugins"))
    for (const PluginInfo& plugin : kernel.plugins)
      if (const Value* recorded = plugins->find(plugin.id);
          recorded && recorded->text("source_hash") != plugin.source_hash)
        changed.set(plugin.id, plugin.source_hash);
  return changed;
}

}  // namespace

AlreadyDone::AlreadyDone(const fs::path& done)
    : std::runtime_error(done.string() + ": done"), folder(done) {}
AlreadyDone::~AlreadyDone() = default;

Experiment::Experiment(Kernel& kernel, const RunRequest& request, Value manifest, fs::path script,
                       const Value& top)
    : kernel_(kernel),
      request_(request),
      manifest_(std::move(manifest)),
      script_(fs::absolute(script)),
      record_(Value::Table()),
      resolved_(Value::Table()),
      inputs_(Value::Table()),
      plugins_(Value::Table()) {
  if (manifest_.empty()) manifest_ = Value::Table();
  Value head{Value::Table()};
  for (const FieldDoc& field : manifest_schema().docs())
    if (const Value* v = manifest_.find(field.name)) head.set(field.name, *v);
  std::vector<std::string> problems;
  if (const auto* table = top.as<Value::Table>())
    for (const auto& [key, v] : *table) {
      if (const Value* there = head.find(key); there && !(*there == v))
        problems.push_back(v.origin.text() + ": " + key + ": also set at " + there->origin.text());
      head.set(key, v);
    }
  const ManifestHead parsed = manifest_schema().parse_into("run", head, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  seed_ = static_cast<uint64_t>(parsed.seed);
  name_ = parsed.name.empty() ? request.file.stem().string() : parsed.name;

  const fs::path runs = runs_folder(request_);
  store_ = runs.parent_path() / "store";
  hash_ = std::make_unique<InputHash>(store_ / "hashes.json");
  const Value identity = identity_of(manifest_, script_, kernel_.registry, kernel_.plugins, *hash_);
  choose_folder(identity, runs, name_);

  eyes_ = std::make_unique<EyesSink>(folder_->folder() / "log.txt", request_.quiet);
  std::vector<EventSink*> sinks = {&folder_->events(), eyes_.get()};
  if (parsed.tensorboard) {
    tensorboard_ = std::make_unique<TensorBoardSink>(folder() / "tensorboard",
                                                     read_file(folder() / "events.jsonl"));
    sinks.push_back(tensorboard_.get());
  }
  all_ = std::make_unique<AllSinks>(std::move(sinks));
  const Value earlier = RunFolder::record_of(folder_->folder());
  const bool resumed = !earlier.empty();
  folder_->finish(Status::running, "");

  const Origin& home = manifest_.origin;
  Value frozen = manifest_;  // run again, it finds this run under its name
  frozen.set("name", name_);
  write_file(
      folder_->path("", "manifest.toml"),
      frozen_manifest(frozen, home.folder.empty() ? fs::current_path() : fs::path(home.folder),
                      kernel_.registry));
  write_file(folder_->path("", "script.lua"), read_file(script_));
  if (resumed && earlier.find("inputs")) inputs_ = earlier.at("inputs");
  if (resumed && earlier.find("plugins")) plugins_ = earlier.at("plugins");
  record_.set("identity", identity);
  record_.set("started", resumed ? earlier.at("started") : Value(now()));
  record_.set("attempts", resumed ? earlier.integer("attempts") + 1 : 1);
  for (const char* key : {"name", "seed"})
    resolved_.set(key, head.find(key)               ? head.at(key)
                       : key == std::string("name") ? Value(name_)
                                                    : Value(parsed.seed));
  for (const Section& section : sections_of(manifest_, kernel_.registry, problems)) {
    std::vector<std::string> later;  // the verb reports them when it is called
    const AnyParams params =
        section.schema.parse(section.where, section.value, Demand::part, later);
    if (later.empty()) resolved_.set(section.where, params.resolved);
  }
  write_resolved();
  write_record(Status::running);
  eyes_->info("run", folder_->folder().string() + (resumed ? ": goes on" : ": begins"));
}

Experiment::~Experiment() = default;

void Experiment::choose_folder(const Value& identity, const fs::path& runs,
                               const std::string& name) {
  id_ = id_of(identity);
  while (true) {
    const fs::path folder = runs / name / id_;
    const Value changed = changed_inputs(RunFolder::record_of(folder), kernel_, *hash_);
    if (!changed.as<Value::Table>()->empty()) {
      id_ = sha256(id_ + emit_json(changed)).substr(0, 12);
      continue;
    }
    if (RunFolder::status_of(folder) == Status::done) throw AlreadyDone(folder);
    folder_ = std::make_unique<RunFolder>(folder);
    return;
  }
}

Value Experiment::merged(const std::string& section, const Value& given) const {
  const Value* there = manifest_.find(section);
  if (there && there->is<Value::Array>()) {  // [[sae]]: chosen by name
    const auto& items = *there->as<Value::Array>();
    const Value* name = given.find("name");
    const Value* found = nullptr;
    std::vector<std::string> names;
    for (const Value& item : items) {
      const Value* n = item.find("name");
      if (n && n->is<std::string>()) names.push_back(*n->as<std::string>());
      if (name && n && *n == *name) found = &item;
    }
    if (!found && items.size() == 1) found = items.data();
    if (!found) {
      const std::string place = given.origin.text();
      std::string list;
      for (const std::string& n : names) list += (list.empty() ? "\"" : ", \"") + n + "\"";
      throw UserError((place.empty() ? "" : place + ": ") + section +
                      ".name: " + (name ? name->describe() : "nothing") +
                      ", should be one of the manifest's: " + list);
    }
    there = found;
  }
  Value out = there ? *there : Value(Value::Table());
  if (!there) out.origin = given.origin;
  std::vector<std::string> problems;
  if (const auto* table = given.as<Value::Table>())
    for (const auto& [key, v] : *table) {
      if (const Value* written = there ? there->find(key) : nullptr; written && !(*written == v))
        problems.push_back(v.origin.text() + ": " + section + "." + key + ": " + v.describe() +
                           ", is " + written->describe() + " at " + written->origin.text() +
                           "; one fact, one place");
      out.set(key, v);
    }
  if (!problems.empty()) throw UserError(problems);
  return out;
}

AnyParams Experiment::parse(const std::string& section, const Value& value) {
  return parse_section(section, value, kernel_.registry);
}

Experiment::Call Experiment::begin(const std::string& verb, const std::string& key) {
  if (stop_wanted()) throw Stopped("stopped before run:" + verb);
  const size_t index = calls_++;
  const auto recorded = folder_->replay(index, verb, key);
  Call call{index, recorded ? *recorded : VerbRecord{verb, key, Value(), false},
            recorded && recorded->done};
  if (!recorded) folder_->verb_begins(index, call.record);
  return call;
}

void Experiment::end(Call& call, Value result) {
  call.record.result = std::move(result);
  call.record.done = true;
  folder_->verb_ends(call.index, call.record);
}

bool Experiment::stop_wanted() {
  return interrupted() || (request_.stop_after > 0 && steps_done_ >= request_.stop_after);
}

void Experiment::keep_resolved(const std::string& section, const Value& resolved) {
  // What the manifest alone said gives way to what a verb was called with.
  if (called_.insert(section).second)
    std::erase_if(*resolved_.as<Value::Table>(), [&](const auto& member) {
      return member.first == section || member.first.starts_with(section + "[");
    });
  Value* there = const_cast<Value*>(resolved_.find(section));
  if (!there) {
    resolved_.set(section, resolved);
  } else if (there->is<Value::Array>()) {
    auto& items = *there->as<Value::Array>();
    if (std::find(items.begin(), items.end(), resolved) == items.end()) items.push_back(resolved);
  } else if (!(*there == resolved)) {
    *there = Value(Value::Array{*there, resolved});
  }
  write_resolved();
}

void Experiment::write_resolved() {
  write_file(folder_->path("", "resolved.toml"), emit_toml(resolved_, [](const Value& v) {
               const std::string place = v.origin.text();
               return place.empty() ? std::string("default") : place;
             }));
}

void Experiment::keep_inputs(const std::vector<FieldDoc>& fields, const Value& resolved) {
  for (const FieldDoc& field : fields) {
    const Value* v = resolved.find(field.name);
    if (!v) continue;
    if (!field.fields.empty()) keep_inputs(field.fields, *v);
    if (!field.input_path || !v->is<std::string>() || v->as<std::string>()->empty()) continue;
    const std::string& path = *v->as<std::string>();
    const bool in_manifest = request_.file.extension() == ".toml" &&
                             (v->origin.file == manifest_.origin.file || v->origin.file == "--set");
    Value input(Value::Table{{"sha256", hash_->of(path)},
                             {"named_by", in_manifest ? "manifest" : "script"}});
    if (fs::is_regular_file(path)) input.set("bytes", static_cast<int64_t>(fs::file_size(path)));
    inputs_.set(path, std::move(input));
    write_record(Status::running);  // known even when this process is killed
  }
}

void Experiment::keep_plugin(const Part& part) {
  const PluginInfo* plugin = plugin_of(kernel_, part);
  if (!plugin) return;
  plugins_.set(plugin->id, Value(Value::Table{{"version", plugin->version},
                                              {"source_hash", plugin->source_hash},
                                              {"build_tag", plugin->build_tag},
                                              {"file_sha256", hash_->of(plugin->file)}}));
}

void Experiment::keep_fact(const std::string& what, const std::string& text) {
  const std::pair<std::string, std::string> fact{what, text};
  if (std::find(page_.facts.begin(), page_.facts.end(), fact) == page_.facts.end())
    page_.facts.push_back(fact);
}

std::string Experiment::key_of(const Part& part, const Value& resolved) {
  const PluginInfo* plugin = plugin_of(kernel_, part);
  Value key(Value::Table{{"kind", part.kind},
                         {"type", part.name},
                         {"source", plugin ? plugin->source_hash : std::string(kernel_digest())}});
  key.set("params", identity_value(part.schema.fields, resolved, *hash_));
  return sha256(emit_json(key));
}

void Experiment::write_record(Status status) {
  record_.set("format", 1);
  record_.set("id", id_);
  record_.set("name", name_);
  record_.set("status", status_text(status));
  record_.set("facet", Value(Value::Table{{"version", FACET_VERSION}, {"build_tag", build_tag()}}));
  record_.set("machine",
              Value(Value::Table{{"threads", static_cast<int64_t>(at::get_num_threads())},
                                 {"device", request_.device},
                                 {"cpu", at::get_cpu_capability()}}));
  Value::Array argv;
  for (const std::string& word : request_.argv) argv.emplace_back(word);
  record_.set("argv", std::move(argv));
  record_.set("seed", static_cast<int64_t>(seed_));
  record_.set("inputs", inputs_);
  int64_t passes = 0, tokens = 0;
  for (const auto& host : hosts_) {
    passes += host->passes();
    tokens += host->tokens();
  }
  if (!hosts_.empty())  // of this process: a run that was cut has others before it
    record_.set("host_passes", Value(Value::Table{{"passes", passes}, {"tokens", tokens}}));
  record_.set("plugins", plugins_);
  folder_->write_record(record_);
}

void Experiment::finish(Status status, const std::string& why) {
  try {
    close(status, why);
  } catch (const UserError&) {
    if (status == Status::done) throw;
    // The disk that ended the run is full now too; why it ended is what a user must read.
  }
}

void Experiment::close(Status status, const std::string& why) {
  if (status == Status::done) write_report();
  Value outputs{Value::Table()};
  if (status == Status::done)
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      const std::string name = fs::relative(entry.path(), folder()).generic_string();
      if (!entry.is_regular_file() || name == "lock" || name == "log.txt" || name == "record.json")
        continue;
      outputs.set(name, Value(Value::Table{{"sha256", sha256_path(entry.path())},
                                           {"bytes", static_cast<int64_t>(entry.file_size())}}));
    }
  record_.set("outputs", std::move(outputs));
  record_.set("ended", now());
  if (status == Status::failed) record_.set("error", why);
  write_record(status);
  folder_->finish(status, why);
  hash_->remember();
}

}  // namespace facet
