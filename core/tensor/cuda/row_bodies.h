// What one thread, or one team of threads, of each kernel does, but for the selection. Plain C++17:
// tests run it on the CPU.
//
// A team has rank(), size() and sum(x), the sum over its threads, the same in each.
#pragma once

#include <cmath>

#include "tensor/cuda/row_kernels.h"

#ifdef __CUDACC__
#define FACET_BODY __device__ inline
#else
#define FACET_BODY inline
#endif

namespace facet::bodies {

/// Element i of out [rows, d].
FACET_BODY void run(const DecodedRows& a, int64_t i) {
  const int64_t row = i / a.d, j = i % a.d;
  float sum = 0;
  for (int64_t e = a.start[row]; e < a.start[row + 1]; ++e)
    sum += a.value[e] * a.weights[a.latent[e] * a.d + j];
  a.out[i] = a.bias ? sum + a.bias[j] : sum;
}

/// Element i of out [latents, d].
FACET_BODY void run(const LatentSums& a, int64_t i) {
  const int64_t latent = i / a.d, j = i % a.d;
  const float minus = a.shift ? a.shift[j] : 0.0f;
  float sum = 0;
  for (int64_t e = a.offset[latent]; e < a.offset[latent + 1]; ++e) {
    const float w = a.weight[e];
    if (w != 0) sum += w * (a.x ? a.x[a.row[e] * a.d + j] - minus : 1.0f);
  }
  a.out[i] = sum;
}

/// Element i of the parameter.
FACET_BODY void run(const AdamStep& a, int64_t i) {
  const vectors::AdamFactors& c = a.factors;
  const float g = a.gradient ? a.gradient[i] : 0.0f;
  const float m = c.beta1 * a.first[i] + c.one_minus_beta1 * g;
  const float v = c.beta2 * a.second[i] + c.one_minus_beta2 * g * g;
  a.first[i] = m;
  a.second[i] = v;
  a.param[i] = c.keep * a.param[i] - c.rate * (m / (std::sqrt(v) * c.correct + c.eps));
}

template <class Team>
FACET_BODY float dot(Team& team, const float* a, const float* b, int64_t d) {
  float sum = 0;
  for (int64_t j = team.rank(); j < d; j += team.size()) sum += a[j] * b[j];
  return team.sum(sum);
}

/// Entry e of out.
template <class Team>
FACET_BODY void run(Team& team, const EntryDots& a, int64_t e) {
  const float sum = dot(team, a.x + a.row[e] * a.d, a.weights + a.latent[e] * a.d, a.d);
  if (team.rank() == 0) a.out[e] = sum;
}

/// Row i of w.
template <class Team>
FACET_BODY void run(Team& team, const UnitRows& a, int64_t i) {
  float* row = a.w + i * a.d;
  const float by = 1 / (std::sqrt(dot(team, row, row, a.d)) + a.eps);
  for (int64_t j = team.rank(); j < a.d; j += team.size()) row[j] *= by;
}

/// Row i of the gradient.
template <class Team>
FACET_BODY void run(Team& team, const ProjectedRows& a, int64_t i) {
  const float* row = a.w + i * a.d;
  float* gradient = a.gradient + i * a.d;
  const float along = dot(team, gradient, row, a.d);
  const float norm = std::sqrt(dot(team, row, row, a.d)) + a.eps;
  if (along == 0) return;
  for (int64_t j = team.rank(); j < a.d; j += team.size())
    gradient[j] -= along / (norm * norm) * row[j];
}

}  // namespace facet::bodies
