// Terms of each row, added by sequence.
#include "train/row_sums.h"

#include <facet/torch.h>

#include <cmath>

namespace facet {
namespace {

// SAELens' norm below which a row's ratio of norms is not relative (evals.py, 6.54).
constexpr double kShort = 1e-4;

// The columns before kActive of each row: [n, kActive]. x, x_hat, shifted [n, d] float64.
Tensor reconstruction_terms(const Tensor& x, const Tensor& x_hat, const Tensor& shifted) {
  const Tensor error = (x - x_hat).square().sum(1);                               // [n]
  const Tensor energy = x.square().sum(1), energy_hat = x_hat.square().sum(1);    // [n]
  const Tensor norm = energy.sqrt(), norm_hat = energy_hat.sqrt();                // [n]
  const Tensor product = (x * x_hat).sum(1);                                      // [n]
  const Tensor from_mean = (shifted - shifted.mean(0)).square().sum(1);           // [n]
  const Tensor nonzero = energy > 0, both = nonzero.logical_and(energy_hat > 0);  // [n] bool
  const Tensor varies = from_mean > 0;                                            // [n] bool
  const Tensor zero = torch::zeros({}, x.options());
  return torch::stack({torch::ones_like(energy), error, error.sqrt(), energy, energy_hat, norm,
                       norm_hat, product, torch::where(norm < kShort, norm_hat, norm_hat / norm),
                       torch::where(nonzero, error / energy, zero), nonzero.to(torch::kFloat64),
                       torch::where(both, product / (norm * norm_hat), zero),
                       both.to(torch::kFloat64), torch::where(varies, 1 - error / from_mean, zero),
                       varies.to(torch::kFloat64), shifted.square().sum(1)},
                      1);
}

// Fills the columns from kActive on of row `row`; those before are there.
void add_code_terms(const RowSums::Block& block, int64_t row, const double* decoder_norm,
                    Sums& terms) {
  const Codes& codes = block.codes;
  const auto* start = codes.start.const_data_ptr<int64_t>();
  const auto* latent = codes.latent.const_data_ptr<int32_t>();
  const auto* value = codes.value.const_data_ptr<float>();
  for (size_t column = kActive; column < kColumns; ++column) terms[column] = 0;
  for (int64_t e = start[row]; e < start[row + 1]; ++e) {
    const double size = std::abs(static_cast<double>(value[e]));
    terms[kActive] += value[e] > 0;
    terms[kNonzeroCodes] += value[e] != 0;
    terms[kL1] += size;
    terms[kL1Weighted] += size * decoder_norm[latent[e]];
  }
  terms[kActiveShare] = terms[kActive] / static_cast<double>(codes.d_sae);
  terms[kL1Share] = terms[kL1] / static_cast<double>(codes.d_sae);
  const double norm = block.input_norm.const_data_ptr<double>()[row];
  if (norm > 0) terms[kL1OverNorm] = terms[kL1] / norm, terms[kInputs] = 1;
}

}  // namespace

RowSums::RowSums(Tensor decoder_norm, size_t most_groups)
    : decoder_norm_(decoder_norm.contiguous()), most_groups_(most_groups) {}

void RowSums::add(const Block& block) {
  const Tensor x = block.x.to(torch::kFloat64), x_hat = block.x_hat.to(torch::kFloat64);
  const int64_t n = x.size(0), d = x.size(1);
  if (n == 0) return;
  if (groups_.empty()) {
    centre_ = x.mean(0);
    groups_.emplace_back(kColumns + static_cast<size_t>(d), most_groups_);
  }
  const Tensor shifted = x - centre_;
  add_columns(shifted, x - x_hat);
  const Tensor terms = reconstruction_terms(x, x_hat, shifted).cpu().contiguous();  // [n, kActive]
  const Tensor tail = shifted.cpu().contiguous();                                   // [n, d]
  const auto* group = block.sequence.const_data_ptr<int64_t>();
  Sums all(kColumns + static_cast<size_t>(d));
  for (int64_t row = 0; row < n; ++row) {
    const double* first = terms.const_data_ptr<double>() + row * static_cast<int64_t>(kActive);
    std::copy(first, first + kActive, all.begin());
    add_code_terms(block, row, decoder_norm_.const_data_ptr<double>(), all);
    const double* last = tail.const_data_ptr<double>() + row * d;
    std::copy(last, last + d, all.begin() + kColumns);
    groups_.front().add(group[row], all.data());
  }
  rows_ += n;
}

void RowSums::add_columns(const Tensor& shifted, const Tensor& error) {
  const std::pair<Tensor*, Tensor> sums[] = {{&shifted_, shifted.sum(0)},
                                             {&shifted_squared_, shifted.square().sum(0)},
                                             {&error_, error.sum(0)},
                                             {&error_squared_, error.square().sum(0)}};
  for (const auto& [sum, block] : sums) *sum = sum->defined() ? *sum + block : block;
}

// Sum over rows of the squared distance to the mean, by column.
Tensor RowSums::spread_of(const Tensor& sum, const Tensor& square) const {
  return square - sum.square() / static_cast<double>(rows_);
}

double RowSums::centred_explained_variance() const {
  return 1.0 -
         (spread_of(error_, error_squared_).sum() / spread_of(shifted_, shifted_squared_).sum())
             .item<double>();
}

double RowSums::nmse_by_column() const {
  const Tensor spread = spread_of(shifted_, shifted_squared_).clamp_min(1.0);
  return (error_squared_ / spread).mean().item<double>();
}

}  // namespace facet
