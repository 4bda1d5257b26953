// Codes in memory, as an analysis is given them in a test.
#pragma once

#include "facet/stream.h"
#include "facet/torch.h"

namespace facet {

/// Codes of dense [n, d_sae], each row of a given sequence and position.
class MemoryCodes : public CodesReader {
 public:
  MemoryCodes(Tensor dense, std::vector<int64_t> sequence, std::vector<int32_t> position,
              std::vector<SequenceInfo> infos, std::string pool = "none")
      : dense_(std::move(dense)), infos_(std::move(infos)), pool_(std::move(pool)) {
    ids_.sequence = torch::tensor(sequence, torch::kInt64);
    ids_.position = torch::tensor(position, torch::kInt32);
  }
  /// Ids of the vocabulary and flags of the rows; without them there are none.
  MemoryCodes& set_tokens(Tensor token, Tensor flag) {
    ids_.token = std::move(token);
    ids_.flag = std::move(flag);
    return *this;
  }
  int64_t rows() const override { return dense_.size(0); }
  int64_t d_sae() const override { return dense_.size(1); }
  Codes slice(int64_t begin, int64_t end) const override {
    return Codes::of(dense_.slice(0, begin, end));
  }
  Firing firing(int64_t latent) const override {
    const Tensor column = dense_.select(1, latent);
    const auto [value, row] = column.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
    const int64_t fired = (column > 0).sum().item<int64_t>();
    return {row.slice(0, 0, fired), value.slice(0, 0, fired)};
  }
  Tensor firing_counts() const override { return (dense_ > 0).sum(0); }
  Rows ids() const override { return ids_; }
  const std::vector<SequenceInfo>& sequences() const override { return infos_; }
  int64_t letter_offset() const override { return 1; }
  std::string pool() const override { return pool_; }
  std::string key() const override { return "memory"; }

 private:
  Tensor dense_;
  Rows ids_;
  std::vector<SequenceInfo> infos_;
  std::string pool_;
};

}  // namespace facet
