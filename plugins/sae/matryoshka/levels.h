// Levels: the nested dictionaries of a Matryoshka SAE, and what the error of each weighs.
#pragma once

#include <string>
#include <vector>

#include "batch_sae.h"

namespace facet {

/// sum             errors are added (Bussmann et al. 2025, arXiv:2503.17547, eq. 6; SAELens)
/// mean            their mean over levels (matryoshka_sae c7c5787)
/// mean_of_shares  the mean of errors that each weigh 1 / levels already (dictionary_learning
///                 0.1.0, where level_weights are given)
std::vector<std::string> level_sum_words();

struct MatryoshkaParams : BatchForm {
  std::string compat = "none";
  std::vector<int64_t> widths;
  std::vector<double> fractions = {1.0 / 16, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2};
  std::string level_sum = "sum";
  std::vector<double> level_weights;
  bool bias_level = false;
  bool level_aux = false;
};

struct NestedLevel {
  int64_t width = 0;  ///< latents before it belong to the level; 0: b_dec alone
  double weight = 1;
};

/// By `widths`, to which d_sae is added where it is not the last, or else by `fractions`, of which
/// the last level has what is left of d_sae; the widest is the last.
std::vector<NestedLevel> levels_of(const MatryoshkaParams& p);
/// "" or what is wrong with widths, fractions or level_weights.
std::string problem_of_levels(const MatryoshkaParams& p);

}  // namespace facet
