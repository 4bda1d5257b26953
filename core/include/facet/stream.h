// Streams of activation rows, and the codes an SAE gave them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "facet/codes.h"
#include "facet/normaliser.h"
#include "facet/rows.h"
#include "facet/value.h"

namespace facet {

/// Rows that a stream's filters left out.
struct LeftOut {
  int64_t pads = 0;
  int64_t high_norm = 0;
};

/// Rows in some order, epoch after epoch, from a host or from a store: the reader cannot tell.
class ActivationSource {
 public:
  virtual ~ActivationSource();
  /// points_out and d_out equal points_in and d_in, unless the stream transcodes.
  virtual Shape shape() const = 0;
  /// The next `rows` rows, x [n, points, d]: points_in of them, then points_out where the stream
  /// transcodes. Fewer (or none) at the end of an epoch; the call after
  /// that starts the next one.
  virtual Rows next(int64_t rows) = 0;
  /// A hint: from here on about so many rows are read. A source that works ahead does not make more
  /// than it needs for these; the rows are the same whether it is true or not.
  virtual void will_read(int64_t rows);
  /// Where the source stands: a small table; seek() goes on there with the same bits.
  virtual Value cursor() const = 0;
  virtual void seek(const Value& cursor) = 0;
  /// The hash of everything that decides the rows and their order, but for the normaliser.
  virtual std::string key() const = 0;
  /// Rows of one epoch, counted without running the host; -1: unknown before an epoch has passed.
  virtual int64_t epoch_rows() const;
  /// What was left out of everything read up to here, or up to where the cursor stood.
  virtual LeftOut left_out() const;
  /// [features, d] unit rows when the rows come from a known dictionary; undefined otherwise.
  virtual Tensor dictionary() const;
};

/// A batch of rows as an SAE wants it: input and target are the normalised rows; where
/// normaliser.input_points() is above 0, the target is what stands behind them.
Batch make_batch(const Normaliser& normaliser, Rows rows);

/// The record that a row of a codes store came from.
struct SequenceInfo {
  std::string id;
  std::string text;
  std::string description;
};

/// A finished codes store. Row numbers count from 0 in the order of the sequential pass.
class CodesReader {
 public:
  virtual ~CodesReader();
  virtual int64_t rows() const = 0;
  virtual int64_t d_sae() const = 0;
  virtual Codes slice(int64_t begin, int64_t end) const = 0;  ///< rows begin .. end - 1
  /// The rows where a latent fires, values descending, ties by row: Codes entries as two tensors.
  struct Firing {
    Tensor row;    ///< [f] int64
    Tensor value;  ///< [f] float32
  };
  virtual Firing firing(int64_t latent) const = 0;
  virtual Tensor firing_counts() const = 0;  ///< [d_sae] int64
  /// Where each row came from: x is undefined.
  virtual Rows ids() const = 0;
  /// By Rows::sequence; empty when the rows come from a known dictionary.
  virtual const std::vector<SequenceInfo>& sequences() const = 0;
  /// How many specials stand before the first letter: letter = position - offset.
  virtual int64_t letter_offset() const = 0;
  /// "none": a row is a token; "mean" or "max": a row is a whole sequence, position 0, its codes
  /// pooled over the tokens that were kept.
  virtual std::string pool() const;
  virtual std::string key() const = 0;
};

}  // namespace facet
