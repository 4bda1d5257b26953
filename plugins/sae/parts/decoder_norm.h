// DecoderNorm: when the rows of W_dec are set to norm 1, and whether their gradient is projected.
#pragma once

#include <string>
#include <vector>

#include "facet/sae.h"

namespace facet {

/// never           SAELens, whose losses see the norms; Rep_SAEs_PLMs
/// after_step      dictionary_learning, InterPLM; every n-th step: RouteSAE
/// after_backward  BatchTopK originals, OpenAI, InterProt, SAE_Helix_mRNA: before the gradient is
///                 projected and the optimiser steps
/// before_pass     sparsify, OpenSAE: before each pass of the training
std::vector<std::string> decoder_norm_words();
/// rows, columns
std::vector<std::string> decoder_norm_over_words();

struct DecoderNorm {
  std::string when = "after_step";
  int64_t every = 1;          ///< steps; of after_step
  bool project = true;        ///< take from each row's gradient its part along the row
  std::string over = "rows";  ///< columns: of all latents in one dimension of the host (InterProt)
  int64_t first = 0;          ///< step, from 0; of after_step

  /// To be called from the hooks of an Sae; `step` is that of losses().
  /// source: dictionary_learning 0.1.0, trainers/trainer.py (both guards against 0)
  void before_pass(Tensor& w_dec) const;
  void after_backward(Tensor& w_dec) const;
  void after_step(Tensor& w_dec, int64_t step) const;

 private:
  void normalise(Tensor& w_dec) const;
};

/// [m]: the norms of the rows of W_dec, at least 1e-8 as in SAELens, and constants.
Tensor row_norms(const Tensor& w_dec);

}  // namespace facet
