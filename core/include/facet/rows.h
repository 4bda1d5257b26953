// Rows of activations and the batches an SAE is given.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace facet {

using at::Tensor;

/// Bits of Rows::flag.
enum RowFlag : uint8_t {
  kContent = 0,  ///< an ordinary token
  kSpecial = 1,  ///< a token the host added (<cls>, <eos>, BOS)
  kPrompt = 2,   ///< part of a prompt under generation
  kPad = 4,      ///< padding; only under a compatibility switch
};

/// What a hook sees and a source yields: real tokens only, padding and packing never leave an
/// adapter.
struct Rows {
  Tensor x;         ///< a hook: [n, d]; a source: [n, points, d]; the host's dtype
  Tensor sequence;  ///< [n] int64, index of the record in the data source
  Tensor position;  ///< [n] int32; 0 = first token of the sequence, specials counted
  Tensor token;     ///< [n] int32, vocabulary id
  Tensor flag;      ///< [n] uint8, RowFlag bits

  int64_t size() const;                                ///< n
  Rows slice(int64_t begin, int64_t end) const;        ///< shares memory
  Rows select(const Tensor& index) const;              ///< index [m] int64; copies
  static Rows joined(const std::vector<Rows>& parts);  ///< at least one part
};

/// The widths between which an SAE works: given by the stream, never repeated by users.
struct Shape {
  int64_t points_in = 1;   ///< hookpoints read
  int64_t points_out = 1;  ///< hookpoints reconstructed
  int64_t d_in = 0;
  int64_t d_out = 0;
  bool transcodes = false;  ///< the target is of other hookpoints than the input, or a difference
};

/// What a normaliser needs to invert itself, named by the normaliser; tensors [n, points, 1] or
/// [points, d].
using Stats = std::map<std::string, Tensor>;

/// What a normaliser does to every row alike: x' = (x - mean) M and back x = x' M^-1 + mean, at
/// each hookpoint; M is a number or a matrix.
struct RowMap {
  Tensor mean;     ///< [points, d] float64; undefined: 0
  Tensor scale;    ///< [points] float64, the number; undefined when M is a matrix
  Tensor matrix;   ///< [points, d, d] float64, M; undefined when it is a number
  Tensor inverse;  ///< [points, d, d] float64, M^-1
};

struct Batch {
  Tensor input;   ///< [n, points_in, d_in] float32, normalised
  Tensor target;  ///< [n, points_out, d_out] float32, normalised by the target's own normaliser;
                  ///< undefined where a stream that transcodes gave its input alone
  Rows ids;       ///< x is the row as the host gave it: input, then target where it is another
  Stats stats;    ///< of `target`
};

}  // namespace facet
