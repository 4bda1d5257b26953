// What is above thresholds: each row keeps its own, so that rows stream by.
#include <facet/torch.h>

#include <algorithm>

#include "tensor/screen_rows.h"

namespace facet {
namespace {

constexpr int64_t kMostShare = 8;  // of what rows might keep

}  // namespace

std::optional<Screen::Entries> Screen::choose_above(const at::Tensor& x,
                                                    const at::Tensor& threshold) const {
  const at::Tensor given = x.contiguous(), least = threshold.clamp_min(0).contiguous();
  const int64_t n = x.size(0), m = rows_->exact.size(0);
  // Pre-activations less thresholds stand against 0; what the difference rounds is added.
  const at::Tensor over = b_enc_ - least + 0x1p-22 * (b_enc_.abs() + least);
  const float* bar = least.const_data_ptr<float>();
  Entries out;
  out.start.push_back(0);
  for (int64_t begin = 0; begin < n; begin += kRowsTogether) {
    // A row that may keep all m drops none by itself.
    Rows rows = rows_of(given.narrow(0, begin, std::min(kRowsTogether, n - begin)), m, m);
    rows.bias = over;
    for (Candidates& one : rows.candidates) one.raise(0);
    const auto few = [&](int64_t seen) {
      size_t sum = 0;
      for (const Candidates& one : rows.candidates) sum += one.latents().size();
      return sum <= static_cast<size_t>(rows.size() * seen / kMostShare);
    };
    if (!screen(rows, few)) return std::nullopt;
    const auto [start, latents] = rows.listed();
    if (waiting_) waiting_->bring(latents.data(), static_cast<int64_t>(latents.size()));
    const std::vector<float> exact = worked_out(rows, start, latents);
    for (size_t i = 0; i + 1 < start.size(); ++i) {
      for (auto c = static_cast<size_t>(start[i]); c < static_cast<size_t>(start[i + 1]); ++c) {
        if (exact[c] <= bar[latents[c]]) continue;
        out.latent.push_back(latents[c]);
        out.value.push_back(exact[c]);
      }
      out.start.push_back(static_cast<int64_t>(out.latent.size()));
    }
  }
  return out;
}

}  // namespace facet
