// A model's folder as Hugging Face's transformers saves it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace facet::layers {

/// model.safetensors of the folder, or the index of its shards; a problem is added when there is
/// neither.
std::filesystem::path weights_of(const std::filesystem::path& folder,
                                 std::vector<std::string>& problems);

}  // namespace facet::layers
