// The weights of an ESM-2 folder: the list of its tensors, and reading them.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "config.h"
#include "stages.h"

namespace facet::esm2 {

struct Weights {
  at::Tensor embedding;  ///< [v, d]
  std::vector<layers::Block> blocks;
  std::vector<at::Tensor> frequencies;  ///< [head_dim / 2] float32 of each block; equal ones are
                                        ///< the same tensor
  layers::Norm final_norm;
  layers::Linear head;  ///< of the language model; undefined tensors when the file has none
  layers::Norm head_norm;
  layers::Linear decoder;        ///< [v, d]: the embedding, unless the model does not tie them
  layers::ContactHead contacts;  ///< undefined tensors when the file has none
};

/// What a tensor is needed for.
enum class Purpose { body = 1, frequencies, head, contacts };

/// One tensor of a checkpoint and where it belongs.
struct Slot {
  Purpose purpose;
  std::string name;  ///< as transformers' EsmForMaskedLM calls it
  std::vector<int64_t> sizes;
  at::Tensor* into;
};
/// Every tensor of a model of this configuration, in the order of the forward pass; nothing is
/// allocated for them. The slots point into `weights`. Reading follows this list, and so does every
/// count.
std::vector<Slot> slots(const Config& config, Weights& weights);

/// HostInfo::parameters: the numbers of the body and of the language model's head.
int64_t parameters(const Config& config);

/// Where the rotary frequencies come from. Released checkpoints store them rounded through half
/// precision.
enum class Frequencies { computed = 1, stored };

/// Reads config.weights into tensors of `dtype` on `device`; frequencies and the contact head are
/// float32 always. float32 tensors on the CPU stay mapped. A checkpoint of the body alone
/// (EsmModel, names without "esm.") and the older names gamma and beta are taken too. UserError
/// with all problems together: tensors that are missing or of other sizes than config.json says,
/// another number of layers.
Weights read_weights(const Config& config, Frequencies frequencies, at::ScalarType dtype,
                     const std::string& device);

}  // namespace facet::esm2
