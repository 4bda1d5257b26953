// Analysis: looks at a trained SAE, its codes, rows or host, and reports figures and tables.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "facet/data.h"
#include "facet/event.h"
#include "facet/host.h"
#include "facet/plot.h"
#include "facet/rng.h"
#include "facet/sae.h"
#include "facet/splice.h"
#include "facet/stats.h"
#include "facet/stream.h"
#include "facet/table.h"

namespace facet {

/// What an analysis must be given; checked before anything is loaded.
struct Needs {
  bool host = false;
  bool sae = false;
  bool rows = false;
  bool codes = false;
  bool records = false;  ///< of `data`, or those that `on` was made of
  bool network = false;
};

/// One number of a report. The same name means the same definition everywhere.
struct Figure {
  std::string name;        ///< "nmse": the key in Lua and record.json
  Value value;             ///< number, integer or text
  std::string definition;  ///< printed beside it: formula and source
  std::vector<std::pair<std::string, Value>> baselines =
      {};  ///< ("untrained", 1.02): the same figure of something plain
  std::optional<Interval> interval = {};
  std::string target = {};  ///< what a good SAE has, as text: "below 0.1"; may be empty
};

/// A table that was written into the run.
struct TableRef {
  std::string name;   ///< file name in the artefacts folder
  std::string title;  ///< a sentence for report.md
  Table head;         ///< the rows that report.md shows
  int64_t rows = 0;   ///< in the file
};

struct Report {
  std::vector<Figure> values;
  std::vector<TableRef> tables;
  std::vector<Plot> plots = {};
};

/// Append-only, fsynced key -> value lines: a finished key is never computed (or paid for) again.
class Journal {
 public:
  virtual ~Journal();
  virtual std::optional<Value> find(const std::string& key) const = 0;
  virtual void add(const std::string& key, const Value& value) = 0;
};

/// What an analysis works with. Asking for something its needs() did not name is a Bug.
class Context {
 public:
  virtual ~Context();
  virtual Sae& sae() = 0;
  /// The same SAE as it was before training: a baseline.
  virtual std::unique_ptr<Sae> untrained() = 0;
  virtual const Normaliser& normaliser() = 0;
  virtual HostModel& host() = 0;
  /// Where in the host the SAE belongs. UserError when nobody wrote it down, or the host is another
  /// than the SAE's.
  virtual Place place() = 0;
  /// A fresh sequential pass over the rows that the codes (or `on`) belong to.
  virtual std::unique_ptr<ActivationSource> rows() = 0;
  virtual const CodesReader& codes() = 0;
  /// A fresh pass over the records of `data`, where it was given, else over those that rows() come
  /// from, in the order of Rows::sequence (but for packed sequences, each of which has pieces of
  /// records); nullptr when there are none: rows of a known dictionary.
  virtual std::unique_ptr<RecordReader> records() = 0;

  virtual Rng rng(const std::string& purpose) = 0;
  virtual EventSink& events() = 0;
  /// Writes a TSV into the run's artefacts (atomically) and returns the reference for the report,
  /// whose head keeps `shown` rows.
  virtual TableRef write(const std::string& name, const std::string& title, const Table& table,
                         size_t shown = 10) = 0;
  /// Writes any other file into the run's artefacts.
  virtual void write_file(const std::string& name, const std::string& bytes) = 0;
  /// The bytes of a file that the analysis named `analysis` (its type, where it has no name) wrote
  /// for the same SAE, earlier in this run; nothing when it wrote none.
  virtual std::optional<std::string> read_file(const std::string& analysis,
                                               const std::string& name) = 0;
  virtual Journal& journal(const std::string& name) = 0;
  /// The environment variable `name`; it is never stored. UserError when it is not set.
  virtual std::string secret(const std::string& name) = 0;
  /// Throws Stopped when the run was asked to stop.
  virtual void breathe() = 0;
};

/// Constructed with (const P& params).
class Analysis {
 public:
  virtual ~Analysis();
  virtual Needs needs() const = 0;
  virtual Report run(Context& context) = 0;
};

}  // namespace facet
