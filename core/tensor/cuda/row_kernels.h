// The kernels of the TopK operations by raw pointers: what LibTorch's side (tensor/on_gpu.cpp) and
// nvcc's side (row_kernels.cu) agree on. C++17, without LibTorch.
//
// All pointers are of the GPU's memory, all matrices contiguous row after row unless they have a
// stride. Letters as in facet/ops.h.
#pragma once

#include <cstdint>

#include "tensor/vectors.h"

namespace facet {

/// Where a kernel runs: the number of the GPU and a cudaStream_t.
struct GpuPlace {
  int device = 0;
  void* stream = nullptr;
};

/// One more tile of pre-activations for rows that keep their k largest: what each row has kept
/// becomes the k largest of that and of its part of the tile. Ascending by latent; ties to the
/// lowest latent; NaN is the largest value and -0 equals 0.
struct KeepLargest {
  int64_t rows = 0;
  const float* tile = nullptr;  ///< [rows, stride], of which `latents` columns
  int64_t stride = 0;
  int64_t latents = 0;          ///< at least 1; had + latents below 2^31
  const float* bias = nullptr;  ///< [latents], added to each row of the tile; null: nothing
  int32_t first = 0;            ///< the latent of column 0: above all that were kept
  int64_t k = 0;                ///< at least 1
  int64_t had = 0;            ///< entries that each row has kept so far: the least of k and `first`
  int32_t* latent = nullptr;  ///< [rows, k], of which the first `had` are set
  float* value = nullptr;     ///< [rows, k]
  uint32_t* bar = nullptr;    ///< [rows], the kernel's own from tile to tile
};

/// out[i] = the sum over the entries e of row i of value[e] * weights[latent[e]], + bias.
struct DecodedRows {
  int64_t rows = 0, d = 0;
  const int64_t* start = nullptr;   ///< [rows + 1]
  const int32_t* latent = nullptr;  ///< [nnz]
  const float* value = nullptr;     ///< [nnz]
  const float* weights = nullptr;   ///< [m, d]
  const float* bias = nullptr;      ///< [d]; null: nothing
  float* out = nullptr;             ///< [rows, d]
};

/// out[e] = x[row[e]] . weights[latent[e]].
struct EntryDots {
  int64_t entries = 0, d = 0;
  const int64_t* row = nullptr;     ///< [entries]
  const int32_t* latent = nullptr;  ///< [entries]
  const float* x = nullptr;         ///< [n, d]
  const float* weights = nullptr;   ///< [m, d]
  float* out = nullptr;             ///< [entries]
};

/// out[l] = the sum over e = offset[l] .. offset[l + 1] - 1, in this order, of weight[e] *
/// (x[row[e]] - shift). Entries of weight 0 are left out.
struct LatentSums {
  int64_t latents = 0, d = 0;
  const int64_t* offset = nullptr;  ///< [latents + 1]
  const int64_t* row = nullptr;     ///< [nnz], of entries by latent
  const float* weight = nullptr;    ///< [nnz], of entries by latent
  const float* x = nullptr;         ///< [n, d]; null: ones, d is 1 and row not read
  const float* shift = nullptr;     ///< [d]; null: nothing
  float* out = nullptr;             ///< [latents, d]
};

/// vectors::adam() of n floats.
struct AdamStep {
  int64_t n = 0;
  float* param = nullptr;
  const float* gradient = nullptr;  ///< null: zeros, vectors::adam_idle()
  float* first = nullptr;
  float* second = nullptr;
  vectors::AdamFactors factors{};
};

/// Divides each row of w [rows, d] by its L2 norm + eps.
struct UnitRows {
  int64_t rows = 0, d = 0;
  float* w = nullptr;
  float eps = 0;
};

/// Takes from each row of gradient [rows, d] its part along the same row of w.
struct ProjectedRows {
  int64_t rows = 0, d = 0;
  float* gradient = nullptr;
  const float* w = nullptr;
  float eps = 0;
};

/// The kernels. Each puts its work into the place's stream and returns null, or a text of what
/// went wrong. No rows are no work. The same input gives the same bits.
struct RowKernels {
  const char* (*keep_largest)(const GpuPlace&, const KeepLargest&);
  const char* (*decode)(const GpuPlace&, const DecodedRows&);
  const char* (*dots)(const GpuPlace&, const EntryDots&);
  const char* (*sums_by_latent)(const GpuPlace&, const LatentSums&);
  const char* (*adam)(const GpuPlace&, const AdamStep&);
  const char* (*normalise)(const GpuPlace&, const UnitRows&);
  const char* (*project)(const GpuPlace&, const ProjectedRows&);
};

/// Those of row_kernels.cu; null in a build without CUDA.
const RowKernels* cuda_kernels();

}  // namespace facet
