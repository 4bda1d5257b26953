// The weights of a Llama model: the list of its tensors, and reading them.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "block_reader.h"
#include "blocks.h"
#include "config.h"

namespace facet::llama {

inline const std::string kBody = "model.";  ///< in front of the names of the body

struct Weights {
  at::Tensor embedding;  ///< [v, d]
  std::vector<Block> blocks;
  at::Tensor final_norm;    ///< [d]
  layers::FastLinear head;  ///< [v, d]; the embedding when they are tied
  at::Tensor frequencies;   ///< [head_dim / 2] float32
};

/// Every tensor of a model of this configuration, in the order of the forward pass; nothing is
/// allocated for them. The slots point into `weights`. Reading follows this list, and so does every
/// count.
std::vector<layers::Slot> slots(const Config& config, Weights& weights);

/// HostInfo::parameters.
int64_t parameters(const Config& config);

/// Reads the blocks of a model when they are needed, and the rest at once.
class WeightsReader {
 public:
  /// Checks all tensors and reads those that belong to no block. UserError with all problems
  /// together: tensors that are missing or of other sizes than the configuration says, another
  /// number of layers, a head that should be the embeddings and is not.
  WeightsReader(const Config& config, layers::Checkpoint checkpoint, layers::Reading reading);
  WeightsReader(const WeightsReader&) = delete;

  /// Its blocks have tensors once they are read.
  const Weights& weights() const { return weights_; }
  /// As BlockReader.
  void read_blocks(int64_t count) { blocks_.read_blocks(count); }
  /// For passes with gradients: keeps plain weights of the first `count` blocks and of the head
  /// beside the packed ones, from then on.
  void keep_plain(int64_t count);

 private:
  Weights weights_;
  layers::BlockReader blocks_;
};

}  // namespace facet::llama
