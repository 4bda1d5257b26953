// TokenReader: the sequences that a host is given, one after another: a record each, or records
// joined and cut to one length.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "facet/host.h"
#include "facet/stream.h"

namespace facet {

/// Tokens of records joined into sequences of one length.
struct Packing {
  int64_t length = 0;      ///< tokens of each sequence; 0: a record is a sequence
  bool begin_each = true;  ///< each begins with the host's ids.begin
};

class TokenReader {
 public:
  virtual ~TokenReader();
  /// The next sequence, whose Tokens::sequence is its number from 0. False at the end. Errors name
  /// the record.
  virtual bool next(Tokens& tokens) = 0;
  /// Passes over the next one; false at the end. Records are not tokenised for it.
  virtual bool skip() = 0;
  /// What the last one is. Packed: "doc3/129-256", the tokens of a record from 1, or "doc3/129 to
  /// doc7/12", and the text that the host decodes.
  virtual SequenceInfo info() const = 0;
};

/// Packed: the tokens of all records with the host's specials, one after another, in sequences of
/// exactly so many; pads of a host that gives them, and what is left at the end, are dropped.
/// begin_each puts ids.begin in front of a sequence that does not begin with it, before the tokens
/// that are left of its record. Memory is that of the longest record.
///
/// source  SAELens, tokenization_and_batching.py, concat_and_batch_sequences: begin_each is its
///         prepend_bos, with the BOS of each record as its separator
std::unique_ptr<TokenReader> read_tokens(std::shared_ptr<const HostModel> host, Dataset data,
                                         const Packing& packing);

/// UserError where packing makes no sense: a host that sees tokens on both sides, one without
/// ids.begin, sequences beyond its context.
void check_packing(const HostInfo& info, const Packing& packing);

}  // namespace facet
