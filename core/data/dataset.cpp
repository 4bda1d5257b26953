// The section [data]: its fields, its key, and its readers; and the sources that live in core.
#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <optional>

#include "base/hash.h"
#include "data/fasta.h"
#include "data/jsonl.h"
#include "data/policy_readers.h"
#include "data/synthetic.h"
#include "data/text.h"
#include "data/tsv.h"

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
             "What decides: a record is held out when sha256 of its name, or of its sequence, as a "
             "number, is divisible by n. By sequence, equal sequences never fall on both sides.",
             one_of({"name", "sequence"}))
      .check(split_problem);
}

Schema<WhereParams> where_schema() {
  return Schema<WhereParams>()
      .field("column", &WhereParams::column,
             "Column (of tsv), key (of jsonl), or \"description\" (of fasta); each record must "
             "have it.",
             required)
      .field("is", &WhereParams::is, "Its whole value, letter by letter.", required)
      .check([](const WhereParams& p) { return !p.column.empty(); },
             "column: is empty, should name a column");
}

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
      .field("name", &DatasetParams::name, "Tells this data from others of the run.",
             outside_identity)
      .field("case", &DatasetParams::letter_case,
             "Case of the letters: as they stand, or a to z as A to Z (soft-masked sequences have "
             "lower case, which most models do not know).",
             one_of({"keep", "upper"}))
      .field("where", &DatasetParams::where,
             "Keeps the records with this value in this column: "
             "{ column = \"Organism\", is = \"Homo sapiens (Human)\" }.",
             where_schema())
      .field(
          "exclude", &DatasetParams::exclude,
          "FASTA file, or a folder of them; records whose whole sequence is exactly one of it are "
          "left out.",
          input_path)
      .field("max_length", &DatasetParams::max_length, "Longest sequence; 0: no limit.",
             at_least(0), unit("letters"))
      .field("longer", &DatasetParams::longer,
             "What happens to longer sequences; windows follow one another, NAME/1-1022 and on.",
             one_of({"drop", "truncate", "window"}))
      .field("words", &DatasetParams::words,
             "Splits each text on white space into records of so many words, joined by one space: "
             "NAME/words-1 and on, the last with the rest; 0: texts stay as they are. RouteSAE's "
             "loader takes as many words as tokens.",
             at_least(0), unit("words"))
      .field("skip", &DatasetParams::skip,
             "Leave out the first so many of the records that where, exclude and dropping left.",
             at_least(0), unit("records"))
      .field("limit", &DatasetParams::limit,
             "Then use the first so many; 0: all. Windows do not count, only whole records.",
             at_least(0), unit("records"))
      .field("sample", &DatasetParams::sample,
             "Then draw so many at random, in their order; 0: all.", at_least(0), unit("records"))
      .field("sample_seed", &DatasetParams::sample_seed, "Root of the draw.", at_least(0))
      .field("split", &DatasetParams::split, "Holds records out for evaluation.", split_schema())
      .check([](const DatasetParams& p) { return p.max_length > 0 || p.longer == "drop"; },
             "longer: is set, but max_length is not")
      .check([](const DatasetParams& p) { return p.words == 0 || p.longer != "window"; },
             "words: is set, but longer is \"window\": records are cut by words or by letters");
}

bool held_out(const std::string& hashed, const SplitParams& split) {
  if (split.eval <= 0) return false;
  const int64_t n = parts_of(split);
  int64_t rest = 0;
  for (const char digit : sha256(hashed))
    rest = (rest * 16 + (digit <= '9' ? digit - '0' : digit - 'a' + 10)) % n;
  return rest == 0;
}

struct Dataset::Shared {
  /// The records of the source that the policies choose, both sides of the split, uncut.
  std::unique_ptr<RecordReader> chosen(Tally& tally) const {
    auto reader = source->open();
    FACET_ASSERT(reader, "records were asked of a source of rows");
    return chosen_records(std::move(reader), params, excluded, tally);
  }

  std::unique_ptr<RecordReader> sampled(Tally& tally) {
    if (params.sample == 0) return chosen(tally);
    const std::lock_guard lock(mutex);
    Tally unused;
    if (!sample)
      sample.emplace(*chosen(unused), params.sample, static_cast<uint64_t>(params.sample_seed));
    return sample->of(chosen(tally));
  }

  std::shared_ptr<const Data> source;
  DatasetParams params;
  std::string source_key;
  SequenceSet excluded;
  std::string excluded_sha256;
  std::mutex mutex;              // of what follows
  std::optional<Sample> sample;  // drawn at the first open()
  std::optional<Tally> tally;
};

