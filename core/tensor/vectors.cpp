// Loops over contiguous floats; `omp simd` lets the compiler vectorise each of them at -O2.
// Compiled alone, never beside a caller: see core/CMakeLists.txt.
#include "tensor/vectors.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "tensor/for_each_cpu.h"

namespace facet::vectors {

namespace {

constexpr int64_t kLanes = 16;
using Lanes __attribute__((vector_size(kLanes * sizeof(float)))) = float;

// x[0 .. rest - 1], then zeros; all of it where rest is kLanes.
FACET_IN_EACH void read(const float* x, int64_t rest, Lanes& lanes) {
  lanes = Lanes{};
  std::memcpy(&lanes, x, static_cast<size_t>(rest) * sizeof(float));
}

// Dots of a with each of b, every second group of lanes summed apart: an addition does not wait for
// the one before, and the bits are the same whichever stand together.
template <int kCount>
FACET_IN_EACH void dots_of(const float* a, const float* const* b, int64_t n, float* out) {
  Lanes even[kCount] = {}, odd[kCount] = {}, x, y;
  const auto add = [&](int64_t i, int64_t rest, Lanes * sum) __attribute__((always_inline)) {
    read(a + i, rest, x);
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      read(b[j] + i, rest, y);
      sum[j] += x * y;
    }
  };
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    add(i, kLanes, even);
    add(i + kLanes, kLanes, odd);
  }
  if (i + kLanes <= n) {
    add(i, kLanes, even);
    i += kLanes;
  }
  if (i < n) add(i, n - i, odd);
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    float lane[kLanes];
    even[j] += odd[j];
    std::memcpy(lane, &even[j], sizeof(lane));
    for (int64_t half = kLanes / 2; half > 0; half /= 2)
      for (int64_t l = 0; l < half; ++l) lane[l] += lane[l + half];
    out[j] = lane[0];
  }
}

}  // namespace

FACET_FOR_EACH_CPU
float dot(const float* a, const float* b, int64_t n) {
  float sum;
  dots_of<1>(a, &b, n, &sum);
  return sum;
}

FACET_FOR_EACH_CPU
void dots(const float* a, const float* const* b, int64_t count, int64_t n, float* out) {
  int64_t j = 0;
  for (; j + 2 <= count; j += 2) dots_of<2>(a, b + j, n, out + j);
  if (j < count) dots_of<1>(a, b + j, n, out + j);
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

namespace {

// So many at a time that y is seldom read again.
template <int kCount, bool kShifted>
FACET_IN_EACH void add_some_scaled(const float* a, const float* const* x, const float* shift,
                                   float* y, int64_t n) {
  const int64_t whole = n - n % kLanes;
  Lanes sum, some, less = {};
  for (int64_t i = 0; i < whole; i += kLanes) {
    std::memcpy(&sum, y + i, sizeof(sum));
    if (kShifted) std::memcpy(&less, shift + i, sizeof(less));
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      std::memcpy(&some, x[j] + i, sizeof(some));
      sum += a[j] * (kShifted ? some - less : some);
    }
    std::memcpy(y + i, &sum, sizeof(sum));
  }
  for (int64_t i = whole; i < n; ++i)
    for (int j = 0; j < kCount; ++j) y[i] += a[j] * (kShifted ? x[j][i] - shift[i] : x[j][i]);
}

template <bool kShifted>
FACET_IN_EACH void add_all(const float* a, const float* const* x, int64_t count, const float* shift,
                           float* y, int64_t n) {
  int64_t j = 0;
  for (; j + 4 <= count; j += 4) add_some_scaled<4, kShifted>(a + j, x + j, shift, y, n);
  for (; j < count; ++j) add_some_scaled<1, kShifted>(a + j, x + j, shift, y, n);
}

}  // namespace

FACET_FOR_EACH_CPU
void add_all_scaled(const float* a, const float* const* x, int64_t count, const float* shift,
                    float* y, int64_t n) {
  if (shift)
    add_all<true>(a, x, count, shift, y, n);
  else
    add_all<false>(a, x, count, shift, y, n);
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
int64_t count_from(const float* x, float bound, int64_t n) {
  int32_t count = 0;
#pragma omp simd reduction(+ : count)
  for (int64_t i = 0; i < n; ++i) count += x[i] >= bound ? 1 : 0;
  return count;
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

namespace {

// Of sums of squares, and with what such sums may have rounded away; squares below 2^-126 are lost
// to them.
inline Rounding with_lost(float square, float left, int64_t n) {
  const auto terms = static_cast<float>(n + 8);
  const float grown = 1 + terms * 0x1p-23f;
  const float tiny = std::sqrt(terms) * 0x1p-62f;
  return {std::sqrt(square) * grown + tiny, std::sqrt(left) * grown + tiny};
}

}  // namespace

FACET_FOR_EACH_CPU
Rounding rounding(const float* x, int64_t n) {
  float square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) square += x[i] * x[i];
  return with_lost(square, 0, n);
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
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint32_t>(x[i]);
    rounded[i] = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
  return with_lost(square, left, n);
}

FACET_FOR_EACH_CPU
Rounding rounding(const float* x, int8_t* rounded, int64_t n) {
  float most = 0;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) most = std::fabs(x[i]) > most ? std::fabs(x[i]) : most;
  // Rows too small for this become zeros, and all of them is lost.
  const float scale = most < 0x1p-100f ? 0.0f : most / 127;
  const float steps = most < 0x1p-100f ? 0.0f : 127 / most;
  // Added to a number below 2^22 it leaves the nearest whole one in the last bits.
  constexpr float kWhole = 0x1.8p23f;
  constexpr int64_t kPart = 64;
  float square = 0, left = 0;
  int32_t bits[kPart];
  for (int64_t begin = 0; begin < n; begin += kPart) {
    const int64_t count = n - begin < kPart ? n - begin : kPart;
    const float* part = x + begin;
#pragma omp simd reduction(+ : square, left)
    for (int64_t i = 0; i < count; ++i) {
      const float shifted = part[i] * steps + kWhole;
      bits[i] = std::bit_cast<int32_t>(shifted);
      const float lost = part[i] - (shifted - kWhole) * scale;
      square += part[i] * part[i];
      left += lost * lost;
    }
    int8_t* out = rounded + begin;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<int8_t>(bits[i]);
  }
  Rounding out = with_lost(square, left, n);
  out.residue += 0x1p-22f * out.norm;  // near * scale is rounded as well
  out.scale = scale;
  return out;
}

}  // namespace facet::vectors
