// Each policy of [data], one record at a time.
#include "data/policy_readers.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "data/source_files.h"
#include "data/word_chunks.h"
#include "facet/error.h"
#include "facet/rng.h"

namespace facet {
namespace {

constexpr char kSampleStream[] = "data/sample";

bool is_too_long(const Record& record, const DatasetParams& params) {
  return params.max_length > 0 && record.text.size() > static_cast<size_t>(params.max_length);
}

bool is_other(const Record& record, const WhereParams& where) {
  if (where.column.empty()) return false;
  const auto found = record.columns.find(where.column);
  if (found != record.columns.end()) return found->second != where.is;
  std::vector<std::string> names;
  for (const auto& [name, value] : record.columns) names.push_back(name);
  throw UserError("data.where.column: record \"" + record.id + "\" has no column \"" +
                  where.column + "\"" + has_instead(where.column, names));
}

class Chosen final : public RecordReader {
 public:
  Chosen(std::unique_ptr<RecordReader> source, const DatasetParams& params,
         const SequenceSet& excluded, Tally& tally)
      : source_(std::move(source)), params_(params), excluded_(excluded), tally_(tally) {}

  bool next(Record& record) override {
    while (params_.limit == 0 || taken_ < params_.limit) {
      if (!source_->next(record)) return false;
      ++tally_.read;
      apply(letter_case_of(params_), record.text);
      if (is_other(record, params_.where)) {
        ++tally_.others;
      } else if (excluded_.has(record.text)) {
        ++tally_.excluded;
      } else if (params_.longer == "drop" && is_too_long(record, params_)) {
        ++tally_.dropped;
      } else if (skipped_ < params_.skip) {
        ++skipped_;
      } else {
        ++taken_;
        return true;
      }
    }
    return false;
  }

 private:
  std::unique_ptr<RecordReader> source_;
  const DatasetParams params_;
  const SequenceSet& excluded_;
  Tally& tally_;
  int64_t skipped_ = 0;
  int64_t taken_ = 0;
};

class Sampled final : public RecordReader {
 public:
  Sampled(std::unique_ptr<RecordReader> inner, uint64_t seed, uint64_t largest, int64_t last)
      : inner_(std::move(inner)), rng_(seed, kSampleStream), largest_(largest), last_(last) {}

  bool next(Record& record) override {
    while (inner_->next(record)) {
      const uint64_t number = rng_.next();
      const int64_t index = index_++;
      if (std::pair(number, index) <= std::pair(largest_, last_)) return true;
    }
    return false;
  }

 private:
  std::unique_ptr<RecordReader> inner_;
  Rng rng_;
  uint64_t largest_;
  int64_t last_;
  int64_t index_ = 0;
};

class SharedOut final : public RecordReader {
 public:
  SharedOut(std::unique_ptr<RecordReader> inner, const DatasetParams& params, DataShare share,
            Tally& tally)
      : inner_(std::move(inner)), params_(params), share_(share), tally_(tally) {}

  bool next(Record& record) override {
    if (begin_ < whole_.text.size()) return next_window(record);
    if (chunk_ < chunks_.size()) return next_chunk(record);
    while (inner_->next(record)) {
      ++tally_.used;
      const bool too_long = is_too_long(record, params_);
      if (too_long && params_.longer == "truncate")
        record = cut(record, 0, cut_before(record.text, 0, most()));
      if (!is_mine(record)) continue;
      if (params_.words > 0) {
        chunks_ = word_chunks(record.text, params_.words);
        chunk_ = 0;
        of_chunks_ = std::move(record);
        if (chunks_.empty()) continue;
        return next_chunk(record);
      }
      if (!too_long || params_.longer != "window") return true;
      whole_ = std::move(record);
      begin_ = 0;
      return next_window(record);
    }
    return false;
  }

 private:
  size_t most() const { return static_cast<size_t>(params_.max_length); }

  bool is_mine(const Record& record) const {
    if (share_ == DataShare::all) return true;
    const bool by_name = params_.split.by == "name";
    return held_out(by_name ? record.id : record.text, params_.split) ==
           (share_ == DataShare::eval);
  }

  bool next_window(Record& record) {
    const size_t end = cut_before(whole_.text, begin_, begin_ + most());
    record = cut(whole_, begin_, end);
    record.id += "/" + std::to_string(begin_ + 1) + "-" + std::to_string(end);
    begin_ = end;
    return true;
  }

  // The whole record's letters have other places in it, so its spans are left out.
  bool next_chunk(Record& record) {
    record = Record();
    record.text = std::move(chunks_[chunk_++]);
    record.id = of_chunks_.id + "/words-" + std::to_string(chunk_);
    record.columns = of_chunks_.columns;
    return true;
  }

  std::unique_ptr<RecordReader> inner_;
  const DatasetParams params_;
  DataShare share_;
  Tally& tally_;
  std::vector<std::string> chunks_;  // of the record that is being cut by words
  size_t chunk_ = 0;                 // the next of them
  Record of_chunks_;
  Record whole_;      // the record that is being cut into windows
  size_t begin_ = 0;  // of its next window; its end: none is left
};

}  // namespace

LetterCase letter_case_of(const DatasetParams& params) {
  return params.letter_case == "upper" ? LetterCase::upper : LetterCase::keep;
}

std::unique_ptr<RecordReader> chosen_records(std::unique_ptr<RecordReader> source,
                                             const DatasetParams& params,
                                             const SequenceSet& excluded, Tally& tally) {
  return std::make_unique<Chosen>(std::move(source), params, excluded, tally);
}

Sample::Sample(RecordReader& reader, int64_t n, uint64_t seed) : seed_(seed) {
  FACET_ASSERT(n > 0, "a sample of no records");
  Rng rng(seed, kSampleStream);
  std::priority_queue<std::pair<uint64_t, int64_t>> smallest;  // at most n, the largest on top
  int64_t index = 0;
  for (Record record; reader.next(record); ++index) {
    const std::pair<uint64_t, int64_t> drawn(rng.next(), index);
    if (index >= n && drawn > smallest.top()) continue;
    if (index >= n) smallest.pop();
    smallest.push(drawn);
  }
  if (!smallest.empty()) std::tie(largest_, last_) = smallest.top();
}

std::unique_ptr<RecordReader> Sample::of(std::unique_ptr<RecordReader> reader) const {
  return std::make_unique<Sampled>(std::move(reader), seed_, largest_, last_);
}

Record cut(const Record& record, size_t begin, size_t end) {
  Record out;
  out.id = record.id;
  out.columns = record.columns;
  out.text = record.text.substr(begin, end - begin);
  const auto from = static_cast<int64_t>(begin);
  const auto to = static_cast<int64_t>(end);
  for (const Span& span : record.spans)
    if (span.begin < to && span.end > from)
      out.spans.push_back(
          {std::max(span.begin, from) - from, std::min(span.end, to) - from, span.label});
  return out;
}

size_t cut_before(const std::string& text, size_t begin, size_t end) {
  const auto inside_character = [&](size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  if (end >= text.size()) return text.size();
  for (size_t at = end; at > begin && at + 3 >= end; --at)
    if (!inside_character(at)) return at;
  return end;
}

std::unique_ptr<RecordReader> shared_out(std::unique_ptr<RecordReader> chosen,
                                         const DatasetParams& params, DataShare share,
                                         Tally& tally) {
  return std::make_unique<SharedOut>(std::move(chosen), params, share, tally);
}

}  // namespace facet
