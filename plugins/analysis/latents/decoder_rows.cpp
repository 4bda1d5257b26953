// Norms and largest weights of rows of W_dec.
#include "decoder_rows.h"

#include <facet/table.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

DecoderRows::DecoderRows(const facet::Sae& sae)
    : w_dec_(sae.decoder(0).detach().to(torch::kCPU, torch::kFloat32).contiguous()) {}

double DecoderRows::norm(int64_t latent) const {
  return w_dec_[latent].to(torch::kFloat64).norm().item<double>();
}

std::string DecoderRows::emit_dimensions(int64_t latent, int64_t most) const {
  const int64_t d = w_dec_.size(1);
  const float* weight = w_dec_.const_data_ptr<float>() + latent * d;
  std::vector<int64_t> order(static_cast<size_t>(d));
  std::iota(order.begin(), order.end(), 0);
  const auto shown = order.begin() + std::min(most, d);
  std::partial_sort(order.begin(), shown, order.end(), [&](int64_t a, int64_t b) {
    const float size_a = std::abs(weight[a]), size_b = std::abs(weight[b]);
    return size_a != size_b ? size_a > size_b : a < b;
  });
  std::string out;
  for (auto i = order.begin(); i != shown && weight[*i] != 0; ++i)
    out += (out.empty() ? "" : ", ") + std::to_string(*i) + (weight[*i] > 0 ? " (+" : " (") +
           facet::for_eyes(static_cast<double>(weight[*i])) + ")";
  return out;
}
