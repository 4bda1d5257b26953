// Names of safetensors, and comparison with a list of slots.
#include "checkpoint.h"

#include <facet/torch.h>

#include <facet/safetensors.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace facet::layers {

namespace {

using Sizes = std::vector<int64_t>;

/// One more than the highest block that has tensors.
int64_t blocks_of(const Checkpoint& checkpoint, const std::string& stem) {
  int64_t count = 0;
  for (const std::string& name : checkpoint.names) {
    int64_t block = 0;
    if (!name.starts_with(stem)) continue;
    const char* digits = name.data() + stem.size();
    if (std::from_chars(digits, name.data() + name.size(), block).ec == std::errc())
      count = std::max(count, block + 1);
  }
  return count;
}

}  // namespace

Checkpoint safetensors_checkpoint(const std::filesystem::path& path, const std::string& body) {
  const auto file = std::make_shared<const Safetensors>(path);
  Checkpoint out;
  out.file = file->file().string();
  out.names = file->names();
  const bool whole = std::any_of(out.names.begin(), out.names.end(),
                                 [&](const std::string& name) { return name.starts_with(body); });
  if (!whole)
    for (std::string& name : out.names) name = body + name;
  const auto here = [whole, body](const std::string& name) {
    return !whole && name.starts_with(body) ? name.substr(body.size()) : name;
  };
  out.sizes = [file, here](const std::string& name) {
    return file->has(here(name)) ? std::optional<Sizes>(file->sizes(here(name))) : std::nullopt;
  };
  out.tensor = [file, here](const std::string& name) { return file->tensor(here(name)); };
  return out;
}

std::vector<std::string> problems_of(const Checkpoint& checkpoint, const std::vector<Slot>& slots,
                                     const std::string& stem, int64_t blocks) {
  if (const int64_t is = blocks_of(checkpoint, stem); is != blocks)
    return {checkpoint.file + ": has " + std::to_string(is) + " layers, should have " +
            std::to_string(blocks) + " (num_hidden_layers)"};
  std::vector<std::string> problems;
  for (const Slot& slot : slots) {
    const std::optional<Sizes> is = checkpoint.sizes(slot.name);
    if (!is)
      problems.push_back(checkpoint.file + ": " + slot.name + ": missing");
    else if (*is != slot.sizes)
      problems.push_back(checkpoint.file + ": " + slot.name + ": is " + shown(*is) +
                         ", should be " + shown(slot.sizes) + " by the configuration");
  }
  return problems;
}

std::string shown(const Sizes& sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

}  // namespace facet::layers
