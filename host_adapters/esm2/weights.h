// The weights of an ESM-2 folder: the list of its tensors, and reading them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "block.h"
#include "block_reader.h"
#include "config.h"
#include "maps.h"

namespace facet::esm2 {

struct Weights {
  at::Tensor embedding;  ///< [v, d]
  std::vector<layers::Block> blocks;
  std::vector<at::Tensor> frequencies;  ///< [head_dim / 2] float32 of each block; equal ones are
                                        ///< the same tensor
  layers::Norm final_norm;
  layers::FastLinear head;  ///< of the language model, [d, d]
  layers::Norm head_norm;
  layers::FastLinear decoder;    ///< [v, d]: the embedding, unless the model does not tie them
  layers::ContactHead contacts;  ///< undefined tensors when the file has none
};

/// What tensors are needed for.
enum class Purpose { body = 1, frequencies, head, contacts };
constexpr Purpose kPurposes[] = {Purpose::body, Purpose::frequencies, Purpose::head,
                                 Purpose::contacts};

/// Every tensor of one purpose of a model of this configuration, named as transformers'
/// EsmForMaskedLM does, in the order of the forward pass; nothing is allocated for them. The slots
/// point into `weights`; the head is a block after the last. Reading follows these lists, and so
/// does every count.
std::vector<layers::Slot> slots(const Config& config, Purpose purpose, Weights& weights);

/// HostInfo::parameters: the numbers of the body and of the language model's head.
int64_t parameters(const Config& config);

/// Where the rotary frequencies come from. Released checkpoints store them rounded through half
/// precision.
enum class Frequencies { computed = 1, stored };

/// config.weights, with the names of slots. A checkpoint of the body alone (EsmModel, names without
/// "esm.") and the older names gamma and beta are taken too.
layers::Checkpoint open_checkpoint(const Config& config);

/// Reads the blocks of a model and its head when they are needed, and the rest at once.
class WeightsReader {
 public:
  /// Checks all tensors and reads those that belong to no block. Frequencies and the contact head
  /// are float32 always. UserError with all problems together: tensors that are missing or of other
  /// sizes than config.json says, another number of layers, a decoder that should be the embeddings
  /// and is not.
  WeightsReader(const Config& config, const layers::Checkpoint& checkpoint, Frequencies frequencies,
                const layers::Reading& reading);
  WeightsReader(const WeightsReader&) = delete;

  /// Its blocks have tensors once they are read.
  const Weights& weights() const { return weights_; }
  bool has_head() const { return has_head_; }
  /// As BlockReader; one more than there are blocks: the head too.
  void read_blocks(int64_t count) { blocks_.read_blocks(count); }
  void keep_plain(int64_t count) { blocks_.keep_plain(count); }

 private:
  bool has_head_;
  Weights weights_;
  layers::BlockReader blocks_;
};

}  // namespace facet::esm2
