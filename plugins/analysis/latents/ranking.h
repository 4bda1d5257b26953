// Which latents a reader should see first.
#pragma once

#include <string>
#include <vector>

#include "firing_rows.h"

/// How much a latent tells of the sequences in which it fires: strength * ln(sequences / those in
/// which it fires), where strength is its mean value where it fires times the norm of its row of
/// W_dec, so that latents of any scale compare. High: fires in few sequences, and strongly there. 0
/// for a latent that never fires, or in every sequence.
/// source  ours; the logarithm is the inverse document frequency of Sparck Jones 1972.
double telling(const LatentSummary& latent, double decoder_norm, int64_t sequences);

/// How latents are ordered: the fields of the analysis of these names.
struct Order {
  std::string order = "telling";
  int64_t least_sequences = 5;
  double max_frequency = 0.1;
};

/// Places in `latents` of those that fire, best first. A dense latent stands after all others. By
/// "telling", one that fires in fewer than least_sequences sequences stands between: it cannot show
/// what sequences have in common. By "frequency", the most frequent stand first. Ties by frequency,
/// then by number.
std::vector<size_t> ranked(const std::vector<LatentSummary>& latents, const Order& order,
                           int64_t rows);

/// Whether it fires on a larger share of `rows` than max_frequency.
bool is_dense(const LatentSummary& latent, int64_t rows, double max_frequency);
