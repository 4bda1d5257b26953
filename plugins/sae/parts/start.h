// What weights and b_dec are before the first step.
#pragma once

#include <string>
#include <vector>

#include "facet/sae.h"

namespace facet {

/// decoder         W_enc is W_dec transposed, whose rows are uniform and have decoder_init_norm
///                 (SAELens, dictionary_learning, InterPLM)
/// width           W_enc is uniform between -1 / sqrt(d) and 1 / sqrt(d) (RouteSAE, sparsify,
///                 OpenSAE, OpenAI)
/// latents         the same with m for d (Rep_SAEs_PLMs, InterProt)
/// kaiming_latents between -sqrt(6 / m) and sqrt(6 / m) (BatchTopK originals)
/// xavier          between -sqrt(6 / (d + m)) and sqrt(6 / (d + m)) (SAE_Helix_mRNA)
///
/// But for `decoder`, W_dec is W_enc transposed, its rows then set to decoder_init_norm unless that
/// is 0. Where input and target differ in width the two are drawn one after the other.
std::vector<std::string> encoder_start_words();
/// encoder: as above; zero: W_dec is 0.
std::vector<std::string> decoder_start_words();
struct StartForm {
  std::string encoder, decoder;  ///< one word of each list
  double decoder_norm = 1;
};
struct StartWeights {
  Tensor w_enc, w_dec;  // [d_in, m], with the strides of [m, d_in] transposed; [m, d_out]
};
StartWeights start_weights(const StartForm& form, const Shape& shape, int64_t m, Init& init);

/// zero, mean, geometric_median
std::vector<std::string> b_dec_words();
/// Sets b_dec [d] from the rows [n, d] of the first batch.
void start_b_dec(const std::string& word, const Tensor& rows, Tensor& b_dec);

}  // namespace facet
