// Bodies of the terms.
#include "terms.h"

#include <facet/torch.h>

#include "facet/error.h"
#include "ranks.h"

namespace facet {

std::vector<std::string> error_words() {
  return {"mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column"};
}

Tensor column_variance(const Tensor& rows, const Step& step) {
  const Tensor mean = over_ranks(step, rows.sum(0)) / rows_of_ranks(step, rows);  // [d]
  return over_ranks(step, (rows - mean).square().sum(0));
}

Loss error_term(const std::string& word, const Pass& pass, const Step& step) {
  const Tensor square = (pass.output - pass.target).square().sum({1, 2});  // [n]
  if (word == "mse") return {word, mean_of_rows(step, square)};
  const auto width = static_cast<double>(pass.target.size(1) * pass.target.size(2));
  if (word == "mse_by_element") return {word, mean_of_rows(step, square) / width};
  if (word == "nmse") return {word, mean_of_rows(step, square / pass.target.square().sum({1, 2}))};
  if (word == "l2_loss")
    return {word, mean_of_rows(step, (pass.output - pass.target).flatten(1).norm(2, {1}))};
  const Tensor variance = column_variance(pass.target.flatten(1), step);
  if (word == "fvu") return {word, over_ranks(step, square.sum()) / variance.sum()};
  FACET_ASSERT(word == "fvu_by_column", "no error term \"" + word + "\"");
  const Tensor by_column = (pass.output - pass.target).flatten(1).square().sum(0);
  return {word, (over_ranks(step, by_column) / variance.clamp_min(1)).mean()};
}

namespace {

// W_dec [m, d] or [m, points, d]: [m], summed over hookpoints.
Tensor norms_of_latents(const Tensor& w_dec) {
  const Tensor norms = w_dec.norm(2, {-1});
  return norms.dim() == 1 ? norms : norms.sum(1);
}

}  // namespace

std::vector<std::string> l1_words() { return {"l1", "l1_weighted", "l1_by_element"}; }

Loss l1_term(const std::string& word, double coefficient, const Tensor& z, const Tensor& w_dec,
             const Step& step, const Tensor& sums) {
  if (word == "l1_weighted")
    return {word, mean_of_rows(step, z.matmul(norms_of_latents(w_dec))) * coefficient, true};
  const Tensor sum = mean_of_rows(step, sums.defined() ? sums : z.sum(1));
  if (word == "l1") return {word, sum * coefficient, true};
  FACET_ASSERT(word == "l1_by_element", "no sparsity term \"" + word + "\"");
  return {word, sum * (coefficient / static_cast<double>(z.size(1))), true};
}

}  // namespace facet
