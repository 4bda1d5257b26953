// Bodies of an analysis's context.
#include "run/run_context.h"

#include <cstdlib>
#include <sstream>

#include "base/files.h"

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

RunContext::RunContext(std::string name, AnalysisInputs inputs, const RunFolder& folder,
                       EventSink& events, uint64_t seed, std::string device,
                       std::function<void()> breathe)
    : name_(std::move(name)),
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

std::unique_ptr<ActivationSource> RunContext::rows() {
  FACET_ASSERT(inputs_.rows, name_ + " asks for rows that its needs() did not name");
  return inputs_.rows->stream->open(Order::sequential, seed_);
}

const CodesReader& RunContext::codes() {
  FACET_ASSERT(inputs_.codes, name_ + " asks for codes that its needs() did not name");
  return *inputs_.codes->codes;
}

Rng RunContext::rng(const std::string& purpose) { return Rng(seed_, name_ + "/" + purpose); }

TableRef RunContext::write(const std::string& name, const std::string& title, const Table& table,
                           size_t shown) {
  write_file(name, emit_tsv(table));
  return {name, title, table.head(shown), static_cast<int64_t>(table.rows().size())};
}

void RunContext::write_file(const std::string& name, const std::string& bytes) {
  facet::write_file(folder_.path("artefacts", name), bytes);
}

Journal& RunContext::journal(const std::string& name) {
  auto& journal = journals_[name];
  if (!journal)
    journal =
        std::make_unique<FileJournal>(folder_.path("journals", name_ + "." + name + ".jsonl"));
  return *journal;
}

std::string RunContext::secret(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value || !*value)
    throw UserError(name_ + ": the environment variable " + name + " is not set");
  return value;
}

Value report_value(const Report& report) {
  Value::Array figures, tables;
  for (const Figure& figure : report.values) {
    Value::Array baselines;
    for (const auto& [name, value] : figure.baselines)
      baselines.emplace_back(Value::Array{name, value});
    figures.emplace_back(Value::Table{{"name", figure.name},
                                      {"value", figure.value},
                                      {"definition", figure.definition},
                                      {"baselines", baselines}});
  }
  for (const TableRef& table : report.tables) {
    Value::Array columns, head;
    for (const Column& column : table.head.columns())
      columns.emplace_back(Value::Table{{"name", column.name}, {"definition", column.definition}});
    for (const auto& row : table.head.rows()) head.emplace_back(row);
    tables.emplace_back(Value::Table{{"name", table.name},
                                     {"title", table.title},
                                     {"rows", table.rows},
                                     {"columns", columns},
                                     {"head", head}});
  }
  return Value(Value::Table{{"figures", figures}, {"tables", tables}});
}

Report report_of(const Value& value) {
  Report report;
  for (const Value& v : value.array("figures")) {
    Figure figure{v.text("name"), v.at("value"), v.text("definition"), {}};
    for (const Value& pair : v.array("baselines")) {
      const auto& both = *pair.as<Value::Array>();
      figure.baselines.emplace_back(*both[0].as<std::string>(), both[1]);
    }
    report.values.push_back(std::move(figure));
  }
  for (const Value& v : value.array("tables")) {
    std::vector<Column> columns;
    for (const Value& column : v.array("columns"))
      columns.push_back({column.text("name"), column.text("definition")});
    Table head(std::move(columns));
    for (const Value& row : v.array("head")) head.add(*row.as<Value::Array>());
    report.tables.push_back({v.text("name"), v.text("title"), std::move(head), v.integer("rows")});
  }
  return report;
}

}  // namespace facet
