// What one edit does to the logits of one prompt.
#pragma once

#include <facet/host.h>

#include <cstdint>
#include <vector>

namespace intervene {

/// Where the logits of a prompt are read, and which tokens are followed there.
struct Reading {
  std::vector<int64_t> watch;   ///< vocabulary ids
  std::vector<int64_t> at;      ///< positions whose logits are of the watched tokens
  std::vector<int64_t> infill;  ///< positions that are masked and guessed
};

struct Watched {
  double logit = 0;            ///< change, mean over Reading::at
  double log_probability = 0;  ///< the same of log softmax, nats
};

struct Guess {
  int64_t id = 0;  ///< most likely token, of equals the lowest
  double probability = 0;
};

struct Effect {
  double kl = 0;  ///< KL(host by itself || edited), nats a token; mean over all tokens, or over the
                  ///< infilled ones where there are some
  double largest = 0;            ///< |change| of any logit of any token
  std::vector<Watched> watched;  ///< of Reading::watch
  /// Mean over Reading::watch of log_probability; kl when nothing is watched.
  double shift() const;
};

/// Both [t, vocabulary]; sums in float64.
Effect effect_of(const facet::Tensor& clean, const facet::Tensor& edited, const Reading& reading);
/// At each of Reading::infill.
std::vector<Guess> guesses_of(const facet::Tensor& logits, const Reading& reading);

/// The tokens of a causal host's last position, or of a masked language model's infilled ones.
/// UserError: positions beyond the prompt (number `prompt`); infill where the host reads from left
/// to right or has no mask; watched tokens of a masked language model without infill.
Reading reading_of(const facet::HostInfo& info, const facet::Tokens& tokens, size_t prompt,
                   const std::vector<int64_t>& watch, const std::vector<int64_t>& infill);
/// The prompt with its infilled positions masked.
facet::Tokens masked(const facet::Tokens& tokens, const Reading& reading,
                     const facet::HostInfo& info);

}  // namespace intervene
