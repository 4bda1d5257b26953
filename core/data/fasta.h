// The data source "fasta": sequences of FASTA files.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

struct FastaParams {
  std::string path;
  std::string sha256;  ///< of the file's bytes; empty: not checked
  std::string stop = "keep";
};
Schema<FastaParams> fasta_schema();

/// Record::id is the first word of the header, the column "description" the rest of it, the text
/// the sequence. Letters, '*', '-' and '.' are taken; blank lines are skipped. What a letter means,
/// and what becomes of one that a model does not know, is the host's to say. UserError with file,
/// line and record for anything else.
class Fasta final : public Data {
 public:
  /// UserError when the hash is not the given one, or a folder has no FASTA file (.fasta, .fa,
  /// .faa, .fna, .fas).
  explicit Fasta(const FastaParams& params);
  std::unique_ptr<RecordReader> open() const override;

 private:
  std::vector<std::filesystem::path> files_;
  bool strip_stop_;
};

}  // namespace facet
