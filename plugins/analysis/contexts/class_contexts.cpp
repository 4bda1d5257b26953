// Keeps the strongest contexts of each class.
#include "class_contexts.h"

#include <facet/torch.h>

#include <algorithm>
#include <array>

#include "code_points.h"

using namespace facet;

namespace {

constexpr std::array<const char*, 6> kEnders = {".", "!", "?", "<|end_of_text|>", "\"", "\n"};
constexpr char kNoContext[] = "<|end_of_text|>";
constexpr char kOpen[] = "<ACTIVATED>", kClose[] = "</ACTIVATED>";

// The `most` largest by value, then by text, in the order in which they are listed.
void keep_largest(std::vector<ClassContext>& contexts, size_t most) {
  std::sort(contexts.begin(), contexts.end(), [](const ClassContext& a, const ClassContext& b) {
    return a.value != b.value ? a.value > b.value : a.text > b.text;
  });
  contexts.resize(std::min(contexts.size(), most));
  std::stable_sort(contexts.begin(), contexts.end(),
                   [](const ClassContext& a, const ClassContext& b) {
                     return a.value != b.value ? a.value > b.value : a.text < b.text;
                   });
}

}  // namespace

ClassContexts::ClassContexts(const TokenRows& tokens, const ClassParams& params)
    : tokens_(tokens), params_(params) {}

const ClassContexts::Kind& ClassContexts::kind(int64_t token) const {
  const int32_t id = tokens_.id(token);
  const auto found = kinds_.find(id);
  if (found != kinds_.end()) return found->second;
  const std::string raw = tokens_.raw(id);
  const bool ends = std::find(kEnders.begin(), kEnders.end(), raw) != kEnders.end();
  return kinds_[id] = {lowered(stripped(raw)), ends, raw.empty() || raw == kNoContext};
}

TokenSpan ClassContexts::sentence(int64_t token) const {
  TokenSpan span{token, token + 1, token};
  while (tokens_.follows(span.begin) && !kind(span.begin - 1).ends) --span.begin;
  while (!kind(span.end - 1).ends && tokens_.follows(span.end)) ++span.end;
  if (span.end - span.begin <= params_.context_length) return span;
  const int64_t half = params_.context_length / 2;
  return {std::max(span.begin, token - half), std::min(span.end, token + half + 1), token};
}

ClassMap ClassContexts::of(const CodesReader::Firing& firing, int64_t& above) const {
  const Tensor row = firing.row.contiguous(), value = firing.value.contiguous();  // [f]
  const auto* rows = row.const_data_ptr<int64_t>();
  const auto* values = value.const_data_ptr<float>();
  const auto most = static_cast<size_t>(params_.max_per_token);
  ClassMap out;
  for (above = 0; above < row.numel() && values[above] > params_.threshold; ++above) {
    const int64_t token = tokens_.token_of(rows[above]);
    const Kind& of = kind(token);
    if (of.skipped) continue;
    std::vector<ClassContext>& kept = out[of.name];
    if (kept.size() >= most && values[above] < kept[most - 1].value) continue;
    kept.push_back(
        {values[above], stripped(tokens_.marked(sentence(token), kOpen, kClose)), token});
    if (kept.size() >= 2 * most) keep_largest(kept, most);
  }
  for (auto& [name, kept] : out) keep_largest(kept, most);
  return out;
}
