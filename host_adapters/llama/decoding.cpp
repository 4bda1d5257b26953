// Counts the cached tokens.
#include "decoding.h"

#include <facet/torch.h>

#include "facet/error.h"

namespace facet::llama {

void KeyValueCache::begin(int64_t sequences) {
  if (blocks_.empty()) {
    lengths_.assign(static_cast<size_t>(sequences), 0);
    blocks_.assign(static_cast<size_t>(block_count_), layers::Past(sequences));
  }
  FACET_ASSERT(lengths_.size() == static_cast<size_t>(sequences),
               "a pass of other sequences than those before it");
}

void KeyValueCache::advance(const Tokens& tokens) {
  const Tensor more = tokens.start.diff();
  for (size_t i = 0; i < lengths_.size(); ++i)
    lengths_[i] += more[static_cast<int64_t>(i)].item<int64_t>();
}

}  // namespace facet::llama
