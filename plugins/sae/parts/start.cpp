// Bodies of the start.
#include "start.h"

#include <facet/torch.h>

#include <cmath>
#include <map>

#include "facet/ops.h"
#include "geometric_median.h"

namespace facet {

std::vector<std::string> encoder_start_words() {
  return {"decoder", "width", "latents", "kaiming_latents", "xavier"};
}

StartWeights start_weights(const std::string& word, int64_t d, int64_t m, double decoder_norm,
                           Init& init) {
  if (word == "decoder") {
    const Tensor w_dec = init.uniform({m, d}, decoder_norm);
    return {w_dec.t(), w_dec};
  }
  const auto width = static_cast<double>(d), latents = static_cast<double>(m);
  const std::map<std::string, double> square_of_bound = {{"width", 1 / width},
                                                         {"latents", 1 / latents},
                                                         {"kaiming_latents", 6 / latents},
                                                         {"xavier", 6 / (width + latents)}};
  const Tensor drawn = init.uniform_within({m, d}, std::sqrt(square_of_bound.at(word)));
  if (decoder_norm == 0) return {drawn.t(), drawn};
  Tensor w_dec = drawn.clone();
  ops::normalise_rows(w_dec, 0);
  return {drawn.t(), w_dec * decoder_norm};
}

std::vector<std::string> b_dec_words() { return {"zero", "mean", "geometric_median"}; }

void start_b_dec(const std::string& word, const Tensor& rows, Tensor& b_dec) {
  const at::NoGradGuard no_grad;
  if (word == "mean") b_dec.copy_(rows.mean(0));
  if (word == "geometric_median") b_dec.copy_(geometric_median(rows));
}

}  // namespace facet
