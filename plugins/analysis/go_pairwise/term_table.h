// Tables of enriched terms: which terms a latent has, with their p-values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct EnrichedTerm {
  int64_t latent = 0;
  std::string term;      ///< as written, an alternative id perhaps
  double p = 1;          ///< corrected
  bool enriched = true;  ///< false: the table's column "enrichment" says that it is purified
};

/// Reads a table with tabs, or with commas and quotes as pandas writes it. Columns are found by
/// name: "latent" or "Feature"; "GO" or "Term"; "pvalues" or the first that begins with "p_" after
/// p_uncorrected; "enrichment" (e or p) where there is one. Others are passed over.
///
/// name    stands in messages: "name:line: ..."
/// throws  UserError for a missing column, a line of another length, a latent that is no number
///         from 0, and a p outside [0, 1]; all of them together, ten at most.
std::vector<EnrichedTerm> parse_terms(const std::string& text, const std::string& name);

/// The same of a file, or of all files "feature12_goe.csv" of a folder by their numbers.
std::vector<EnrichedTerm> load_terms(const std::filesystem::path& path);
