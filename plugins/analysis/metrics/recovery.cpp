// Pairs latents with known features.
#include "recovery.h"

#include <facet/torch.h>

#include <cmath>

#include "facet/stats.h"

double mean_matched_cosine(const facet::Sae& sae, const facet::Tensor& dictionary) {
  const auto unit_rows = [](const facet::Tensor& rows) {
    const facet::Tensor wide = rows.detach().cpu().to(torch::kFloat64);
    return wide / wide.norm(2, 1, true).clamp_min(1e-12);
  };
  const facet::Tensor cosine = torch::matmul(unit_rows(sae.decoder(0)), unit_rows(dictionary).t())
                                   .abs();  // [d_sae, features]
  const facet::Tensor flat = cosine.contiguous();
  const double* scores = flat.const_data_ptr<double>();
  const std::vector<int64_t> pairs =
      facet::best_pairing({scores, scores + flat.numel()}, flat.size(0), flat.size(1));
  double sum = 0;
  int64_t count = 0;
  const auto score = cosine.accessor<double, 2>();
  for (size_t latent = 0; latent < pairs.size(); ++latent) {
    if (pairs[latent] < 0) continue;
    sum += score[static_cast<int64_t>(latent)][pairs[latent]];
    ++count;
  }
  return count == 0 ? std::nan("") : sum / static_cast<double>(count);
}
