// What a screening product says of latents side by side, and which of them reach a bar.
#pragma once

#include <cstdint>

namespace facet {

/// Of a row: how far its product with a latent may be off, `norm` times the latent's norm,
/// `residue` times its residue, and a share of the product itself; and what the row's rounded 1
/// stands for.
struct Slack {
  float norm, residue, share, scale;
};

/// Latents side by side, `count` of each; what RoundedRows has of them.
struct LatentRun {
  const float *bias, *norm, *residue, *scale;
  int64_t count;
};

/// Where bounds of latents go, side by side, and the latents. There is room for as many as are
/// looked at, and 16 more.
struct Found {
  float *lower, *upper;
  int32_t* latent;
};

/// Writes bounds of product + bias, and the numbers of the latents counted from `first`, of those
/// whose upper bound is not below the bar (so a NaN is in), in order. Gives how many. The products
/// are of bf16, of float32 or of int8 numbers.
int64_t reaching(const uint16_t* product, const LatentRun& latents, const Slack& slack, float bar,
                 int32_t first, const Found& found);
int64_t reaching(const float* product, const LatentRun& latents, const Slack& slack, float bar,
                 int32_t first, const Found& found);
int64_t reaching(const int32_t* product, const LatentRun& latents, const Slack& slack, float bar,
                 int32_t first, const Found& found);

/// The same in code for any processor, which reaching() calls where there is no AVX-512; up to 1e-6
/// of a bound apart.
int64_t reaching_anywhere(const uint16_t* product, const LatentRun& latents, const Slack& slack,
                          float bar, int32_t first, const Found& found);
int64_t reaching_anywhere(const float* product, const LatentRun& latents, const Slack& slack,
                          float bar, int32_t first, const Found& found);
int64_t reaching_anywhere(const int32_t* product, const LatentRun& latents, const Slack& slack,
                          float bar, int32_t first, const Found& found);

}  // namespace facet
