// A [data] section: a source and the policies every source of records shares (case, a column's
// value, exclusion, choice, length, split).
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

struct WhereParams {
  std::string column;  ///< of Record::columns; empty: every record is kept
  std::string is;      ///< its whole value, letter by letter
};

/// The fields of [data] that every source of records has beside its own. In force in this order:
///
/// 1. letter_case   each text
/// 2. where         records with another value in that column go
/// 3. exclude       records whose whole text stands in that file go
/// 4. longer        "drop": records longer than max_length go
/// 5. skip, limit   a range of the records that are left
/// 6. sample        some of that range, in their order
/// 7. longer        "truncate": texts are cut to max_length
/// 8. split         by name, or by the text as it is now
/// 9. words         each record becomes pieces of so many words, on the same side of the split
/// 10. longer       "window": longer records become several, likewise; not with words
///
/// So skip, limit and sample count whole records of the source, never windows or pieces. A sample
/// is drawn in a pass of its own, at the first open(); memory is 16 bytes for each record of the
/// sample, and 16 for each sequence of `exclude`.
struct DatasetParams {
  std::string type;
  std::string name;
  std::string letter_case = "keep";
  WhereParams where;
  std::string exclude;
  int64_t max_length = 0;  ///< letters (bytes of UTF-8); 0: no limit
  std::string longer = "drop";
  int64_t words = 0;   ///< of one record; 0: texts as they are
  int64_t skip = 0;    ///< records
  int64_t limit = 0;   ///< records; 0: all
  int64_t sample = 0;  ///< records; 0: all
  int64_t sample_seed = 0;
  SplitParams split;
};
Schema<DatasetParams> dataset_schema();

enum class DataShare { all = 1, train, eval };

/// True when a record is held out: sha256 of its name (or text, as split.by says), read as one big
/// number, is divisible by round(1 / eval).
bool held_out(const std::string& hashed, const SplitParams& split);

/// What the policies did to the records of the source, of both sides of the split.
struct Tally {
  int64_t read = 0;      ///< up to the end, or to where `limit` was reached
  int64_t others = 0;    ///< have another value than `where` asks for
  int64_t excluded = 0;  ///< stand in the file of `exclude`
  int64_t dropped = 0;   ///< longer than max_length
  int64_t used = 0;      ///< whole records, after skip, limit and sample
};

/// A source with its policies. Copies share the source, and what was learnt of it.
class Dataset {
 public:
  /// source_key decides what the source yields (its resolved parameters, and the hashes of its
  /// input files). Reads the file of `exclude`. UserError when a policy is set on a source of rows,
  /// which has no names and no lengths.
  Dataset(std::shared_ptr<const Data> source, DatasetParams params, std::string source_key);

  /// The train or eval part; UserError when the section has no split.
  Dataset part(DataShare share) const;
  bool has_split() const;
  DataShare which() const { return share_; }
  /// Records after all policies. Only for sources of records.
  std::unique_ptr<RecordReader> open() const;
  /// nullptr: a source of records.
  const RowMaker* rows() const;
  /// Hash of everything that decides the records and their order.
  std::string key() const;
  /// Known once a reader of any copy came to its end; else it makes a pass of its own. Only for
  /// sources of records.
  Tally tally() const;
  /// "7 with another Organism, 12 excluded, 3 longer than max_length, of 2000 read", with those of
  /// the three policies that are set; empty when none is.
  std::string left_out() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  DataShare share_ = DataShare::all;
};

/// Registers the sources that live in core: fasta, tsv, jsonl, text, synthetic.
void add_core_data(Registry& registry);

}  // namespace facet