Dataset::Dataset(std::shared_ptr<const Data> source, DatasetParams params, std::string source_key)
    : shared_(std::make_shared<Shared>()) {
  if (source->rows()) {
    const std::pair<const char*, bool> fields[] = {{"case", params.letter_case != "keep"},
                                                   {"where", !params.where.column.empty()},
                                                   {"exclude", !params.exclude.empty()},
                                                   {"max_length", params.max_length > 0},
                                                   {"words", params.words > 0},
                                                   {"skip", params.skip > 0},
                                                   {"limit", params.limit > 0},
                                                   {"sample", params.sample > 0},
                                                   {"split", params.split.eval > 0}};
    std::vector<std::string> problems;
    for (const auto& [field, set] : fields)
      if (set)
        problems.push_back("data." + std::string(field) + ": is set, but \"" + params.type +
                           "\" makes rows, not records");
    if (!problems.empty()) throw UserError(problems);
  }
  if (!params.exclude.empty()) {
    shared_->excluded = SequenceSet(params.exclude, letter_case_of(params));
    shared_->excluded_sha256 = sha256_path(params.exclude);
  }
  shared_->source = std::move(source);
  shared_->params = std::move(params);
  shared_->source_key = std::move(source_key);
}

bool Dataset::has_split() const { return shared_->params.split.eval > 0; }

const RowMaker* Dataset::rows() const { return shared_->source->rows(); }

Dataset Dataset::part(DataShare share) const {
  if (share != DataShare::all && !has_split())
    throw UserError("data.split: is not set, so there is no " + std::string(name_of(share)) +
                    " part; set split = { eval = 0.05 }");
  Dataset out = *this;
  out.share_ = share;
  return out;
}

std::unique_ptr<RecordReader> Dataset::open() const {
  struct Counted final : RecordReader {
    explicit Counted(std::shared_ptr<Shared> of, DataShare share) : shared(std::move(of)) {
      inner = shared_out(shared->sampled(tally), shared->params, share, tally);
    }
    bool next(Record& record) override {
      if (inner->next(record)) return true;
      const std::lock_guard lock(shared->mutex);
      shared->tally = tally;
      return false;
    }
    std::shared_ptr<Shared> shared;
    Tally tally;
    std::unique_ptr<RecordReader> inner;
  };
  return std::make_unique<Counted>(shared_, share_);
}

Tally Dataset::tally() const {
  const auto known = [this] {
    const std::lock_guard lock(shared_->mutex);
    return shared_->tally;
  };
  if (const auto tally = known()) return *tally;
  const auto reader = open();
  for (Record record; reader->next(record);) continue;
  return *known();
}

std::string Dataset::left_out() const {
  const DatasetParams& params = shared_->params;
  const std::string& column = params.where.column;
  const bool excludes = !params.exclude.empty();
  const bool drops = params.max_length > 0 && params.longer == "drop";
  if (column.empty() && !excludes && !drops) return "";
  const Tally counts = tally();
  std::string out;
  if (!column.empty()) out += std::to_string(counts.others) + " with another " + column + ", ";
  if (excludes) out += std::to_string(counts.excluded) + " excluded, ";
  if (drops) out += std::to_string(counts.dropped) + " longer than max_length, ";
  return out + "of " + std::to_string(counts.read) + " read";
}

std::string Dataset::key() const {
  const DatasetParams& params = shared_->params;
  Value in_force{Value::Table()};
  in_force.set("source", shared_->source_key);
  if (params.letter_case != "keep") in_force.set("case", params.letter_case);
  if (!params.where.column.empty())
    in_force.set("where", Value::Table{{"column", params.where.column}, {"is", params.where.is}});
  if (!params.exclude.empty()) in_force.set("exclude", shared_->excluded_sha256);
  if (params.skip > 0) in_force.set("skip", params.skip);
  if (params.limit > 0) in_force.set("limit", params.limit);
  if (params.sample > 0) {
    in_force.set("sample", params.sample);
    in_force.set("sample_seed", params.sample_seed);
  }
  if (params.max_length > 0) {
    in_force.set("max_length", params.max_length);
    in_force.set("longer", params.longer);
  }
  if (params.words > 0) in_force.set("words", params.words);
  if (share_ != DataShare::all) {
    in_force.set("share", name_of(share_));
    in_force.set("split", Value::Table{{"by", params.split.by}, {"parts", parts_of(params.split)}});
  }
  return sha256(emit_json(in_force));
}

void add_core_data(Registry& registry) {
  registry.add_data<Fasta>("fasta", "Sequences of FASTA files.", fasta_schema());
  registry.add_data<Tsv>("tsv", "Sequences in a column of tables, as UniProt's downloads are.",
                         tsv_schema());
  registry.add_data<Jsonl>("jsonl", "Sequences or texts of JSON Lines files.", jsonl_schema());
  registry.add_data<Text>("text", "Lines, paragraphs or whole files of plain text.", text_schema());
  registry.add_data<Synthetic>(
      "synthetic", "Rows made from a known dictionary, so that its recovery can be measured.",
      synthetic_schema());
}

}  // namespace facet
