// The tensors of a model by their names, wherever they are kept, and whether they are the right
// ones.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace facet::layers {

/// What is known of a checkpoint from its header, and its tensors when they are asked for.
struct Checkpoint {
  std::string file;  ///< stands in front of messages
  std::vector<std::string> names;
  std::function<std::optional<std::vector<int64_t>>(const std::string& name)> sizes;
  std::function<at::Tensor(const std::string& name)> tensor;
};

/// A safetensors file, an index of shards, or a folder with one of them. Names of the body alone,
/// saved without `body` ("model.") in front, are taken too.
Checkpoint safetensors_checkpoint(const std::filesystem::path& path, const std::string& body);

/// What is done to a tensor when it is read.
enum class Kept {
  weight = 1,  ///< in the dtype of the pass; drawn anew in a model that learnt nothing
  constant     ///< in float32, as it is
};

/// One tensor of a checkpoint and where it belongs.
struct Slot {
  std::string name;
  std::vector<int64_t> sizes;
  at::Tensor* into;
  int64_t row = 0, rows = 0;  ///< it is rows `row` .. of `rows` that lie together in `into`
  int64_t block = -1;         ///< -1: of none
  Kept kept = Kept::weight;
};

/// What is wrong with a checkpoint: another number of blocks, which are named
/// "<stem>I.<something>"; or tensors that are missing or of other sizes, all together.
std::vector<std::string> problems_of(const Checkpoint& checkpoint, const std::vector<Slot>& slots,
                                     const std::string& stem, int64_t blocks);
/// "[2, 3]".
std::string shown(const std::vector<int64_t>& sizes);

}  // namespace facet::layers
