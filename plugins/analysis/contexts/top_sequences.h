// The sequences in which a latent is strongest, by its largest value there.
#pragma once

#include <facet/plugin.h>

#include <vector>

#include "token_rows.h"

struct TopSequence {
  int64_t sequence = 0;
  float value = 0;       ///< the latent's largest
  int64_t position = 0;  ///< the first where it is
  int64_t active = 0;    ///< rows of the sequence with a value > 0
};

enum class Pads { left_out = 1, included };

/// Of the rows of one latent, values descending: at most `most`, by value, ties by sequence.
std::vector<TopSequence> top_sequences(const facet::CodesReader::Firing& firing,
                                       const TokenRows& tokens, Pads pads, int64_t most);
