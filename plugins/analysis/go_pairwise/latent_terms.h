// The terms of each latent and namespace, between which distances are measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "facet/ontology.h"
#include "term_table.h"

/// The terms of one latent in one namespace, in the order of the table.
struct TermGroup {
  struct Member {
    int32_t term = 0;
    double weight = 0;  ///< min(-log10 p, cap); the cap where p is 0
  };
  int64_t latent = 0;
  facet::Aspect aspect = facet::Aspect::process;
  std::vector<Member> members;
};

struct TermChoice {
  double alpha = 0.05;    ///< terms with p < alpha stay
  double cap = 50;        ///< of -log10 p
  bool purified = true;   ///< terms that are less frequent stay, too
  int64_t max_terms = 0;  ///< of a group, those of smallest p, the first of equal ones; 0: all
};

struct LatentTerms {
  std::vector<TermGroup> groups;  ///< by latent, then namespace, none empty
  std::vector<int32_t> used;      ///< all terms that the table names, whatever their p; ascending
  std::vector<facet::PassedOver> left_out;  ///< rows that are in no group
  int64_t unknown = 0;                      ///< rows of terms that the ontology has not
};

/// Alternative ids become main ones; a term that stands twice for a latent counts once, with its
/// smallest p at its first place.
LatentTerms latent_terms(const std::vector<EnrichedTerm>& table, const facet::Ontology& ontology,
                         const TermChoice& choice);
