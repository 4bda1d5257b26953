// The bodies of the GPU's kernels and what launches them, on the CPU: teams of one thread, which is
// fast, and of several, which must wait for each other.
#include "tensor/on_gpu.h"

#include <algorithm>

#include "core/tensor/gpu_checks.h"
#include "core/tensor/host_kernels.h"
#include "expect_refusal.h"
#include "tensor/select.h"

namespace facet {
namespace {

class RowKernelsOnCpu : public testing::TestWithParam<gpu_checks::Check> {
 protected:
  const at::Device cpu_{at::kCPU};
  const ops::on_gpu::KernelScope scope_{kHostKernels<1>};
};

TEST_P(RowKernelsOnCpu, are_those_of_the_reference) { GetParam().run(cpu_); }

INSTANTIATE_TEST_SUITE_P(Cpu, RowKernelsOnCpu, testing::ValuesIn(gpu_checks::kAll),
                         gpu_checks::name_of);

/// What keep_largest makes of rows [n, m] that come in tiles of `width` latents.
Codes kept_in_tiles(const RowKernels& kernels, const Tensor& pre, int64_t k, int64_t width) {
  const int64_t n = pre.size(0), m = pre.size(1);
  Codes codes;
  codes.start = at::arange(0, (n + 1) * k, k, at::kLong);
  codes.latent = at::full({n * k}, -1, at::kInt);
  codes.value = at::full({n * k}, -1.0f);
  codes.d_sae = m;
  std::vector<uint32_t> bar(static_cast<size_t>(n));
  for (int64_t first = 0; first < m; first += width) {
    KeepLargest work;
    work.rows = n;
    work.tile = pre.const_data_ptr<float>() + first;
    work.stride = m;
    work.latents = std::min(width, m - first);
    work.first = static_cast<int32_t>(first);
    work.k = k;
    work.had = std::min(k, first);
    work.latent = codes.latent.mutable_data_ptr<int32_t>();
    work.value = codes.value.mutable_data_ptr<float>();
    work.bar = bar.data();
    EXPECT_EQ(kernels.keep_largest({}, work), nullptr);
  }
  return codes;
}

TEST(RowKernels, keep_the_largest_of_tiles_of_any_width) {
  const Tensor pre = gpu_checks::awkward_rows(40, 150);
  for (const int64_t k : {1, 40, 150})
    for (const int64_t width : {7, 64, 149})
      gpu_checks::expect_same(kept_in_tiles(kHostKernels<1>, pre, k, width),
                              ops::reference::keep_topk(pre, k, ops::Negatives::kept));
}

TEST(RowKernels, keep_the_same_with_teams_of_several_threads) {
  const Tensor pre = gpu_checks::awkward_rows(10, 70);
  for (const int64_t k : {1, 20})
    gpu_checks::expect_same(kept_in_tiles(kHostKernels<3>, pre, k, 32),
                            ops::reference::keep_topk(pre, k, ops::Negatives::kept));
}

TEST(RowKernels, teams_share_the_sums_of_rows) {
  const Tensor w = random_tensor({9, 45}, "w");
  Tensor is = w.clone(), expected = w.clone();
  const ops::on_gpu::KernelScope scope(kHostKernels<3>);
  ops::normalise_rows(is, 1e-7);
  ops::reference::normalise_rows(expected, 1e-7);
  EXPECT_LT(worst(is, expected), gpu_checks::kSums);
}

TEST(RowKernels, order_numbers_as_the_selection_does) {
  const Tensor rows = gpu_checks::awkward_rows(10, 500).flatten();
  const float* values = rows.const_data_ptr<float>();
  for (int64_t i = 0; i < rows.numel(); ++i)
    EXPECT_EQ(bodies::order_of(values[i]),
              static_cast<uint32_t>(selection_key(values[i])) ^ 0x80000000u);
}

TEST(RowKernels, what_a_gpu_refuses_is_an_error_of_its_device) {
  RowKernels refusing = kHostKernels<1>;
  refusing.normalise = [](const GpuPlace&, const UnitRows&) { return "no kernel image"; };
  const ops::on_gpu::KernelScope scope(refusing);
  Tensor w = at::ones({2, 3});
  EXPECT_EQ(refusal_of([&] { ops::normalise_rows(w, 1e-7); }),
            "device \"cpu\": no kernel image; a facet built with -DFACET_CUDA=OFF does without "
            "kernels of its own");
}

TEST(RowKernels, serve_no_tensor_of_the_cpu_by_themselves) {
  EXPECT_FALSE(ops::on_gpu::serves(at::ones({2})));
  const ops::on_gpu::KernelScope scope(kHostKernels<1>);
  EXPECT_TRUE(ops::on_gpu::serves(at::ones({2})));
  EXPECT_FALSE(ops::on_gpu::serves(at::ones({2}, at::kDouble)));
}

}  // namespace
}  // namespace facet
