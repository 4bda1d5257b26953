// What Llama keeps of the tokens it has seen while it generates: keys and values of each block.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "causal.h"
#include "facet/host.h"

namespace facet::llama {

class KeyValueCache final : public Decoding {
 public:
  explicit KeyValueCache(int64_t blocks) : block_count_(blocks) {}

  std::vector<int64_t> lengths() const override { return lengths_; }
  /// Makes room for the sequences of the first pass; a bug when a later one has others.
  void begin(int64_t sequences);
  layers::Past& past(size_t block) { return blocks_[block]; }
  /// After a pass: its tokens are held from now on. One that failed half-way has left nothing.
  void advance(const Tokens& tokens);

 private:
  int64_t block_count_;
  std::vector<int64_t> lengths_;
  std::vector<layers::Past> blocks_;
};

}  // namespace facet::llama
