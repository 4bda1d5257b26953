// The data source "tsv": records of a table, one a line, as UniProt's downloads are.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

struct TsvParams {
  std::string path;
  std::string sha256;
  std::string id = "Entry";
  std::string text = "Sequence";
};
Schema<TsvParams> tsv_schema();

/// The first line names the columns. Fields are parted by tabs and taken as they are: quotes have
/// no meaning. All columns but those of id and text become Record::columns. Blank lines are
/// skipped. UserError with file and line for a column that is missing or stands twice, for a line
/// with another number of fields, and for an empty id or text.
class Tsv final : public Data {
 public:
  /// UserError when the hash is not the given one, or a folder has no table (.tsv, .tab).
  explicit Tsv(const TsvParams& params);
  std::unique_ptr<RecordReader> open() const override;

 private:
  TsvParams params_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace facet
