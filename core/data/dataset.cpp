// The policies of [data]: length, limit, split; and the sources that live in core.
#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/hash.h"
#include "data/fasta.h"
#include "data/synthetic.h"

namespace facet {

namespace {

/// eval may be written with few digits: 0.333 is 1/3.
constexpr double kFractionSlack = 0.002;

int64_t parts_of(const SplitParams& split) { return std::llround(1 / split.eval); }

std::string split_problem(const SplitParams& split) {
  if (split.eval == 0) return "";
  const int64_t n = parts_of(split);
  if (n >= 2 && std::abs(split.eval * static_cast<double>(n) - 1) < kFractionSlack) return "";
  char text[160];
  std::snprintf(text, sizeof(text),
                "eval is %g, should be 1/n for a whole n of at least 2 (1/%lld = %g)", split.eval,
                static_cast<long long>(std::max<int64_t>(n, 2)),
                1.0 / static_cast<double>(std::max<int64_t>(n, 2)));
  return text;
}

Schema<SplitParams> split_schema() {
  return Schema<SplitParams>()
      .field("eval", &SplitParams::eval,
             "Share of the records that is held out, 1/n for a whole n; 0: no split.",
             between(0, 0.5))
      .field("by", &SplitParams::by,
             "What decides: a record is held out when sha256 of its name, as a number, is "
             "divisible by n.",
             one_of({"name"}))
      .check(split_problem);
}

class PolicyReader final : public RecordReader {
 public:
  PolicyReader(std::unique_ptr<RecordReader> inner, const DatasetParams& params, DataShare share)
      : inner_(std::move(inner)), params_(params), share_(share) {}

  bool next(Record& record) override {
    while (params_.limit == 0 || taken_ < params_.limit) {
      if (!inner_->next(record)) return false;
      if (!fits(record)) continue;
      ++taken_;
      if (share_ == DataShare::all ||
          held_out(record.id, params_.split) == (share_ == DataShare::eval))
        return true;
    }
    return false;
  }

 private:
  bool fits(Record& record) const {
    const auto most = static_cast<size_t>(params_.max_length);
    if (most == 0 || record.text.size() <= most) return true;
    if (params_.longer == "drop") return false;
    record.text.resize(most);
    std::erase_if(record.spans, [&](const Span& span) { return span.begin >= params_.max_length; });
    for (Span& span : record.spans) span.end = std::min(span.end, params_.max_length);
    return true;
  }

  std::unique_ptr<RecordReader> inner_;
  DatasetParams params_;
  DataShare share_;
  int64_t taken_ = 0;
};

const char* name_of(DataShare share) {
  switch (share) {
    case DataShare::train:
      return "train";
    case DataShare::eval:
      return "eval";
    default:
      return "all";
  }
}

}  // namespace

Data::~Data() = default;
std::unique_ptr<RecordReader> Data::open() const { return nullptr; }
const RowMaker* Data::rows() const { return nullptr; }
RecordReader::~RecordReader() = default;
RowMaker::~RowMaker() = default;

Schema<DatasetParams> dataset_schema() {
  return Schema<DatasetParams>()
      .field("type", &DatasetParams::type, "Kind of source.", required)
      .field("limit", &DatasetParams::limit,
             "Use the first so many records that the length policy lets through; 0: all.",
             at_least(0), unit("records"))
      .field("max_length", &DatasetParams::max_length, "Longest sequence; 0: no limit.",
             at_least(0), unit("letters"))
      .field("longer", &DatasetParams::longer, "What happens to longer sequences.",
             one_of({"drop", "truncate"}))
      .field("split", &DatasetParams::split, "Holds records out for evaluation.", split_schema());
}

bool held_out(const std::string& name, const SplitParams& split) {
  if (split.eval <= 0) return false;
  const int64_t n = parts_of(split);
  int64_t rest = 0;
  for (const char digit : sha256(name))
    rest = (rest * 16 + (digit <= '9' ? digit - '0' : digit - 'a' + 10)) % n;
  return rest == 0;
}

Dataset::Dataset(std::shared_ptr<const Data> source, DatasetParams params, std::string source_key)
    : source_(std::move(source)), params_(std::move(params)), source_key_(std::move(source_key)) {
  if (!source_->rows()) return;
  std::vector<std::string> problems;
  const auto refuse = [&](const char* field) {
    problems.push_back("data." + std::string(field) + ": is set, but \"" + params_.type +
                       "\" makes rows, not records");
  };
  if (params_.limit > 0) refuse("limit");
  if (params_.max_length > 0) refuse("max_length");
  if (has_split()) refuse("split");
  if (!problems.empty()) throw UserError(problems);
}

Dataset Dataset::part(DataShare share) const {
  if (share != DataShare::all && !has_split())
    throw UserError("data.split: is not set, so there is no " + std::string(name_of(share)) +
                    " part; set split = { eval = 0.05 }");
  Dataset out = *this;
  out.share_ = share;
  return out;
}

std::unique_ptr<RecordReader> Dataset::open() const {
  auto reader = source_->open();
  FACET_ASSERT(reader, "records were asked of a source of rows");
  return std::make_unique<PolicyReader>(std::move(reader), params_, share_);
}

std::string Dataset::key() const {
  Value in_force{Value::Table()};
  in_force.set("source", source_key_);
  if (params_.limit > 0) in_force.set("limit", params_.limit);
  if (params_.max_length > 0) {
    in_force.set("max_length", params_.max_length);
    in_force.set("longer", params_.longer);
  }
  if (share_ != DataShare::all) {
    in_force.set("share", name_of(share_));
    in_force.set("split",
                 Value::Table{{"by", params_.split.by}, {"parts", parts_of(params_.split)}});
  }
  return sha256(emit_json(in_force));
}

void add_core_data(Registry& registry) {
  registry.add_data<Fasta>("fasta", "Sequences of a FASTA file, plain or gzip.", fasta_schema());
  registry.add_data<Synthetic>(
      "synthetic", "Rows made from a known dictionary, so that its recovery can be measured.",
      synthetic_schema());
}

}  // namespace facet
