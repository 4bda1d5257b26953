// The kernels: teams of a GPU's threads, and one launch for each body.
#include "tensor/cuda/row_kernels.h"

#include <cuda_runtime.h>

#include "tensor/cuda/row_bodies.h"
#include "tensor/cuda/select_body.h"

namespace facet {
namespace {

constexpr int kThreads = 256;
constexpr int kLanes = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int64_t kMostBlocks = int64_t{1} << 20;  // each goes on by the size of the grid

struct Warp {
  __device__ int rank() const { return static_cast<int>(threadIdx.x) % kLanes; }
  __device__ int size() const { return kLanes; }
  __device__ float sum(float x) const {
    for (int apart = kLanes / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(kAllLanes, x, apart);
    return x;
  }
};

struct Block {
  int32_t* warp_sums;  // shared, one for each warp

  __device__ int rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return kThreads; }
  __device__ void sync() const { __syncthreads(); }
  __device__ bool any(bool x) const { return __syncthreads_or(x) != 0; }
  __device__ void add(int32_t* at, int32_t x) const { atomicAdd(at, x); }

  __device__ int32_t before(int32_t x, int32_t* total) const {
    const int lane = rank() % kLanes, warp = rank() / kLanes;
    int32_t sum = x;  // over the lanes up to this one
    for (int apart = 1; apart < kLanes; apart *= 2) {
      const int32_t other = __shfl_up_sync(kAllLanes, sum, apart);
      if (lane >= apart) sum += other;
    }
    __syncthreads();  // who reads the sums of the last call has done so
    if (lane == kLanes - 1) warp_sums[warp] = sum;
    __syncthreads();
    int32_t lower = 0, all = 0;
    for (int w = 0; w < kThreads / kLanes; ++w) {
      if (w < warp) lower += warp_sums[w];
      all += warp_sums[w];
    }
    *total = all;
    return lower + sum - x;
  }
};

template <class Work>
__global__ void __launch_bounds__(kThreads) each_thread(Work work, int64_t n) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += step)
    bodies::run(work, i);
}

template <class Work>
__global__ void __launch_bounds__(kThreads) each_warp(Work work, int64_t n) {
  constexpr int kWarps = kThreads / kLanes;
  Warp warp;
  const int64_t step = static_cast<int64_t>(gridDim.x) * kWarps;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kLanes; i < n;
       i += step)
    bodies::run(warp, work, i);
}

__global__ void __launch_bounds__(kThreads) each_block(KeepLargest work, int64_t n) {
  __shared__ bodies::SelectScratch scratch;
  __shared__ int32_t warp_sums[kThreads / kLanes];
  Block block{warp_sums};
  for (int64_t i = blockIdx.x; i < n; i += gridDim.x) {
    bodies::run(block, scratch, work, i);
    __syncthreads();
  }
}

/// Runs `n` items, of which a block takes `a_block` at once.
template <class Work>
const char* launch(void (*kernel)(Work, int64_t), const GpuPlace& place, const Work& work,
                   int64_t n, int64_t a_block) {
  if (n == 0) return nullptr;
  cudaError_t error = cudaSetDevice(place.device);
  if (error == cudaSuccess) {
    const int64_t wanted = (n + a_block - 1) / a_block;
    const auto blocks = static_cast<unsigned>(wanted < kMostBlocks ? wanted : kMostBlocks);
    kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(place.stream)>>>(work, n);
    error = cudaGetLastError();
  }
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

const char* keep_largest(const GpuPlace& place, const KeepLargest& work) {
  return launch(each_block, place, work, work.rows, 1);
}

const char* decode(const GpuPlace& place, const DecodedRows& work) {
  return launch(each_thread<DecodedRows>, place, work, work.rows * work.d, kThreads);
}

const char* dots(const GpuPlace& place, const EntryDots& work) {
  return launch(each_warp<EntryDots>, place, work, work.entries, kThreads / kLanes);
}

const char* sums_by_latent(const GpuPlace& place, const LatentSums& work) {
  return launch(each_thread<LatentSums>, place, work, work.latents * work.d, kThreads);
}

const char* adam(const GpuPlace& place, const AdamStep& work) {
  return launch(each_thread<AdamStep>, place, work, work.n, kThreads);
}

const char* normalise(const GpuPlace& place, const UnitRows& work) {
  return launch(each_warp<UnitRows>, place, work, work.rows, kThreads / kLanes);
}

const char* project(const GpuPlace& place, const ProjectedRows& work) {
  return launch(each_warp<ProjectedRows>, place, work, work.rows, kThreads / kLanes);
}

constexpr RowKernels kKernels = {keep_largest, decode,    dots,   sums_by_latent,
                                 adam,         normalise, project};

}  // namespace

const RowKernels* cuda_kernels() { return &kKernels; }

}  // namespace facet
