// Readers that put the policies of [data] on the reader of a source.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/sequence_set.h"
#include "facet/data.h"

namespace facet {

LetterCase letter_case_of(const DatasetParams& params);

/// The records of steps 1 to 5 of DatasetParams: case, where, exclude, drop, skip, limit. Counts in
/// `tally`, which must outlive the reader. UserError for a record without the column of `where`.
std::unique_ptr<RecordReader> chosen_records(std::unique_ptr<RecordReader> source,
                                             const DatasetParams& params,
                                             const SequenceSet& excluded, Tally& tally);

/// A sample of n of N records: record i gets the i-th number of Rng(seed, "data/sample"), and the n
/// smallest (of equal ones the first) are chosen.
class Sample {
 public:
  /// Draws from all records of `reader`.
  Sample(RecordReader& reader, int64_t n, uint64_t seed);
  /// The chosen of the same records, in their order.
  std::unique_ptr<RecordReader> of(std::unique_ptr<RecordReader> reader) const;

 private:
  uint64_t seed_;
  uint64_t largest_ = 0;  // number of the last that is chosen
  int64_t last_ = -1;     // and its index: of those with this number, the ones up to here
};

/// Letters begin .. end - 1 of the record as one of its own: spans are cut and shifted.
Record cut(const Record& record, size_t begin, size_t end);

/// Where a text that is cut at `end` is cut, so that no character of UTF-8 is torn: at `end` or up
/// to three bytes before, and after `begin`.
size_t cut_before(const std::string& text, size_t begin, size_t end);

/// The records of steps 7 to 10: truncate, split, words, window. Counts in `tally`, which must
/// outlive the reader.
std::unique_ptr<RecordReader> shared_out(std::unique_ptr<RecordReader> chosen,
                                         const DatasetParams& params, DataShare share,
                                         Tally& tally);

}  // namespace facet
