// Reads the weights of a model block by block, when they are needed.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "checkpoint.h"
#include "fast_linear.h"

namespace facet::layers {

/// How tensors are read.
struct Reading {
  at::ScalarType dtype = at::kFloat;
  std::string device = "cpu";
  /// From 0: each weight is drawn anew, normal, with the mean and deviation of the one it takes the
  /// place of (Heap et al. 2025, arXiv:2501.17727).
  int64_t seed = -1;
  std::string host = "";  ///< stands in front of the names that weights are drawn under
};

/// Reads what its slots list: what belongs to no block at once, a block when it is asked for. Holds
/// each weight once: in place of those that it packs, the plain ones are let go.
class BlockReader {
 public:
  /// The layers of a block, to be packed when its tensors are read.
  using Layers = std::function<std::vector<FastLinear*>(int64_t block)>;
  /// Slots and layers point to what must outlive the reader. The checkpoint has been checked.
  BlockReader(Checkpoint checkpoint, Reading reading, std::vector<Slot> slots, Layers layers);

  /// Reads what is not read yet of the first `count` blocks; lets go of the file after the last
  /// that the slots name.
  void read_blocks(int64_t count);
  /// For passes with gradients: keeps plain weights of the first `count` blocks beside the packed
  /// ones, from then on.
  void keep_plain(int64_t count);

 private:
  void read(const Slot& slot);

  Checkpoint checkpoint_;
  Reading reading_;
  std::vector<Slot> slots_;
  Layers layers_;
  int64_t blocks_ = 0, blocks_read_ = 0;
};

}  // namespace facet::layers
