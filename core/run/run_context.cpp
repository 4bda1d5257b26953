// Bodies of an analysis's context.
#include "run/run_context.h"

#include <cstdlib>
#include <sstream>

#include "base/files.h"
#include "run/provenance.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

/// Lines of JSON on disk: {"key": ..., "value": ...}.
class FileJournal : public Journal {
 public:
  explicit FileJournal(const fs::path& file) : file_(file) {
    int64_t whole = 0;
    if (fs::exists(file)) {
      std::istringstream lines(read_file(file));
      for (std::string line; std::getline(lines, line) && !lines.eof();
           whole += static_cast<int64_t>(line.size()) + 1) {
        const Value entry = parse_json(line, file.string());
        known_[entry.text("key")] = entry.at("value");
      }
    }
    lines_ = std::make_unique<Appender>(file, whole);
  }
  std::optional<Value> find(const std::string& key) const override {
    const auto it = known_.find(key);
    if (it == known_.end()) return std::nullopt;
    return it->second;
  }
  void add(const std::string& key, const Value& value) override {
    FACET_ASSERT(!known_.contains(key), file_.string() + ": key \"" + key + "\" is added twice");
    lines_->line(emit_json(Value(Value::Table{{"key", key}, {"value", value}})));
    lines_->sync();
    known_[key] = value;
  }

 private:
  fs::path file_;
  std::map<std::string, Value> known_;
  std::unique_ptr<Appender> lines_;
};

}  // namespace

RunContext::RunContext(std::string name, std::string shelf, AnalysisInputs inputs,
                       const RunFolder& folder, EventSink& events, uint64_t seed,
                       std::string device, std::function<void()> breathe)
    : name_(std::move(name)),
      shelf_(std::move(shelf)),
      inputs_(std::move(inputs)),
      folder_(folder),
      events_(events),
      seed_(seed),
      device_(std::move(device)),
      breathe_(std::move(breathe)) {}
RunContext::~RunContext() = default;

Sae& RunContext::sae() {
  FACET_ASSERT(inputs_.sae, name_ + " asks for an SAE that its needs() did not name");
  return *inputs_.sae->sae;
}

std::unique_ptr<Sae> RunContext::untrained() {
  FACET_ASSERT(inputs_.sae, name_ + " asks for an SAE that its needs() did not name");
  const SaeHandle& handle = *inputs_.sae;
  Init init(handle.record.seed, device_);
  return handle.part->make(handle.params, handle.record.shape, init);
}

const Normaliser& RunContext::normaliser() {
  FACET_ASSERT(inputs_.sae, name_ + " asks for an SAE that its needs() did not name");
  return *inputs_.sae->normaliser;
}

HostModel& RunContext::host() {
  FACET_ASSERT(inputs_.host, name_ + " asks for a host that its needs() did not name");
  return *inputs_.host->host;
}

Place RunContext::place() {
  FACET_ASSERT(inputs_.sae && inputs_.host,
               name_ + " asks for a place that its needs() did not name");
  return place_of(inputs_.sae->record, *inputs_.host, inputs_.rows.get(), name_);
}

std::unique_ptr<ActivationSource> RunContext::rows() {
  FACET_ASSERT(inputs_.rows, name_ + " asks for rows that its needs() did not name");
  return inputs_.rows->stream->open(Order::sequential, seed_);
}

const CodesReader& RunContext::codes() {
  FACET_ASSERT(inputs_.codes, name_ + " asks for codes that its needs() did not name");
  return *inputs_.codes->codes;
}

std::unique_ptr<RecordReader> RunContext::records() {
  FACET_ASSERT(inputs_.data || inputs_.rows || inputs_.codes,
               name_ + " asks for records that its needs() did not name");
  if (inputs_.data) return inputs_.data->data->rows() ? nullptr : inputs_.data->data->open();
  if (!inputs_.rows) return nullptr;  // codes that another program wrote
  const Dataset& data = inputs_.rows->stream->data();
  return data.rows() ? nullptr : data.open();
}

Rng RunContext::rng(const std::string& purpose) { return Rng(seed_, name_ + "/" + purpose); }

TableRef RunContext::write(const std::string& name, const std::string& title, const Table& table,
                           size_t shown) {
  write_file(name, emit_tsv(table));
  return {shelf_ + name, title, table.head(shown), static_cast<int64_t>(table.rows().size())};
}

void RunContext::write_file(const std::string& name, const std::string& bytes) {
  facet::write_file(folder_.path("artefacts", shelf_ + name), bytes);
}

std::optional<std::string> RunContext::read_file(const std::string& analysis,
                                                 const std::string& name) {
  const std::string of = inputs_.sae ? inputs_.sae->name : "";
  for (const std::string& shelf : {analysis, std::string()}) {  // one without a name has no shelf
    const fs::path file = folder_.folder() / "artefacts" / of / shelf / name;
    if (fs::exists(file)) return facet::read_file(file);
  }
  return std::nullopt;
}

Journal& RunContext::journal(const std::string& name) {
  auto& journal = journals_[name];
  if (!journal)
    journal = std::make_unique<FileJournal>(
        folder_.path("journals", shelf_ + name_ + "." + name + ".jsonl"));
  return *journal;
}

std::string RunContext::secret(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value || !*value)
    throw UserError(name_ + ": the environment variable " + name + " is not set");
  return value;
}

}  // namespace facet
