// Running figures of reconstruction: blocks are merged without losing digits.
#include "reconstruction.h"

#include <facet/torch.h>

namespace {

// Places in the tensor of sums.
enum Sum { kError = 0, kRelativeError, kNonzeroRows, kCosine, kCosineRows, kActive };

// SAELens' limit below which rows count as constant (evals.py, 6.45.1).
constexpr double kNoVariance = 1e-10;

double sum_at(const at::Tensor& sums, Sum place) { return sums[place].item<double>(); }

}  // namespace

void Reconstruction::add(const at::Tensor& x_given, const at::Tensor& x_hat_given,
                         const at::Tensor& active) {
  const at::Tensor x = x_given.to(torch::kFloat64),
                   x_hat = x_hat_given.to(torch::kFloat64);                           // [n, d]
  const at::Tensor error = (x - x_hat).square().sum(1);                               // [n]
  const at::Tensor energy = x.square().sum(1), energy_hat = x_hat.square().sum(1);    // [n]
  const at::Tensor product = (x * x_hat).sum(1);                                      // [n]
  const at::Tensor nonzero = energy > 0, both = nonzero.logical_and(energy_hat > 0);  // [n] bool
  const at::Tensor zero = torch::zeros({}, x.options());
  const at::Tensor block =
      torch::stack({error.sum(), torch::where(nonzero, error / energy, zero).sum(),
                    nonzero.sum().to(torch::kFloat64),
                    torch::where(both, product / (energy * energy_hat).sqrt(), zero).sum(),
                    both.sum().to(torch::kFloat64), active.sum().to(torch::kFloat64)});
  const at::Tensor fired = active.sum(0);  // [d_sae] int64

  // Chan, Golub and LeVeque 1979: two means and two spreads become one.
  const auto n = static_cast<double>(x.size(0));
  const at::Tensor mean = x.mean(0), spread = (x - mean).square().sum();
  if (rows_ == 0) {
    sums_ = block, mean_ = mean, spread_ = spread, fired_ = fired;
  } else {
    const double before = static_cast<double>(rows_), after = before + n;
    const at::Tensor shift = mean - mean_;  // [d]
    sums_ += block;
    fired_ += fired;
    spread_ += spread + shift.square().sum() * (before * n / after);
    mean_ += shift * (n / after);
  }
  rows_ += x.size(0);
}

double Reconstruction::l0() const { return sum_at(sums_, kActive) / static_cast<double>(rows_); }
double Reconstruction::nmse() const {
  return sum_at(sums_, kRelativeError) / sum_at(sums_, kNonzeroRows);
}
double Reconstruction::cosine() const {
  return sum_at(sums_, kCosine) / sum_at(sums_, kCosineRows);
}
double Reconstruction::mse() const { return sum_at(sums_, kError) / static_cast<double>(rows_); }
double Reconstruction::fvu() const { return sum_at(sums_, kError) / spread_.item<double>(); }

double Reconstruction::explained_variance() const {
  const double variance = spread_.item<double>() / static_cast<double>(rows_);
  if (variance < kNoVariance) return mse() < kNoVariance ? 1.0 : 0.0;
  return 1.0 - mse() / variance;
}

int64_t Reconstruction::live() const { return (fired_ > 0).sum().item<int64_t>(); }
