// How often each latent fires: the histogram of the shares, and the table by latent.
#pragma once

#include <facet/measures.h>
#include <facet/plugin.h>

#include <string>

/// Latents by log10 of the share of rows on which they fire: bins of 0.5 from -4 (or lower, when
/// one row is a smaller share) to 0, [a, b) but for the last, which is closed; x is the middle of
/// a bin. Dead latents stand in none.
facet::Plot::Series density_histogram(const facet::LatentCounts& counts, const std::string& name);
/// One row a latent, by number.
facet::Table density_table(const facet::LatentCounts& counts);
/// The `rows` latents that fire most often, ties by number.
facet::Table most_frequent(const facet::LatentCounts& counts, size_t rows);
