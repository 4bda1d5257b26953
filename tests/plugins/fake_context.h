// What an analysis is given in a test: rows, codes and SAEs from memory, and the tables it wrote.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "facet/analysis.h"
#include "plugin/loader.h"

namespace facet {

/// Rows from one tensor [n, points, d].
class MemorySource : public ActivationSource {
 public:
  explicit MemorySource(Tensor x, Tensor dictionary = {}, Tensor sequence = {})
      : x_(std::move(x)), dictionary_(std::move(dictionary)), sequence_(std::move(sequence)) {}
  Shape shape() const override { return {x_.size(1), x_.size(1), x_.size(2), x_.size(2)}; }
  Rows next(int64_t rows) override {
    const int64_t end = std::min(x_.size(0), at_ + rows), begin = at_;
    at_ = end == begin ? 0 : end;
    Rows out;
    out.x = x_.slice(0, begin, end);
    out.sequence =
        sequence_.defined() ? sequence_.slice(0, begin, end) : at::arange(begin, end, at::kLong);
    out.position = at::zeros({end - begin}, at::kInt);
    out.token = at::zeros({end - begin}, at::kInt);
    out.flag = at::zeros({end - begin}, at::kByte);
    return out;
  }
  Value cursor() const override { return Value(Value::Table{{"at", at_}}); }
  void seek(const Value& cursor) override { at_ = cursor.integer("at"); }
  std::string key() const override { return "memory"; }
  Tensor dictionary() const override { return dictionary_; }

 private:
  Tensor x_, dictionary_, sequence_;
  int64_t at_ = 0;
};

/// Counts progress; keeps nothing.
class CountingSink : public EventSink {
 public:
  void emit(const Event& event) override { progress += event.level == Level::progress; }
  int progress = 0;
};

/// Goes through records in memory.
class KeptReader : public RecordReader {
 public:
  explicit KeptReader(const std::vector<Record>& records) : records_(records) {}
  bool next(Record& record) override {
    if (at_ == records_.size()) return false;
    record = records_[at_++];
    return true;
  }

 private:
  const std::vector<Record>& records_;
  size_t at_ = 0;
};

/// Hands out what the test put in; what it did not is a Bug.
class FakeContext : public Context {
 public:
  Sae* trained = nullptr;
  std::function<std::unique_ptr<Sae>()> make_untrained;
  const Normaliser* normalising = nullptr;
  Tensor x, true_features;  // [n, points, d], [features, d]
  Tensor sequence;          // [n] int64; each row is a sequence of its own when undefined
  const CodesReader* stored = nullptr;
  HostModel* living = nullptr;
  Place spliced_at;
  std::vector<Record> kept;                  // what records() goes through
  std::map<std::string, std::string> files;  // written, or put there for read_file
  std::map<std::string, Table> tables;
  CountingSink sink;
  int breaths = 0;

  Sae& sae() override { return given(trained); }
  std::unique_ptr<Sae> untrained() override { return make_untrained(); }
  const Normaliser& normaliser() override { return given(normalising); }
  HostModel& host() override { return given(living); }
  Place place() override { return spliced_at; }
  std::unique_ptr<ActivationSource> rows() override {
    return std::make_unique<MemorySource>(x, true_features, sequence);
  }
  const CodesReader& codes() override { return given(stored); }
  std::unique_ptr<RecordReader> records() override { return std::make_unique<KeptReader>(kept); }
  Rng rng(const std::string& purpose) override { return Rng(1, purpose); }
  EventSink& events() override { return sink; }
  TableRef write(const std::string& name, const std::string& title, const Table& table,
                 size_t shown) override {
    tables[name] = table;
    files[name] = emit_tsv(table);
    return {name, title, table.head(shown), static_cast<int64_t>(table.rows().size())};
  }
  void write_file(const std::string& name, const std::string& bytes) override {
    files[name] = bytes;
  }
  std::optional<std::string> read_file(const std::string&, const std::string& name) override {
    const auto found = files.find(name);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  }
  Journal& journal(const std::string&) override { throw Bug("no journal"); }
  std::string secret(const std::string&) override { throw Bug("no secrets"); }
  void breathe() override { ++breaths; }

 private:
  template <class T>
  static T& given(T* thing) {
    FACET_ASSERT(thing, "the test did not give this");
    return *thing;
  }
};

/// Passes rows through, or scales them by a number.
class ScalingNormaliser : public Normaliser {
 public:
  explicit ScalingNormaliser(double scale) : scale_(scale) {}
  Tensor apply(const Tensor& x, Stats&) const override { return x.to(at::kFloat) * scale_; }
  Tensor invert(const Tensor& x, const Stats&) const override { return x / scale_; }

 private:
  double scale_;
};

/// Runs the analysis `name` of the plugin library of that name.
inline Report run_analysis(const std::string& name, const Value& params, Context& context) {
  static Registry* registry = [] {
    auto* all = new Registry;  // plugins stay for ever, and so does what they registered
    for (const char* analysis : {"metrics", "latents", "go_enrichment", "go_pairwise", "extract",
                                 "kl_eval", "intervene", "contexts"}) {
      const std::filesystem::path file =
          std::filesystem::path(FACET_TEST_PLUGINS) / (std::string(analysis) + ".so");
      if (std::filesystem::exists(file)) load_plugin(file, *all);
    }
    return all;
  }();
  const AnalysisPart& part = registry->analysis(name);
  std::vector<std::string> problems;
  const AnyParams parsed = part.schema.parse(name, params, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  return part.make(parsed)->run(context);
}

inline const Figure& figure(const Report& report, const std::string& name) {
  for (const Figure& f : report.values)
    if (f.name == name) return f;
  throw Bug("no figure " + name);
}

inline double number(const Report& report, const std::string& name) {
  const Value& value = figure(report, name).value;
  return value.is<int64_t>() ? static_cast<double>(*value.as<int64_t>()) : *value.as<double>();
}

}  // namespace facet
