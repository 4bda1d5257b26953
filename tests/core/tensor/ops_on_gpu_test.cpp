// The operations on a GPU against the reference; skipped, with the reason, where there is none.
#include <dlfcn.h>

#include "core/tensor/gpu_checks.h"
#include "tensor/cuda/row_kernels.h"

namespace facet {
namespace {

/// What keeps these tests from running; empty: nothing.
std::string missing() {
  if (!cuda_kernels()) return "this build has no kernels for GPUs: FACET_CUDA is off";
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL))
    return std::string("this LibTorch cannot use CUDA: ") + dlerror();
  return at::hasCUDA() ? "" : "no GPU is visible";
}

class OpsOnGpu : public testing::TestWithParam<gpu_checks::Check> {
 protected:
  void SetUp() override {
    const std::string why = missing();
    if (!why.empty()) GTEST_SKIP() << "the kernels were NOT run on a GPU: " << why;
  }
  const at::Device gpu_{at::kCUDA, 0};
};

TEST_P(OpsOnGpu, are_those_of_the_reference) { GetParam().run(gpu_); }

INSTANTIATE_TEST_SUITE_P(Gpu, OpsOnGpu, testing::ValuesIn(gpu_checks::kAll), gpu_checks::name_of);

}  // namespace
}  // namespace facet
