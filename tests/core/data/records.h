// Reads all records of a source, for the tests of this room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "facet/data.h"

namespace facet {

inline std::vector<Record> all_records(std::unique_ptr<RecordReader> reader) {
  std::vector<Record> out;
  for (Record record; reader->next(record);) out.push_back(record);
  return out;
}

/// "a=MKV b=M ".
inline std::string shown(const std::vector<Record>& records) {
  std::string out;
  for (const Record& record : records) out += record.id + "=" + record.text + " ";
  return out;
}

/// Reads all records of a source of files.
template <class Source, class Params>
std::vector<Record> records_of(const Params& params) {
  return all_records(Source(params).open());
}

}  // namespace facet
