// Figures of reconstruction and sparsity, each a line or two, and what they are worked out of.
#include "facet/measures.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "facet/normaliser.h"
#include "train/row_sums.h"

namespace facet {
namespace {

// SAELens' variance and error below which rows count as constant and equal (evals.py, 6.45.1).
constexpr double kNothing = 1e-10;

// Sum over rows of |x - mean|^2, the mean that of the same rows.
double spread(const Sums& s) {
  double shift = 0;
  for (size_t i = kColumns; i < s.size(); ++i) shift += s[i] * s[i];
  return s[kSpread] - shift / s[kRows];
}

// A ratio of which 0 / 0 and x / 0 are not a number.
double ratio(double over, double under) { return under == 0 ? std::nan("") : over / under; }

template <SumColumn kOver, SumColumn kUnder>
double mean(const Sums& s) {
  return ratio(s[kOver], s[kUnder]);
}

double width(const Sums& s) { return static_cast<double>(s.size() - kColumns); }

double fvu(const Sums& s) {
  return spread(s) / s[kRows] < kNothing ? std::nan("") : s[kError] / spread(s);
}

double explained_variance(const Sums& s) {
  const double variance = spread(s) / s[kRows], error = s[kError] / s[kRows];
  if (variance < kNothing) return error < kNothing ? 1.0 : 0.0;
  return 1.0 - error / variance;
}

double explained_variance_saebench(const Sums& s) {
  const double energy = s[kEnergy] / s[kRows], wrong_mean = energy / width(s);
  return 1.0 - ratio(s[kError] / s[kRows], energy - wrong_mean * wrong_mean);
}

double mse_by_element(const Sums& s) { return s[kError] / s[kRows] / width(s); }
double mse_saebench(const Sums& s) { return s[kError] / s[kRows] / s[kRows]; }

constexpr Measure kMeasures[] = {
    {"nmse", mean<kRelativeError, kNonzero>, Shown::always,
     "mean over rows of |x - x^|^2 / |x|^2, rows that are zero left out; 0 is perfect (RouteSAE's "
     "NMSE; Gao et al. 2024)",
     "below 0.2 (TopK with 64 latents on Llama-3.2-1B: about 0.15; RouteSAE, arXiv:2503.08200)",
     Better::least},
    {"nmse_of_sums", mean<kError, kEnergy>, Shown::with_all,
     "sum |x - x^|^2 / sum |x|^2 over all rows: long rows count for more", ""},
    {"fvu", fvu, Shown::always,
     "fraction of variance unexplained: sum |x - x^|^2 / sum |x - mean x|^2 over all rows; not a "
     "number when rows do not vary (variance below 1e-10) (sparsify; the main loss of Gao et al. "
     "2024)",
     "", Better::least},
    {"explained_variance", explained_variance, Shown::always,
     "1 - E|x - x^|^2 / (E|x|^2 - |E x|^2); 1 is perfect, 0 is no better than the mean row; of "
     "rows that do not vary (below 1e-10): 1 when x^ = x, else 0 (SAELens 6.45.1 and later)",
     "", Better::greatest},
    {"explained_variance_legacy", mean<kLegacy, kLegacyRows>, Shown::with_all,
     "mean over rows of 1 - |x - x^|^2 / |x - mean x|^2, the mean that of the up to 1024 rows "
     "coded "
     "together, rows equal to it left out (SAELens' explained_variance_legacy)",
     ""},
    {"explained_variance_saebench", explained_variance_saebench, Shown::with_all,
     "1 - E|x - x^|^2 / (E|x|^2 - (E|x|^2 / d)^2): a slip kept for comparison, the square stands "
     "where the mean was meant (SAEBench core; SAELens up to 6.45.0)",
     ""},
    {"mse", mean<kError, kRows>, Shown::always,
     "mean over rows of |x - x^|^2, summed over the width, in the host's units (SAELens 6.45.2 and "
     "later, dictionary_learning)",
     "", Better::least},
    {"mse_by_element", mse_by_element, Shown::with_all,
     "mean of (x - x^)^2 over rows and width (RouteSAE, BatchTopK)", ""},
    {"mse_saebench", mse_saebench, Shown::with_all,
     "mse divided by the number of rows once more: a slip kept for comparison, it falls as more "
     "rows are measured (SAEBench core; SAELens up to 6.45.1)",
     ""},
    {"l2_loss", mean<kErrorNorm, kRows>, Shown::with_all,
     "mean over rows of |x - x^|, not squared (dictionary_learning)", ""},
    {"cosine", mean<kCosine, kCosines>, Shown::always,
     "mean over rows of the cosine between x and x^, rows where either is zero left out (SAELens)",
     "", Better::greatest},
    {"l2_ratio", mean<kRatio, kRows>, Shown::always,
     "mean over rows of |x^| / |x|, |x^| itself where |x| < 1e-4 (SAELens)",
     "near 1; below 1 the reconstructions are too short (shrinkage)"},
    {"relative_reconstruction_bias", mean<kEnergyHat, kProduct>, Shown::always,
     "E|x^|^2 / E(x . x^): 1 when no other length of the reconstructions would have a smaller "
     "error "
     "(Rajamanoharan et al. 2024, arXiv:2404.16014)",
     "1; below 1 there is shrinkage"},
    {"norm", mean<kNorm, kRows>, Shown::with_all, "mean |x| (SAELens' l2_norm_in)", ""},
    {"norm_of_reconstruction", mean<kNormHat, kRows>, Shown::with_all,
     "mean |x^| (SAELens' l2_norm_out)", ""},
    {"l0", mean<kActive, kRows>, Shown::always, "mean number of latents with a value > 0 in a row",
     ""},
    {"l0_nonzero", mean<kNonzeroCodes, kRows>, Shown::always,
     "mean number of latents with a value other than 0 in a row; differs from l0 only for SAEs "
     "whose "
     "codes keep a sign (identity, pca)",
     ""},
    {"sparsity", mean<kActiveShare, kRows>, Shown::always,
     "l0 / number of latents: share of the latents that fire on a row", ""},
    {"l1", mean<kL1, kRows>, Shown::always,
     "mean over rows of sum |z|, in the SAE's units (SAELens, dictionary_learning)", ""},
    {"l1_by_element", mean<kL1Share, kRows>, Shown::with_all,
     "mean |z| over rows and latents (RouteSAE)", ""},
    {"l1_over_norm", mean<kL1OverNorm, kInputs>, Shown::with_all,
     "mean over rows of sum |z| / |x|, x in the SAE's units as z is, zero rows left out (Gao et "
     "al. "
     "2024)",
     ""},
    {"l1_weighted", mean<kL1Weighted, kRows>, Shown::with_all,
     "mean over rows of sum |z| |row of W_dec| (the penalty of SAELens' standard)", ""},
};

}  // namespace

std::span<const Measure> measures() { return kMeasures; }

}  // namespace facet
