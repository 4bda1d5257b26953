// Loops over contiguous floats, compiled for several instruction sets and chosen when the program
// starts.
//
// Each has one fixed order of summation on one machine, whatever the number of threads.
#pragma once

#include <cstdint>

namespace facet::vectors {

/// sum of a[i] * b[i].
float dot(const float* a, const float* b, int64_t n);
/// y[i] += a * x[i].
void add_scaled(float a, const float* x, float* y, int64_t n);
/// y[i] += a * (x[i] - shift[i]); shift may be null.
void add_scaled_difference(float a, const float* x, const float* shift, float* y, int64_t n);
/// x[i] *= a.
void scale(float a, float* x, int64_t n);
/// Whether any x[i] <= bound is false (so a NaN says yes).
bool any_above(const float* x, float bound, int64_t n);

/// What one step of Adam needs beside its four arrays; see ops::adam_step.
struct AdamFactors {
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float keep;     ///< 1 - lr * weight_decay
  float rate;     ///< lr / (1 - beta1^step)
  float correct;  ///< 1 / sqrt(1 - beta2^step)
  float eps;
};
void adam(float* param, const float* gradient, float* first, float* second, int64_t n,
          const AdamFactors& f);

}  // namespace facet::vectors
