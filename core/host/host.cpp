// What every host shares: finding hookpoints by name and composing edits.
#include "facet/host.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"

namespace facet {

HostModel::~HostModel() = default;
Decoding::~Decoding() = default;

std::unique_ptr<Decoding> HostModel::decoding() { return nullptr; }
std::optional<Unembedding> HostModel::unembedding() { return std::nullopt; }

std::string HostModel::text(std::span<const int64_t> ids) const {
  const std::vector<std::string>& tokens = info().tokens;
  std::string out;
  for (const int64_t id : ids) {
    FACET_ASSERT(id >= 0 && id < static_cast<int64_t>(tokens.size()),
                 info().type + " lists no token " + std::to_string(id));
    out += tokens[static_cast<size_t>(id)];
  }
  return out;
}

int64_t Tokens::sequences() const { return start.size(0) - 1; }

Tokens Tokens::of(int64_t i) const {
  const int64_t begin = start[i].item<int64_t>(), end = start[i + 1].item<int64_t>();
  return {id.slice(0, begin, end), torch::tensor({int64_t{0}, end - begin}, torch::kInt64),
          sequence.slice(0, i, i + 1), flag.slice(0, begin, end)};
}

Tokens Tokens::joined(const std::vector<Tokens>& parts) {
  FACET_ASSERT(!parts.empty(), "no tokens to join");
  std::vector<Tensor> id, start = {torch::zeros({1}, torch::kInt64)}, sequence, flag;
  int64_t tokens = 0;
  for (const Tokens& part : parts) {
    id.push_back(part.id);
    start.push_back(part.start.slice(0, 1) + tokens);
    sequence.push_back(part.sequence);
    flag.push_back(part.flag);
    tokens += part.id.size(0);
  }
  return {torch::cat(id), torch::cat(start), torch::cat(sequence), torch::cat(flag)};
}

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
