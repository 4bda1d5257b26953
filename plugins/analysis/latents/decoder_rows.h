// What a latent writes into the row: its row of W_dec.
#pragma once

#include <facet/sae.h>

#include <string>
#include <vector>

class DecoderRows {
 public:
  /// Of output point 0.
  explicit DecoderRows(const facet::Sae& sae);

  double norm(int64_t latent) const;
  /// "17 (+0.42), 203 (-0.31)": the `most` dimensions of largest |weight|, from 0, ties by
  /// number; dimensions of weight 0 are left out.
  std::string emit_dimensions(int64_t latent, int64_t most) const;

 private:
  facet::Tensor w_dec_;  // [d_sae, d] float32 on the CPU
};
