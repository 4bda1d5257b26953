// Loops over contiguous floats; `omp simd` lets the compiler vectorise each of them at -O2.
// Compiled alone, never beside a caller: see core/CMakeLists.txt.
#include "tensor/vectors.h"

#include <cmath>

// A resolver that picks a clone runs before a sanitizer is ready, so sanitized builds have one
// version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FACET_FOR_EACH_CPU \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FACET_FOR_EACH_CPU
#endif

namespace facet::vectors {

FACET_FOR_EACH_CPU
float dot(const float* a, const float* b, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

FACET_FOR_EACH_CPU
void add_scaled(float a, const float* x, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

FACET_FOR_EACH_CPU
void add_scaled_difference(float a, const float* x, const float* shift, float* y, int64_t n) {
  if (!shift) return add_scaled(a, x, y, n);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] += a * (x[i] - shift[i]);
}

FACET_FOR_EACH_CPU
void scale(float a, float* x, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] *= a;
}

FACET_FOR_EACH_CPU
bool any_above(const float* x, float bound, int64_t n) {
  int above = 0;
#pragma omp simd reduction(| : above)
  for (int64_t i = 0; i < n; ++i) above |= x[i] <= bound ? 0 : 1;
  return above != 0;
}

FACET_FOR_EACH_CPU
void adam(float* param, const float* gradient, float* first, float* second, int64_t n,
          const AdamFactors& f) {
  const AdamFactors c = f;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    const float m = c.beta1 * first[i] + c.one_minus_beta1 * g;
    const float v = c.beta2 * second[i] + c.one_minus_beta2 * g * g;
    first[i] = m;
    second[i] = v;
    param[i] = c.keep * param[i] - c.rate * (m / (std::sqrt(v) * c.correct + c.eps));
  }
}

}  // namespace facet::vectors
