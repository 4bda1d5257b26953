// Loops over contiguous floats, compiled for several instruction sets and chosen when the program
// starts.
//
// Each has one fixed order of summation on one machine, whatever the number of threads.
#pragma once

#include <cstdint>

namespace facet::vectors {

/// sum of a[i] * b[i].
float dot(const float* a, const float* b, int64_t n);
/// out[j] = dot(a, b[j], n), some of them at a time.
void dots(const float* a, const float* const* b, int64_t count, int64_t n, float* out);
/// sum of x[i] * x[i], in float64.
double sum_of_squares(const float* x, int64_t n);
/// y[i] += a * x[i].
void add_scaled(float a, const float* x, float* y, int64_t n);
/// y[i] += a[j] * (x[j][i] - shift[i]) for one j after another; shift may be null.
void add_all_scaled(const float* a, const float* const* x, int64_t count, const float* shift,
                    float* y, int64_t n);
/// x[i] *= a.
void scale(float a, float* x, int64_t n);
/// Whether any x[i] <= bound is false (so a NaN says yes).
bool any_above(const float* x, float bound, int64_t n);

/// How many x[i] are the bound or more.
int64_t count_from(const float* x, float bound, int64_t n);

/// What one step of Adam needs beside its four arrays; see ops::adam_step.
struct AdamFactors {
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float keep;     ///< 1 - lr * weight_decay
  float rate;     ///< lr / (1 - beta1^step)
  float correct;  ///< 1 / sqrt(1 - beta2^step)
  float eps;
};
/// Gives the sum of squares of how far each element moved, over the rate.
float adam(float* param, const float* gradient, float* first, float* second, int64_t n,
           const AdamFactors& f);
/// The same of a gradient of zeros.
float adam_idle(float* param, float* first, float* second, int64_t n, const AdamFactors& f);

/// Bounds of the norm of x and of the norm of what rounding takes from it, both a little too large
/// rather than too small; what a product may lose of numbers below 2^-126 is in the latter.
struct Rounding {
  float norm, residue;
  float scale = 1;  ///< what a rounded 1 stands for
};
/// Of x itself.
Rounding rounding(const float* x, int64_t n);
/// `rounded` becomes x as bf16, to the nearest, ties to even.
Rounding rounding(const float* x, uint16_t* rounded, int64_t n);
/// `rounded` becomes x in 127ths of its largest |x|, to the nearest.
Rounding rounding(const float* x, int8_t* rounded, int64_t n);

}  // namespace facet::vectors
