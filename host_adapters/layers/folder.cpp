// Looks for weights.
#include "folder.h"

namespace facet::layers {

std::filesystem::path weights_of(const std::filesystem::path& folder,
                                 std::vector<std::string>& problems) {
  const std::filesystem::path whole = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  for (const auto& file : {whole, index})
    if (std::filesystem::is_regular_file(file)) return file;
  const bool pickled = std::filesystem::exists(folder / "pytorch_model.bin") ||
                       std::filesystem::exists(folder / "pytorch_model.bin.index.json");
  problems.push_back(whole.string() + ": no such file, nor " + index.filename().string() +
                     (pickled ? "; pytorch_model.bin is not read, save it as safetensors" : ""));
  return whole;
}

}  // namespace facet::layers
