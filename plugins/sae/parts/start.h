// What b_dec is before the first step.
#pragma once

#include <string>
#include <vector>

#include "facet/sae.h"

namespace facet {

/// zero, mean, geometric_median
std::vector<std::string> b_dec_words();
/// Sets b_dec [d] from the rows [n, d] of the first batch.
void start_b_dec(const std::string& word, const Tensor& rows, Tensor& b_dec);

}  // namespace facet
