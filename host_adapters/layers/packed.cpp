// Lays out tokens.
#include "packed.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"

namespace facet::layers {

namespace {

/// Tokens begin .. end - 1 without the pads at their end, counted.
int64_t without_pads(const uint8_t* flag, int64_t begin, int64_t end) {
  while (end > begin && (flag[end - 1] & kPad)) --end;
  return end - begin;
}

}  // namespace

Packed::Packed(const Tokens& tokens, std::vector<int64_t> before) : before_(std::move(before)) {
  const Tensor start = tokens.start.to(torch::kCPU, torch::kInt64).contiguous();
  start_.assign(start.data_ptr<int64_t>(), start.data_ptr<int64_t>() + start.numel());
  FACET_ASSERT(!start_.empty() && start_.back() == tokens.id.size(0),
               "Tokens::start does not end at t");
  if (before_.empty()) before_.resize(start_.size() - 1, 0);
  FACET_ASSERT(before_.size() + 1 == start_.size(), "other sequences than in earlier passes");
  length_ = start.diff();
  position_ = torch::arange(start_.back(), torch::kInt64) -
              per_token(start.slice(0, 0, sequences()) - torch::tensor(before_, torch::kInt64));
  const Tensor flag = tokens.flag.to(torch::kCPU).contiguous();
  for (int64_t i = 0; i < sequences(); ++i)
    real_.push_back(without_pads(flag.const_data_ptr<uint8_t>(), begin(i), end(i)));
  ids_.sequence = per_token(tokens.sequence);
  ids_.position = position_.to(torch::kInt32);
  ids_.token = tokens.id.to(torch::kInt32);
  ids_.flag = tokens.flag;
}

int64_t Packed::positions() const {
  int64_t most = 0;
  for (int64_t i = 0; i < sequences(); ++i) most = std::max(most, before(i) + end(i) - begin(i));
  return most;
}

Tensor Packed::per_token(const Tensor& per_sequence) const {
  return per_sequence.repeat_interleave(length_, 0, start_.back());
}

Tensor Packed::residues(int64_t sequence) const {
  const Tensor flag = ids_.flag.slice(0, begin(sequence), end(sequence));
  return flag.bitwise_and(kSpecial).eq(0).nonzero().squeeze(1);
}

Rows Packed::rows(Tensor x) const {
  Rows out = ids_;
  out.x = std::move(x);
  return out;
}

std::vector<Stretch> Packed::stretches(int64_t tokens) const {
  std::vector<Stretch> out(1);
  for (int64_t i = 0; i < sequences(); ++i) {
    if (out.back().end - out.back().begin >= tokens) out.push_back({i, i, begin(i), begin(i)});
    out.back().last = i + 1;
    out.back().end = end(i);
  }
  return out;
}

}  // namespace facet::layers
