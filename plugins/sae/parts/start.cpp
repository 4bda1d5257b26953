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

std::vector<std::string> decoder_start_words() { return {"encoder", "zero"}; }

namespace {

// [m, d], as the word says.
Tensor drawn_rows(const std::string& word, int64_t d, int64_t m, double norm, Init& init) {
  if (word == "decoder") return init.uniform({m, d}, norm);
  const auto width = static_cast<double>(d), latents = static_cast<double>(m);
  const std::map<std::string, double> square_of_bound = {{"width", 1 / width},
                                                         {"latents", 1 / latents},
                                                         {"kaiming_latents", 6 / latents},
                                                         {"xavier", 6 / (width + latents)}};
  return init.uniform_within({m, d}, std::sqrt(square_of_bound.at(word)));
}

}  // namespace

StartWeights start_weights(const StartForm& form, const Shape& shape, int64_t m, Init& init) {
  const Tensor encoder = drawn_rows(form.encoder, shape.d_in, m, form.decoder_norm, init);
  StartWeights out{encoder.t(), encoder};
  if (shape.d_in != shape.d_out)
    out.w_dec = drawn_rows(form.encoder, shape.d_out, m, form.decoder_norm, init);
  if (form.decoder == "zero") {
    out.w_dec = at::zeros_like(out.w_dec);
  } else if (form.encoder != "decoder" && form.decoder_norm != 0) {
    Tensor rows = out.w_dec.clone();
    ops::normalise_rows(rows, 0);
    out.w_dec = rows * form.decoder_norm;
  }
  return out;
}

std::vector<std::string> b_dec_words() { return {"zero", "mean", "geometric_median"}; }

void start_b_dec(const std::string& word, const Tensor& rows, Tensor& b_dec) {
  const at::NoGradGuard no_grad;
  if (word == "mean") b_dec.copy_(rows.mean(0));
  if (word == "geometric_median") b_dec.copy_(geometric_median(rows));
}

}  // namespace facet
