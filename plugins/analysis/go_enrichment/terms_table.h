// go_terms.tsv: a line for each latent and significant term.
#pragma once

#include <facet/analysis.h>

#include "tests.h"

/// How alike a latent's genes and a term's are: 2 k / (n + K), the harmonic mean of precision k / n
/// and recall k / K.
double f1(const facet::TermTest& row);

/// What the tables say of genes and terms.
struct Telling {
  const Genes& genes;
  const Input& input;
  const GoParams& params;
};

/// How well a latent ranks the units that have the term of `row`.
facet::RankTest ranks(const Genes& genes, const Input& input, int64_t latent,
                      const facet::TermTest& row);

/// Writes the table, some latents at a time; its head are the rows of `first`.
facet::TableRef write_terms(facet::Context& context, const std::vector<LatentTests>& latents,
                            const Telling& telling, const std::vector<int64_t>& first);
