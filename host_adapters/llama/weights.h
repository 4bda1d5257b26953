// The weights of a Llama model: the list of its tensors, and reading them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "blocks.h"
#include "config.h"

namespace facet::llama {

struct Weights {
  at::Tensor embedding;  ///< [v, d]
  std::vector<Block> blocks;
  at::Tensor final_norm;    ///< [d]
  layers::FastLinear head;  ///< [v, d]; the embedding when they are tied
  at::Tensor frequencies;   ///< [head_dim / 2] float32
};

/// One tensor of a checkpoint and where it belongs.
struct Slot {
  std::string name;  ///< as transformers' LlamaForCausalLM calls it
  std::vector<int64_t> sizes;
  at::Tensor* into;
  int64_t row = 0, rows = 0;  ///< it is rows `row` .. of `rows` that lie together in `into`
  int64_t block = -1;         ///< -1: of none
};
/// Every tensor of a model of this configuration, in the order of the forward pass; nothing is
/// allocated for them. The slots point into `weights`. Reading follows this list, and so does every
/// count.
std::vector<Slot> slots(const Config& config, Weights& weights);

/// HostInfo::parameters.
int64_t parameters(const Config& config);

/// The tensors of a model by the names of slots, wherever they are kept.
struct Checkpoint {
  std::string file;  ///< stands in front of messages
  std::vector<std::string> names;
  std::function<std::optional<std::vector<int64_t>>(const std::string& name)> sizes;
  std::function<at::Tensor(const std::string& name)> tensor;
};
/// A folder's model.safetensors, or its shards. Names without "model." (LlamaModel) are taken too.
Checkpoint folder_checkpoint(const std::filesystem::path& folder);

/// How tensors are read.
struct Reading {
  at::ScalarType dtype = at::kFloat;
  std::string device = "cpu";
  /// From 0: each tensor is drawn anew, normal, with the mean and deviation of the one it takes the
  /// place of (Heap et al. 2025, arXiv:2501.17727).
  int64_t seed = -1;
};

/// Reads the blocks of a model when they are needed, and the rest at once.
class WeightsReader {
 public:
  /// Checks all tensors and reads those that belong to no block. UserError with all problems
  /// together: tensors that are missing or of other sizes than the configuration says, another
  /// number of layers, a head that should be the embeddings and is not.
  WeightsReader(const Config& config, Checkpoint checkpoint, Reading reading);
  WeightsReader(const WeightsReader&) = delete;

  /// Its blocks have tensors once they are read.
  const Weights& weights() const { return weights_; }
  /// Reads what is not read yet of the first `count` blocks; lets go of the file after the last.
  void read_blocks(int64_t count);
  /// For passes with gradients: keeps plain weights of the first `count` blocks and of the head
  /// beside the packed ones, from then on.
  void keep_plain(int64_t count);

 private:
  void read(const Slot& slot);
  std::vector<layers::FastLinear*> layers_of(int64_t block);

  Checkpoint checkpoint_;
  Reading reading_;
  Weights weights_;
  std::vector<Slot> slots_;  // into weights_
  int64_t blocks_read_ = 0;
};

}  // namespace facet::llama
