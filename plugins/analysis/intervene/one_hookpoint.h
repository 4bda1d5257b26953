// An SAE of one hookpoint on one prompt: what it codes there, and its latents' directions.
#pragma once

#include <facet/analysis.h>

#include <string>
#include <vector>

namespace intervene {

/// Rows of W_dec for `latents` at output hookpoint number `output`, [latents, d] float32 in the
/// host's units; as they are where the normaliser looks at each row by itself.
facet::Tensor decoder_rows(const facet::Sae& sae, const facet::Normaliser& normaliser,
                           const std::vector<int64_t>& latents, int64_t output, int64_t hookpoint);

/// The hookpoint that an SAE of one writes to. UserError "ANALYSIS: this SAE reads ..." where there
/// are several.
std::string one_hookpoint(const std::string& analysis, const facet::Place& place);

/// The SAE at every token of one prompt, its gradients left out.
struct Coded {
  facet::Tensor h;       ///< [t, d] float32: what it should reconstruct, in the host's units
  facet::Codes codes;    ///< of t rows
  facet::Tensor output;  ///< [t, 1, d]: what it reconstructs, in its own units
  facet::Stats stats;    ///< by which the normaliser takes that back
};
Coded coded(facet::HostModel& host, facet::Sae& sae, const facet::Normaliser& normaliser,
            const facet::Place& place, const facet::Tokens& tokens);

/// Which of `length` tokens -1 or a position from 0 means; UserError when beyond prompt number
/// `prompt`.
int64_t position_in(const std::string& analysis, int64_t position, int64_t length, size_t prompt);

}  // namespace intervene
