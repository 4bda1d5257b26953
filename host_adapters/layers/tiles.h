// Small dense loops on numbers in a core's cache, written for vectors of W floats; the compiler
// makes them of each instruction set that includes this into a function of its own.
//
// Everything here is inlined into a function that says its instruction set, and is called from
// nowhere else.
#pragma once

#include <cstdint>
#include <cstring>

#define FACET_TILE inline __attribute__((always_inline))
#define FACET_IN_TILE __attribute__((always_inline))

namespace facet::layers::tiles {

/// W floats; loads and stores need no alignment.
template <int W>
struct Vector {
  typedef float Floats __attribute__((vector_size(4 * W)));
  typedef int32_t Ints __attribute__((vector_size(4 * W)));
};

template <class V>
FACET_TILE void load(V& to, const float* from) {
  std::memcpy(&to, from, sizeof(V));
}
template <class V>
FACET_TILE void store(float* to, const V& from) {
  std::memcpy(to, &from, sizeof(V));
}

/// Rows that a tile computes at a time: with four vectors to a row their sums fill 24 of the 32
/// registers of AVX-512, with two 12 of the 16 of AVX2.
constexpr int kRows = 6;

enum class Half { without = 1, with };

/// c [kRows, columns] = a [kRows, depth] b [depth, columns] of N vectors, and half a vector after
/// them; row strides ra, rb, rc. Each sum runs over the depth in its order.
template <int W, int N, Half HALF = Half::without>
FACET_TILE void product(const float* a, int64_t ra, const float* b, int64_t rb, int64_t depth,
                        float* c, int64_t rc) {
  using Floats = typename Vector<W>::Floats;
  using Halved = typename Vector<W / 2>::Floats;
  constexpr int kFull = N > 0 ? N : 1;
  Floats sum[kRows][kFull] = {}, column[kFull];
  Halved half_sum[kRows] = {}, half_column;
  for (int64_t l = 0; l < depth; ++l) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) load(column[j], b + l * rb + j * W);
    if constexpr (HALF == Half::with) load(half_column, b + l * rb + N * W);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const float factor = a[i * ra + l];
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) sum[i][j] += factor * column[j];
      if constexpr (HALF == Half::with) half_sum[i] += factor * half_column;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) store(c + i * rc + j * W, sum[i][j]);
    if constexpr (HALF == Half::with) store(c + i * rc + N * W, half_sum[i]);
  }
}

/// The same of any number of columns that is a multiple of W / 2, up to MOST vectors at a time.
template <int W, int MOST>
FACET_TILE void wide_product(const float* a, int64_t ra, const float* b, int64_t rb, int64_t depth,
                             int64_t columns, float* c, int64_t rc) {
  int64_t j = 0;
  for (; j + MOST * W <= columns; j += MOST * W)
    product<W, MOST>(a, ra, b + j, rb, depth, c + j, rc);
  const auto rest = [&]<int N, Half HALF>()
                        FACET_IN_TILE { product<W, N, HALF>(a, ra, b + j, rb, depth, c + j, rc); };
  switch ((columns - j) * 2 / W) {  // half vectors
    case 1:
      return rest.template operator()<0, Half::with>();
    case 2:
      return rest.template operator()<1, Half::without>();
    case 3:
      return rest.template operator()<1, Half::with>();
    case 4:
      if constexpr (MOST > 2) return rest.template operator()<2, Half::without>();
      break;
    case 5:
      if constexpr (MOST > 2) return rest.template operator()<2, Half::with>();
      break;
    case 6:
      if constexpr (MOST > 2) return rest.template operator()<3, Half::without>();
      break;
    case 7:
      if constexpr (MOST > 2) return rest.template operator()<3, Half::with>();
      break;
    default:
      break;
  }
}

/// x becomes 2^x of x <= 0, off by less than 2e-7 of it; below -126 that of -126. NaN stays.
/// source: Cephes 2.2, exp2f.
template <int W>
FACET_TILE void exp2_of(typename Vector<W>::Floats& x) {
  using Floats = typename Vector<W>::Floats;
  using Ints = typename Vector<W>::Ints;
  constexpr float kWhole = 0x1.8p23f;  // a number this large has no room for a fraction
  const Floats low = Floats{} - 126.0f;
  x = x < low ? low : x;
  const Floats shifted = x + kWhole;
  const Floats r = x - (shifted - kWhole);
  Floats p = Floats{} + 1.535336188319500e-4f;
  p = p * r + 1.339887440266574e-3f;
  p = p * r + 9.618437357674640e-3f;
  p = p * r + 5.550332471162809e-2f;
  p = p * r + 2.402264791363012e-1f;
  p = p * r + 6.931472028550421e-1f;
  p = p * r + 1.0f;
  Ints bits, power;
  std::memcpy(&bits, &p, sizeof(p));
  std::memcpy(&power, &shifted, sizeof(p));
  bits += power << 23;
  std::memcpy(&x, &bits, sizeof(p));
}

/// The n scores of a row, in units of ln 2, become 2^(score - the largest); their sum. What stands
/// between n and the next multiple of W becomes 0.
template <int W>
FACET_TILE float exponentials(float* score, int64_t n) {
  using Floats = typename Vector<W>::Floats;
  const int64_t whole = n / W * W;
  Floats most = Floats{} + score[0], sum = {}, x;
  for (int64_t j = 0; j < whole; j += W) {
    load(x, score + j);
    most = x > most ? x : most;
  }
  float largest = most[0];
  for (int i = 1; i < W; ++i) largest = most[i] > largest ? most[i] : largest;
  for (int64_t j = whole; j < n; ++j) largest = score[j] > largest ? score[j] : largest;
  for (int64_t j = 0; j < whole; j += W) {
    load(x, score + j);
    x -= largest;
    exp2_of<W>(x);
    sum += x;
    store(score + j, x);
  }
  if (whole < n) {
    load(x, score + whole);
    x -= largest;
    exp2_of<W>(x);
    for (int i = static_cast<int>(n - whole); i < W; ++i) x[i] = 0;
    sum += x;
    store(score + whole, x);
  }
  float all = 0;
  for (int i = 0; i < W; ++i) all += sum[i];
  return all;
}

}  // namespace facet::layers::tiles
