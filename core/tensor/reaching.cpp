// Latents that reach the bar: with AVX-512, where a comparison gives a mask and what it marks can
// be pushed together, and anywhere.
#include "tensor/reaching.h"

#include <bit>
#include <cmath>

#include "tensor/for_each_cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define FACET_WITH_AVX512 inline __attribute__((always_inline, target("arch=x86-64-v4")))
#endif

namespace facet {
namespace {

// Twice what adding the bias and the rest below round away, as a share of the sum.
constexpr float kRoundSum = 0x1p-21f;

inline float as_float(uint16_t bf16, float) {
  return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}
inline float as_float(float x, float) { return x; }
inline float as_float(int32_t x, float scale) { return static_cast<float>(x) * scale; }

template <class Number>
FACET_IN_EACH int64_t those_that_reach(const Number* product, const LatentRun& latents,
                                       const Slack& slack, float bar, int32_t first,
                                       const Found& found) {
  constexpr int64_t kPart = 64;  // that one comparison dismisses together
  const Slack s = slack;
  float lower[kPart], upper[kPart];
  int64_t in = 0;
  for (int64_t begin = 0; begin < latents.count; begin += kPart) {
    const int64_t count = latents.count - begin < kPart ? latents.count - begin : kPart;
    const float *bias = latents.bias + begin, *norm = latents.norm + begin;
    const float *residue = latents.residue + begin, *scale = latents.scale + begin;
    const Number* of = product + begin;
    int32_t any = 0;
#pragma omp simd reduction(| : any)
    for (int64_t i = 0; i < count; ++i) {
      const float p = as_float(of[i], s.scale * scale[i]);
      const float value = p + bias[i];
      const float off = s.norm * norm[i] + s.residue * residue[i] + s.share * std::fabs(p) +
                        kRoundSum * std::fabs(value);
      lower[i] = value - off;
      upper[i] = value + off;
      any |= upper[i] < bar ? 0 : 1;
    }
    for (int64_t i = 0; any != 0 && i < count; ++i) {
      if (upper[i] < bar) continue;
      found.lower[in] = lower[i];
      found.upper[in] = upper[i];
      found.latent[in++] = first + static_cast<int32_t>(begin + i);
    }
  }
  return in;
}

#ifdef FACET_WITH_AVX512

FACET_WITH_AVX512 __m512 floats(const uint16_t* of, __mmask16 some, __m512) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, of));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
FACET_WITH_AVX512 __m512 floats(const float* of, __mmask16 some, __m512) {
  return _mm512_maskz_loadu_ps(some, of);
}
FACET_WITH_AVX512 __m512 floats(const int32_t* of, __mmask16 some, __m512 scale) {
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(some, of)), scale);
}

template <class Number>
__attribute__((target("arch=x86-64-v4"))) int64_t reaching_with_avx512(const Number* product,
                                                                       const LatentRun& l,
                                                                       const Slack& s, float bar,
                                                                       int32_t first,
                                                                       const Found& found) {
  const __m512 norm = _mm512_set1_ps(s.norm), residue = _mm512_set1_ps(s.residue);
  const __m512 share = _mm512_set1_ps(s.share), scale = _mm512_set1_ps(s.scale);
  const __m512 rounded = _mm512_set1_ps(kRoundSum), least = _mm512_set1_ps(bar);
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int64_t count = 0;
  for (int64_t i = 0; i < l.count; i += 16) {
    const auto some =
        static_cast<__mmask16>(l.count - i < 16 ? (1u << (l.count - i)) - 1 : 0xffffu);
    const __m512 of_one = _mm512_mul_ps(scale, _mm512_maskz_loadu_ps(some, l.scale + i));
    const __m512 p = floats(product + i, some, of_one);
    const __m512 value = _mm512_add_ps(p, _mm512_maskz_loadu_ps(some, l.bias + i));
    __m512 off = _mm512_mul_ps(residue, _mm512_maskz_loadu_ps(some, l.residue + i));
    off = _mm512_fmadd_ps(norm, _mm512_maskz_loadu_ps(some, l.norm + i), off);
    off = _mm512_fmadd_ps(share, _mm512_abs_ps(p), off);
    off = _mm512_fmadd_ps(rounded, _mm512_abs_ps(value), off);
    const __m512 upper = _mm512_add_ps(value, off);
    const __mmask16 in = _mm512_mask_cmp_ps_mask(some, upper, least, _CMP_NLT_UQ);
    if (in == 0) continue;
    const __m512i latent =
        _mm512_add_epi32(lanes, _mm512_set1_epi32(first + static_cast<int32_t>(i)));
    _mm512_storeu_ps(found.lower + count, _mm512_maskz_compress_ps(in, _mm512_sub_ps(value, off)));
    _mm512_storeu_ps(found.upper + count, _mm512_maskz_compress_ps(in, upper));
    _mm512_storeu_si512(found.latent + count, _mm512_maskz_compress_epi32(in, latent));
    count += std::popcount(static_cast<uint32_t>(in));
  }
  return count;
}

bool has_avx512() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
}

#endif

template <class Number>
int64_t reaching_here(const Number* product, const LatentRun& latents, const Slack& slack,
                      float bar, int32_t first, const Found& found) {
#ifdef FACET_WITH_AVX512
  if (has_avx512()) return reaching_with_avx512(product, latents, slack, bar, first, found);
#endif
  return reaching_anywhere(product, latents, slack, bar, first, found);
}

}  // namespace

FACET_FOR_EACH_CPU
int64_t reaching_anywhere(const uint16_t* product, const LatentRun& latents, const Slack& slack,
                          float bar, int32_t first, const Found& found) {
  return those_that_reach(product, latents, slack, bar, first, found);
}

FACET_FOR_EACH_CPU
int64_t reaching_anywhere(const float* product, const LatentRun& latents, const Slack& slack,
                          float bar, int32_t first, const Found& found) {
  return those_that_reach(product, latents, slack, bar, first, found);
}

FACET_FOR_EACH_CPU
int64_t reaching_anywhere(const int32_t* product, const LatentRun& latents, const Slack& slack,
                          float bar, int32_t first, const Found& found) {
  return those_that_reach(product, latents, slack, bar, first, found);
}

int64_t reaching(const uint16_t* product, const LatentRun& latents, const Slack& slack, float bar,
                 int32_t first, const Found& found) {
  return reaching_here(product, latents, slack, bar, first, found);
}

int64_t reaching(const float* product, const LatentRun& latents, const Slack& slack, float bar,
                 int32_t first, const Found& found) {
  return reaching_here(product, latents, slack, bar, first, found);
}

int64_t reaching(const int32_t* product, const LatentRun& latents, const Slack& slack, float bar,
                 int32_t first, const Found& found) {
  return reaching_here(product, latents, slack, bar, first, found);
}

}  // namespace facet
