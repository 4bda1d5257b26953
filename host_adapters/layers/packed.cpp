// Lays out tokens and calls hooks.
#include "packed.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"

namespace facet::layers {

Packed::Packed(const Tokens& tokens) {
  const Tensor start = tokens.start.to(torch::kCPU, torch::kInt64).contiguous();
  start_.assign(start.data_ptr<int64_t>(), start.data_ptr<int64_t>() + start.numel());
  FACET_ASSERT(!start_.empty() && start_.back() == tokens.id.size(0), "Tokens::start does not end at t");
  length_ = start.diff();
  position_ = torch::arange(start_.back(), torch::kInt64) - per_token(start.slice(0, 0, sequences()));
  ids_.sequence = per_token(tokens.sequence);
  ids_.position = position_.to(torch::kInt32);
  ids_.token = tokens.id.to(torch::kInt32);
  ids_.flag = tokens.flag;
}

int64_t Packed::longest() const {
  int64_t most = 0;
  for (int64_t i = 0; i < sequences(); ++i) most = std::max(most, end(i) - begin(i));
  return most;
}

Tensor Packed::per_token(const Tensor& per_sequence) const {
  return per_sequence.repeat_interleave(length_, 0, start_.back());
}

Rows Packed::rows(Tensor x) const {
  Rows out = ids_;
  out.x = std::move(x);
  return out;
}

Walk::Walk(const HostInfo& info, std::span<const Hook> hooks, Want want, const Packed& packed)
    : info_(info),
      hooks_(hooks),
      packed_(packed),
      want_logits_(want.logits),
      last_(last_hooked(info, hooks)) {
  if (want.attention) throw UserError(info.type + ": attention maps are not offered by this host");
}

Tensor Walk::visit(const Tensor& x) {
  const HookPoint& point = info_.points.at(static_cast<size_t>(next_++));
  return apply_hooks(hooks_, point.name, packed_.rows(x));
}

}  // namespace facet::layers
