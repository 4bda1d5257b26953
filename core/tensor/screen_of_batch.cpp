// The largest of all rows together: what one row keeps depends on the others, so that rows share
// their bar, and nothing is worked out before the last of them has been screened.
#include <facet/torch.h>

#include <algorithm>
#include <functional>

#include "tensor/screen_rows.h"
#include "tensor/select.h"

namespace facet {
namespace {

// Where the largest `count` of these are, and above 0: ascending.
std::vector<size_t> places_of_largest(const std::vector<float>& values, int64_t count) {
  std::vector<int32_t> keys;
  keys.reserve(values.size());
  for (const float v : values) keys.push_back(selection_key(v));
  const int32_t zero = selection_key(0);
  int32_t least = zero;  // entries are above it, or among the first that are equal to it
  int64_t equal = 0;
  if (count < static_cast<int64_t>(keys.size())) {
    std::vector<int32_t> sorted = keys;
    const auto nth = sorted.begin() + std::max<int64_t>(count, 1) - 1;
    std::nth_element(sorted.begin(), nth, sorted.end(), std::greater<>());
    least = std::max(least, *nth);
    equal =
        count - std::count_if(keys.begin(), keys.end(), [&](int32_t key) { return key > least; });
  }
  std::vector<size_t> out;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] < least || keys[i] == zero) continue;
    if (keys[i] == least && equal-- <= 0) continue;
    out.push_back(i);
  }
  return out;
}

}  // namespace

std::optional<Screen::Entries> Screen::choose_of_batch(const at::Tensor& x, int64_t count) const {
  const at::Tensor given = x.contiguous();
  const int64_t n = x.size(0), m = rows_->exact.size(0);
  // So many are held before the bar rises, and at most so many are left then.
  const auto full = static_cast<size_t>(2 * count + kRowsTogether * kStep), most = full / 2 * 3;
  std::vector<Rows> parts;
  float bar = 0;
  const auto for_each_row = [&](const auto& body) {
    for (Rows& part : parts)
      for (Candidates& one : part.candidates) body(one);
  };
  size_t before = 0;  // held in the parts before the last
  const auto held = [&] {
    size_t sum = before;
    for (const Candidates& one : parts.back().candidates) sum += one.latents().size();
    return sum;
  };
  const auto raise = [&] {
    std::vector<float> lower;
    for_each_row([&](const Candidates& one) {
      for (const float bound : one.lower())
        if (bound > bar) lower.push_back(bound);
    });
    if (count > 0 && static_cast<int64_t>(lower.size()) >= count) {
      const auto nth = lower.begin() + count - 1;
      std::nth_element(lower.begin(), nth, lower.end(), std::greater<>());
      bar = *nth;
    }
    before = 0;
    for_each_row([&](Candidates& one) { one.raise(bar); });
    for (size_t p = 0; p + 1 < parts.size(); ++p)
      for (const Candidates& one : parts[p].candidates) before += one.latents().size();
  };
  bool too_many = false;
  for (int64_t begin = 0; begin < n && !too_many; begin += kRowsTogether) {
    const int64_t some = std::min(kRowsTogether, n - begin);
    if (!parts.empty()) before = held();
    // A row that may keep all m drops none by itself.
    parts.push_back(rows_of(given.narrow(0, begin, some), m, m));
    for (Candidates& one : parts.back().candidates) one.raise(bar);
    too_many = !screen(parts.back(), [&](int64_t) {
      if (held() < full) return true;
      raise();
      return held() <= most;
    });
  }
  counts().rows += n;
  counts().dense += too_many ? n : 0;
  if (too_many) return std::nullopt;
  Entries out;
  out.start.push_back(0);
  std::vector<float> values;
  std::vector<int32_t> latents;
  std::vector<int64_t> ends;  // of each row's candidates
  if (!parts.empty()) raise();
  for (const Rows& part : parts) {
    const auto [start, of_part] = part.listed();
    for (size_t i = 1; i < start.size(); ++i)
      ends.push_back(static_cast<int64_t>(latents.size()) + start[i]);
    if (waiting_) waiting_->bring(of_part.data(), static_cast<int64_t>(of_part.size()));
    const std::vector<float> exact = worked_out(part, start, of_part);
    values.insert(values.end(), exact.begin(), exact.end());
    latents.insert(latents.end(), of_part.begin(), of_part.end());
  }
  size_t row = 0;
  for (const size_t i : places_of_largest(values, count)) {
    for (; static_cast<int64_t>(i) >= ends[row]; ++row)
      out.start.push_back(static_cast<int64_t>(out.latent.size()));
    out.latent.push_back(latents[i]);
    out.value.push_back(values[i]);
  }
  out.start.resize(static_cast<size_t>(n) + 1, static_cast<int64_t>(out.latent.size()));
  return out;
}

}  // namespace facet
