// Rows: cutting, selecting and joining activations with what is known of them.
#include "facet/rows.h"

#include <facet/torch.h>

#include "facet/error.h"
#include "tensor/row_members.h"

namespace facet {
namespace {

/// The rows with `change` applied to each member that is there.
template <class Change>
Rows changed(const Rows& rows, const Change& change) {
  Rows out;
  for (const auto member : kRowMembers)
    if ((rows.*member).defined()) out.*member = change(rows.*member);
  return out;
}

}  // namespace

int64_t Rows::size() const {
  for (const auto member : kRowMembers)
    if ((this->*member).defined()) return (this->*member).size(0);
  return 0;
}

Rows Rows::slice(int64_t begin, int64_t end) const {
  return changed(*this, [&](const Tensor& t) { return t.narrow(0, begin, end - begin); });
}

Rows Rows::select(const Tensor& index) const {
  return changed(*this, [&](const Tensor& t) { return t.index_select(0, index.to(t.device())); });
}

Rows Rows::joined(const std::vector<Rows>& parts) {
  FACET_ASSERT(!parts.empty(), "no rows to join");
  Rows out;
  for (const auto member : kRowMembers) {
    if (!(parts.front().*member).defined()) continue;
    std::vector<Tensor> pieces;
    for (const Rows& part : parts) pieces.push_back(part.*member);
    out.*member = at::cat(pieces);
  }
  return out;
}

}  // namespace facet
