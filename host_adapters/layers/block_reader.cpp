// Puts tensors where their slots say, and packs them.
#include "block_reader.h"

#include <facet/torch.h>

#include <algorithm>
#include <utility>

#include "drawn_anew.h"

namespace facet::layers {

namespace {

/// Puts a tensor where it belongs. Vectors are copied: in a mapped file each would hold a page.
void place(const Slot& slot, const Tensor& tensor, const at::TensorOptions& options) {
  if (slot.rows == 0) {
    *slot.into = tensor.to(options, /*non_blocking=*/false, /*copy=*/slot.sizes.size() == 1);
    return;
  }
  std::vector<int64_t> sizes = slot.sizes;
  sizes[0] = slot.rows;
  if (!slot.into->defined()) *slot.into = torch::empty(sizes, options);
  slot.into->narrow(0, slot.row, slot.sizes[0]).copy_(tensor);
}

}  // namespace

BlockReader::BlockReader(Checkpoint checkpoint, Reading reading, std::vector<Slot> slots,
                         Layers layers)
    : checkpoint_(std::move(checkpoint)),
      reading_(std::move(reading)),
      slots_(std::move(slots)),
      layers_(std::move(layers)) {
  for (const Slot& slot : slots_) {
    blocks_ = std::max(blocks_, slot.block + 1);
    if (slot.block < 0) read(slot);
  }
}

void BlockReader::read_blocks(int64_t count) {
  for (; blocks_read_ < std::min(count, blocks_); ++blocks_read_) {
    for (const Slot& slot : slots_)
      if (slot.block == blocks_read_) read(slot);
    for (FastLinear* layer : layers_(blocks_read_)) layer->pack();
  }
  if (blocks_read_ == blocks_) checkpoint_ = {};
}

void BlockReader::keep_plain(int64_t count) {
  for (int64_t i = 0; i < std::min(count, blocks_read_); ++i)
    for (FastLinear* layer : layers_(i)) layer->keep_plain();
}

void BlockReader::read(const Slot& slot) {
  const bool weight = slot.kept == Kept::weight;
  const at::ScalarType dtype = weight ? reading_.dtype : at::kFloat;
  Tensor tensor = checkpoint_.tensor(slot.name).to(dtype);
  if (weight && reading_.seed >= 0)
    tensor =
        drawn_anew(tensor, static_cast<uint64_t>(reading_.seed), reading_.host + "/" + slot.name);
  place(slot, tensor, at::TensorOptions(dtype).device(reading_.device));
}

}  // namespace facet::layers
