// go_latents.tsv: a line for each latent, with the term it is most like.
#pragma once

#include <facet/analysis.h>

#include "terms_table.h"

/// Of the enriched terms of a latent the one with the largest F1, ties by smaller p; nullptr: none.
const facet::TermTest* best_term(const LatentTests& latent);

/// Latents with an enriched term, by the F1 of their best one; those of fewer than kLeastShown
/// genes stand after the others.
std::vector<int64_t> best_latents(const std::vector<LatentTests>& latents);

facet::TableRef write_latents(facet::Context& context, const std::vector<LatentTests>& latents,
                              const Telling& telling, const std::vector<int64_t>& order);
