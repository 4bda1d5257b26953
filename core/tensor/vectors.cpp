// Loops over contiguous floats; `omp simd` lets the compiler vectorise each of them at -O2.
// Compiled alone, never beside a caller: see core/CMakeLists.txt.
#include "tensor/vectors.h"

#include <bit>
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
double sum_of_squares(const float* x, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
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
float adam(float* param, const float* gradient, float* first, float* second, int64_t n,
           const AdamFactors& f) {
  const AdamFactors c = f;
  float square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    const float m = c.beta1 * first[i] + c.one_minus_beta1 * g;
    const float v = c.beta2 * second[i] + c.one_minus_beta2 * g * g;
    first[i] = m;
    second[i] = v;
    const float move = m / (std::sqrt(v) * c.correct + c.eps);
    param[i] = c.keep * param[i] - c.rate * move;
    square += move * move;
  }
  return square;
}

FACET_FOR_EACH_CPU
float adam_idle(float* param, float* first, float* second, int64_t n, const AdamFactors& f) {
  const AdamFactors c = f;
  float square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) {
    const float m = c.beta1 * first[i];
    const float v = c.beta2 * second[i];
    first[i] = m;
    second[i] = v;
    const float move = m / (std::sqrt(v) * c.correct + c.eps);
    param[i] = c.keep * param[i] - c.rate * move;
    square += move * move;
  }
  return square;
}

FACET_FOR_EACH_CPU
Rounding rounding(const float* x, uint16_t* rounded, int64_t n) {
  float square = 0, left = 0;
#pragma omp simd reduction(+ : square, left)
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint32_t>(x[i]);
    const uint32_t half = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    const float lost = x[i] - std::bit_cast<float>(half);
    square += x[i] * x[i];
    left += lost * lost;
  }
  if (rounded) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const auto bits = std::bit_cast<uint32_t>(x[i]);
      rounded[i] = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    }
  } else {
    left = 0;
  }
  const auto terms = static_cast<float>(n + 8);
  const float grown = 1 + terms * 0x1p-23f;  // what the sums above may have rounded away
  // Squares below 2^-126 are lost to the sums.
  const float tiny = std::sqrt(terms) * 0x1p-62f;
  return {std::sqrt(square) * grown + tiny, std::sqrt(left) * grown + tiny};
}

namespace {

inline float as_float(uint16_t bf16) {
  return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}
inline float as_float(float x) { return x; }

template <class T>
inline __attribute__((always_inline)) bool within_bounds(const T* product, const Latents& latents,
                                                         const Slack& slack, float bar,
                                                         float* lower, float* upper) {
  const Latents l = latents;
  const Slack s = slack;
  int reached = 0;
#pragma omp simd reduction(| : reached)
  for (int64_t i = 0; i < l.count; ++i) {
    const float p = as_float(product[i]);
    const float value = p + l.bias[i];
    const float off = s.norm * l.norm[i] + s.residue * l.residue[i] + s.share * std::fabs(p) +
                      0x1p-21f * std::fabs(value);
    lower[i] = value - off;
    upper[i] = value + off;
    reached |= upper[i] < bar ? 0 : 1;
  }
  return reached != 0;
}

}  // namespace

FACET_FOR_EACH_CPU
bool within(const uint16_t* product, const Latents& latents, const Slack& slack, float bar,
            float* lower, float* upper) {
  return within_bounds(product, latents, slack, bar, lower, upper);
}

FACET_FOR_EACH_CPU
bool within(const float* product, const Latents& latents, const Slack& slack, float bar,
            float* lower, float* upper) {
  return within_bounds(product, latents, slack, bar, lower, upper);
}

}  // namespace facet::vectors
