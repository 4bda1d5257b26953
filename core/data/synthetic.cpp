// Draws synthetic rows block by block, so that any row can be made without those before its block.
#include "data/synthetic.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "facet/rng.h"

namespace facet {

namespace {

constexpr int64_t kBlockRows = 256;

/// Visits each index below n with probability p: one draw for each visit, not for each index.
template <class Visit>
void visit_with_probability(Rng& rng, double p, int64_t n, Visit&& visit) {
  if (p <= 0) return;
  const double log_miss = std::log1p(-p);  // -inf for p = 1: no index is skipped
  for (double at = -1;;) {
    at += 1 + std::floor(std::log1p(-rng.uniform()) / log_miss);
    if (at >= static_cast<double>(n)) return;
    visit(static_cast<int64_t>(at));
  }
}

std::string magnitudes_problem(const SyntheticParams& p) {
  if (p.magnitudes.size() != 2)
    return "magnitudes has " + std::to_string(p.magnitudes.size()) +
           " values, should be two: the least and the largest";
  if (p.magnitudes[0] < 0 || p.magnitudes[1] <= 0 || p.magnitudes[0] > p.magnitudes[1])
    return "magnitudes must be positive, the least first";
  return "";
}

}  // namespace

Schema<SyntheticParams> synthetic_schema() {
  return Schema<SyntheticParams>()
      .field("d", &SyntheticParams::d, "Width of a row.", at_least(1))
      .field("features", &SyntheticParams::features, "Features in the dictionary.", at_least(1))
      .field("rows", &SyntheticParams::rows, "Rows of one epoch.", at_least(1), unit("rows"))
      .field("active", &SyntheticParams::active, "Mean number of features that fire in a row.",
             above(0))
      .field("correlation", &SyntheticParams::correlation,
             "Correlation of firing between the two features of each pair (0 and 1, 2 and 3, ...).",
             between(0, 1))
      .field("noise", &SyntheticParams::noise,
             "Standard deviation of Gaussian noise in each coordinate.", at_least(0))
      .field("magnitudes", &SyntheticParams::magnitudes,
             "Least and largest magnitude of a feature that fires; uniform between them.")
      .field("seed", &SyntheticParams::seed, "Seed of the dictionary and the rows.", at_least(0))
      .check([](const SyntheticParams& p) { return p.active <= static_cast<double>(p.features); },
             "active must not exceed features")
      .check(magnitudes_problem);
}

SyntheticRows::SyntheticRows(const SyntheticParams& params) : params_(params) {
  dictionary_ = torch::empty({params_.features, params_.d}, torch::kFloat32);
  Rng rng(static_cast<uint64_t>(params_.seed), "data/synthetic/dictionary");
  float* out = dictionary_.data_ptr<float>();
  std::vector<double> row(static_cast<size_t>(params_.d));
  for (int64_t f = 0; f < params_.features; ++f) {
    double squares = 0;
    for (double& x : row) {
      x = rng.normal();
      squares += x * x;
    }
    for (const double x : row) *out++ = static_cast<float>(x / std::sqrt(squares));
  }
}

Tensor SyntheticRows::make(int64_t first, int64_t n) const {
  FACET_ASSERT(first >= 0 && n >= 0, "no such rows");
  Tensor x = torch::zeros({n, params_.d}, torch::kFloat32);
  float* out = x.data_ptr<float>();
  const int64_t end = first + n;
  const int64_t first_block = first / kBlockRows;
  const int64_t end_block = (end + kBlockRows - 1) / kBlockRows;
  if (n > 0)
    at::parallel_for(first_block, end_block, 1, [&](int64_t begin, int64_t stop) {
      for (int64_t block = begin; block < stop; ++block) {
        const int64_t from = std::max(first, block * kBlockRows);
        const int64_t to = std::min(end, (block + 1) * kBlockRows);
        fill_block(block, from, to - from, out + (from - first) * params_.d);
      }
    });
  return x;
}

void SyntheticRows::fill_block(int64_t block, int64_t first, int64_t n, float* out) const {
  const int64_t d = params_.d;
  const int64_t evens = (params_.features + 1) / 2;
  const int64_t odds = params_.features / 2;
  const double p = params_.active / static_cast<double>(params_.features);
  const double alone = (1 - params_.correlation) * p;  // the odd feature fires by itself
  const double copied = alone < 1 ? params_.correlation / (1 - alone) : 0;
  const float* dictionary = dictionary_.data_ptr<float>();
  Rng rng(static_cast<uint64_t>(params_.seed), "data/synthetic/rows/" + std::to_string(block));
  std::vector<uint8_t> odd_fires(static_cast<size_t>(odds));
  std::vector<int64_t> firing;
  // Rows before `first` are drawn as well: a row is the same whichever rows are asked for with it.
  for (int64_t row = block * kBlockRows; row < first + n; ++row) {
    firing.clear();
    std::fill(odd_fires.begin(), odd_fires.end(), 0);
    visit_with_probability(rng, alone, odds, [&](int64_t pair) {
      odd_fires[static_cast<size_t>(pair)] = 1;
      firing.push_back(2 * pair + 1);
    });
    visit_with_probability(rng, p, evens, [&](int64_t pair) {
      firing.push_back(2 * pair);
      if (copied > 0 && pair < odds && !odd_fires[static_cast<size_t>(pair)] &&
          rng.uniform() < copied)
        firing.push_back(2 * pair + 1);
    });
    float* x = row < first ? nullptr : out + (row - first) * d;
    for (const int64_t feature : firing) {
      const double share = rng.uniform();
      const auto magnitude = static_cast<float>(
          params_.magnitudes[0] + share * (params_.magnitudes[1] - params_.magnitudes[0]));
      const float* direction = dictionary + feature * d;
      for (int64_t i = 0; x && i < d; ++i) x[i] += magnitude * direction[i];
    }
    for (int64_t i = 0; params_.noise > 0 && i < d; ++i) {
      const auto noise = static_cast<float>(params_.noise * rng.normal());
      if (x) x[i] += noise;
    }
  }
}

}  // namespace facet
