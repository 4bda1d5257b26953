// A [data] section: a source and the policies every source of records shares (length, limit,
// split).
#pragma once

#include <memory>
#include <string>

#include "facet/data.h"
#include "facet/plugin.h"
#include "facet/schema.h"

namespace facet {

struct SplitParams {
  double eval = 0;          ///< share held out, 1/n for a whole n; 0: no split
  std::string by = "name";  ///< what is hashed
};

/// The fields of [data] that every source of records has beside its own. In force in this order:
/// the length policy, then `limit` (so train and eval are parts of the same limited set), then the
/// split.
struct DatasetParams {
  std::string type;
  int64_t limit = 0;       ///< records; 0: all
  int64_t max_length = 0;  ///< letters; 0: no limit
  std::string longer = "drop";
  SplitParams split;
};
Schema<DatasetParams> dataset_schema();

enum class DataShare { all = 1, train, eval };

/// True when a record of this name is held out: sha256(name), read as one big number, is divisible
/// by round(1 / eval).
bool held_out(const std::string& name, const SplitParams& split);

/// A source with its policies. Copies share the source.
class Dataset {
 public:
  /// source_key decides what the source yields (its resolved parameters, and the hashes of its
  /// input files). UserError when a policy is set on a source of rows, which has no names and no
  /// lengths.
  Dataset(std::shared_ptr<const Data> source, DatasetParams params, std::string source_key);

  /// The train or eval part; UserError when the section has no split.
  Dataset part(DataShare share) const;
  bool has_split() const { return params_.split.eval > 0; }
  DataShare which() const { return share_; }
  /// Records after all policies. Only for sources of records.
  std::unique_ptr<RecordReader> open() const;
  /// nullptr: a source of records.
  const RowMaker* rows() const { return source_->rows(); }
  /// Hash of everything that decides the records and their order.
  std::string key() const;

 private:
  std::shared_ptr<const Data> source_;
  DatasetParams params_;
  std::string source_key_;
  DataShare share_ = DataShare::all;
};

/// Registers the sources that live in core: fasta, synthetic.
void add_core_data(Registry& registry);

}  // namespace facet
