// ActivationStream: the recipe for rows of a host at some hookpoints (or of a known dictionary),
// from which any number of sources are opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "activations/pooled_memory.h"
#include "activations/stream_target.h"
#include "data/dataset.h"
#include "facet/event.h"
#include "facet/host.h"
#include "facet/schema.h"
#include "facet/stream.h"

namespace facet {

/// The fields of [activations].
struct StreamParams {
  std::string name;
  Value hookpoints;                 ///< a string or a list; required with a host
  std::string rows = "content";     ///< content: specials are left out; all: every token
  int64_t buffer_rows = 65536;      ///< rows shuffled together
  int64_t batch_tokens = 8192;      ///< tokens of one forward pass of the host
  bool pads = false;                ///< rows of pads too, which hosts of other programs give
  int64_t pack = 0;                 ///< tokens of a sequence of records joined; 0: a record is one
  std::string pack_begin = "each";  ///< each, records: where the host's begin stands
  double max_norm = 0;              ///< medians that a row's norm may have; 0: any norm
  std::string pool = "none";        ///< mean, max: one row for each sequence, of those kept
  std::string store = "live";       ///< disk: the host runs once, its rows are kept in a store
  bool prefetch = true;             ///< a training's rows are made while it works
  Value normalize;                  ///< a normaliser's name, or a table with `type`
  Value target;                     ///< next, difference, or as hookpoints; empty: the input itself
  bool target_minus_input = false;
  Value normalize_target;            ///< as normalize
  std::string layers_as = "points";  ///< rows, turns: each hookpoint of a token is a row of its own
};
Schema<StreamParams> stream_schema();

struct ActivationStore;
class RowFeed;

enum class Order { sequential = 1, shuffled };

class ActivationStream {
 public:
  /// Rows of `host` over the records of `data`; `points` are canonical names.
  ActivationStream(std::shared_ptr<HostModel> host, Dataset data, std::vector<std::string> points,
                   StreamParams params);
  /// Rows of a known dictionary (data.rows() is not null): sequence is the row's number, position
  /// and token are 0.
  ActivationStream(Dataset data, StreamParams params);

  /// From now on the rows come from a store that was built of this stream; nothing else changes,
  /// not one bit, and a cursor keeps its meaning.
  void read_from(std::shared_ptr<const ActivationStore> store);

  /// Sources of equal order and seed give equal bits, and go on from a cursor with equal bits.
  std::unique_ptr<ActivationSource> open(Order order, uint64_t seed) const;
  /// A source of each stream, with the bits that open() gives: those that read one host over the
  /// same data share its forward passes.
  static std::vector<std::unique_ptr<ActivationSource>> open_together(
      const std::vector<const ActivationStream*>& streams, Order order, uint64_t seed);
  /// The sequential pass as pieces of rows, and the same before row policy and pooling.
  std::unique_ptr<RowFeed> feed() const;
  std::unique_ptr<RowFeed> raw_feed() const;
  /// What the host is given in that pass, by Rows::sequence. Only with a host.
  std::unique_ptr<TokenReader> tokens() const;
  Shape shape() const;
  /// Canonical names: of the input, and of the target (none: it is the input).
  const std::vector<std::string>& points() const;
  const StreamTarget& target() const;
  /// Hookpoints of a token that are rows of their own (layers_as), else 1.
  int64_t rows_of_a_token() const;
  /// Those for which a training takes a step each in turn, else 1.
  int64_t turns() const;
  const StreamParams& params() const;
  const Dataset& data() const;
  /// nullptr: the rows come from a known dictionary.
  const HostInfo* host() const;
  std::shared_ptr<HostModel> host_model() const;
  /// `rows` with what else decides which are kept, as records have it: "content", "all, norms up to
  /// 10 medians".
  std::string row_policy() const;
  /// Hash of what decides the rows: those of raw_key(), row policy and pooling. Not the
  /// normaliser, not buffer_rows, not where they are kept.
  std::string key() const;
  /// Hash of what decides every row that the host gives: host weights and switches, tokens, data,
  /// hookpoints, and batch_tokens, on which the last bits depend.
  std::string raw_key() const;
  /// host, hookpoints, rows and pool as a table, for a record beside what was made of the rows;
  /// pack, pack_begin, target and layers_as where they are not what is usual.
  Value describe() const;

 private:
  std::unique_ptr<ActivationSource> open_on(std::unique_ptr<RowFeed> feed, Order order,
                                            uint64_t seed) const;
  std::unique_ptr<RowFeed> kept(std::unique_ptr<RowFeed> raw) const;
  std::unique_ptr<RowFeed> remembered(std::unique_ptr<RowFeed> kept) const;
  std::vector<std::string> raw_points() const;  // input and target, each once
  bool works_ahead(Order order) const;
  Packing packing() const;
  bool shares_passes_with(const ActivationStream& other) const;

  std::shared_ptr<HostModel> host_;
  Dataset data_;
  std::vector<std::string> points_;
  StreamParams params_;
  StreamTarget target_;
  std::shared_ptr<const ActivationStore> store_;  // nullptr: live
  std::shared_ptr<PooledMemory> pooled_;          // nullptr: not pooled
};

/// A stream's `normalize` ("none" when empty) as its name and every parameter in force; a name that
/// stands for layer_norm in a source's form ("routesae") becomes layer_norm with its parameters, so
/// that records compare what counts. UserError at `where`.
struct NormaliserChoice {
  std::string type;
  AnyParams params;
};
NormaliserChoice choose_normaliser(const Registry& registry, const Value& normalize,
                                   const std::string& where);
/// The normaliser that was chosen, not yet fitted.
std::unique_ptr<Normaliser> make_normaliser(const Registry& registry, const Value& normalize,
                                            const std::string& where);
/// That of a stream with `points` hookpoints as its input; 0: without a target. UserErrors name
/// `where` and `where`_target.
std::unique_ptr<Normaliser> make_normaliser(const Registry& registry, const Value& normalize,
                                            const Value& normalize_target, int64_t points,
                                            const std::string& where);
/// Registers none, layer_norm and its named forms, constant_norm, mean, expected_average and
/// whitening.
void add_core_normalisers(Registry& registry);

}  // namespace facet
