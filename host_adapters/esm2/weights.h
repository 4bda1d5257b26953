// The weights of an ESM-2 folder, mapped from model.safetensors and checked against the
// configuration.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "config.h"
#include "stages.h"

namespace facet::esm2 {

/// Where the rotary frequencies come from. Released checkpoints store them rounded through half
/// precision.
enum class Frequencies { computed = 1, stored };

struct Weights {
  at::Tensor embedding;  ///< [v, d]
  std::vector<layers::Block> blocks;
  std::vector<at::Tensor> frequencies;  ///< [head_dim / 2]: one for all blocks, or one for each
  layers::Norm final_norm;
  layers::Linear head;  ///< of the language model; undefined tensors when the file has none
  layers::Norm head_norm;
  layers::Linear decoder;  ///< [v, d]: the embedding, unless the file has one of its own
};

/// float32 tensors on `device`; on the CPU they stay mapped. UserError with all problems together:
/// tensors that are missing or of other sizes than config.json says, another number of layers.
Weights read_weights(const std::filesystem::path& file, const Config& config,
                     Frequencies frequencies, const std::string& device);

}  // namespace facet::esm2
