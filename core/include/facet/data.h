// Data: where sequences (or rows with a known dictionary) come from.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "facet/rows.h"
#include "facet/value.h"

namespace facet {

/// Letters begin .. end - 1 of a record's text that belong together.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  std::string label;
};

/// One sequence or document. Nothing needs ids to differ: a repeated one only means that both
/// records fall on the same side of a split by name.
struct Record {
  std::string id;  ///< FASTA: the first word of the header; a window: "NAME/1-1022"
  std::string text;
  std::vector<Span> spans;
  std::map<std::string, std::string> columns;  ///< FASTA: "description"; TSV: the other columns
};

/// Reads records from the first to the last.
class RecordReader {
 public:
  virtual ~RecordReader();
  /// False at the end. UserError "file:line: ..." when the input is malformed.
  virtual bool next(Record& record) = 0;
};

/// Rows made from a known dictionary, so that recovery can be measured.
class RowMaker {
 public:
  virtual ~RowMaker();
  virtual int64_t rows() const = 0;  ///< in one epoch
  virtual int64_t width() const = 0;
  /// Rows first .. first + n - 1: float32 [n, d], a function of `first`, n and the parameters
  /// alone.
  virtual Tensor make(int64_t first, int64_t n) const = 0;
  /// [features, d] float32, unit rows.
  virtual Tensor dictionary() const = 0;
};

/// Constructed with (const P& params). A source of records or of rows: exactly one of open() and
/// rows() answers.
class Data {
 public:
  virtual ~Data();
  virtual std::unique_ptr<RecordReader> open() const;  ///< nullptr: this source yields rows
  virtual const RowMaker* rows() const;                ///< nullptr: this source yields records
};

}  // namespace facet
