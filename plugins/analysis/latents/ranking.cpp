// Orders latents.
#include "ranking.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <tuple>

double telling(const LatentSummary& latent, double decoder_norm, int64_t sequences) {
  if (latent.sequences == 0) return 0;
  return latent.mean * decoder_norm *
         std::log(static_cast<double>(sequences) / static_cast<double>(latent.sequences));
}

bool is_dense(const LatentSummary& latent, int64_t rows, double max_frequency) {
  return static_cast<double>(latent.rows) > max_frequency * static_cast<double>(rows);
}

std::vector<size_t> ranked(const std::vector<LatentSummary>& latents, const Order& order,
                           int64_t rows) {
  const bool by_telling = order.order == "telling";
  const auto group = [&](const LatentSummary& latent) {
    if (is_dense(latent, rows, order.max_frequency)) return 2;
    return by_telling && latent.sequences < order.least_sequences ? 1 : 0;
  };
  const auto place = [&](size_t i) {
    return std::make_tuple(group(latents[i]), by_telling ? -latents[i].telling : 0.0,
                           -latents[i].rows);
  };
  std::vector<size_t> out;
  for (size_t i = 0; i < latents.size(); ++i)
    if (latents[i].rows > 0) out.push_back(i);
  std::stable_sort(out.begin(), out.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
  return out;
}
