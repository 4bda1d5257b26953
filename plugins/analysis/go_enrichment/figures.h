// The figures of go_enrichment: how many latents have a term, and what chance gives.
#pragma once

#include <facet/analysis.h>

#include "terms_table.h"

/// by_chance: latents with an enriched term after genes changed places; -1: not tried.
std::vector<facet::Figure> figures_of(const std::vector<LatentTests>& latents,
                                      const Telling& telling, int64_t by_chance);
