// What every host shares: finding hookpoints by name and composing edits.
#include "facet/host.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"

namespace facet {

HostModel::~HostModel() = default;
Decoding::~Decoding() = default;

std::unique_ptr<Decoding> HostModel::decoding() { return nullptr; }

size_t hookpoint_index(const HostInfo& info, const std::string& name) {
  std::vector<std::string> known;
  for (size_t i = 0; i < info.points.size(); ++i) {
    const HookPoint& point = info.points[i];
    if (name == point.name || (!point.alias.empty() && name == point.alias)) return i;
    known.push_back(point.name);
    if (!point.alias.empty()) known.push_back(point.alias);
  }
  throw UserError(info.type + ": no hookpoint \"" + name + "\"" + did_you_mean(name, known));
}

Tensor apply_hooks(std::span<const Hook> hooks, const std::string& point, Rows rows) {
  for (const Hook& hook : hooks) {
    if (hook.point != point) continue;
    Tensor edited = hook.edit(rows);
    FACET_ASSERT(edited.defined() && edited.sizes() == rows.x.sizes(),
                 "an edit at " + point + " changed the shape of the rows");
    rows.x = std::move(edited);
  }
  return rows.x;
}

int64_t last_hooked(const HostInfo& info, std::span<const Hook> hooks) {
  int64_t last = -1;
  for (const Hook& hook : hooks)
    last = std::max(last, static_cast<int64_t>(hookpoint_index(info, hook.point)));
  return last;
}

}  // namespace facet
