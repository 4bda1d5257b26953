// The data source "fasta": sequences of a FASTA file, plain or gzip.
#pragma once

#include <memory>
#include <string>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

struct FastaParams {
  std::string path;
  std::string sha256;  ///< of the file's bytes; empty: not checked
};
Schema<FastaParams> fasta_schema();

/// Record::id is the first word of the header, the column "description" the rest of it, the text
/// the sequence as written, case kept. Letters, '*', '-' and '.' are taken; blank lines are
/// skipped. UserError with file, line and record for anything else.
class Fasta final : public Data {
 public:
  /// UserError when the file's hash is not the given one.
  explicit Fasta(const FastaParams& params);
  std::unique_ptr<RecordReader> open() const override;

 private:
  std::string path_;
};

}  // namespace facet
