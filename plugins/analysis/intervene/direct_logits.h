// Direct logit attribution: which parts of a row, and which latents, speak for a token.
#pragma once

#include <string>
#include <vector>

#include "one_hookpoint.h"

namespace intervene {

/// A logit as a sum. The final norm's divisor is held at what it is.
struct LogitParts {
  double latents = 0;       ///< sum over the active latents
  double error = 0;         ///< what the SAE leaves over
  double bias = 0;          ///< its b_dec, what its normaliser adds back, and the final norm's bias
  double later_blocks = 0;  ///< the rest of the last block's row: all that is not of the hookpoint
  double logit = 0;         ///< as the host says it
  double total() const { return latents + error + bias + later_blocks; }
};

struct Contribution {
  int64_t latent = 0;
  double activation = 0;
  std::vector<double> logits;  ///< of each token that was asked for
};

/// How a vocabulary takes one direction.
struct Taken {
  std::vector<std::pair<int64_t, double>> top, bottom;  ///< id and value, most extreme first
  double mean = 0, std = 0, skew = 0, kurtosis = 0;     ///< population's; a normal kurtosis is 3
};
enum class Reads { plain = 1, norm_weight };

class DirectLogits {
 public:
  /// UserError "logit_attribution: ...": no unembedding; several hookpoints; a hookpoint behind the
  /// final norm.
  DirectLogits(facet::HostModel& host, facet::Sae& sae, const facet::Normaliser& normaliser,
               facet::Place place);

  struct At {
    double divisor = 0;                 ///< of the final norm
    std::vector<LogitParts> parts;      ///< of each token
    std::vector<Contribution> latents;  ///< that are active, ascending
  };
  /// At one position of one prompt, for vocabulary ids. The parts add up to the logit, but for the
  /// rounding of the host's dtype; a host where they do not is a Bug.
  At at(const facet::Tokens& tokens, int64_t position, const std::vector<int64_t>& ids);

  /// Of the latent's row w of W_dec: plain is w U^T, norm_weight (w gain) U^T, less its mean first
  /// where the norm centres. Ties by id.
  Taken taken(int64_t latent, Reads reads, int64_t top) const;

 private:
  // Of one token, on the CPU: what the last block leaves, [1, d] float64, and the logits of ids.
  struct Read {
    facet::Tensor end, logits;
    bool is_float32 = true;
  };
  Read read(const facet::Tokens& tokens, int64_t position, const std::vector<int64_t>& ids);
  // Of one token, in the host's units, float64: what each active latent writes [k, d], the whole
  // reconstruction and the row itself [1, d].
  struct Written {
    facet::Tensor latent, activation;  // [k]
    facet::Tensor each, all, h;
  };
  Written written(const Coded& seen, int64_t position) const;
  facet::Tensor normed(const facet::Tensor& rows) const;
  facet::Tensor vocabulary(const std::vector<int64_t>& ids) const;

  facet::HostModel& host_;
  facet::Sae& sae_;
  const facet::Normaliser& normaliser_;
  facet::Place place_;
  facet::Unembedding unembedding_;
  std::string last_;  ///< the last block's hookpoint
};

}  // namespace intervene
