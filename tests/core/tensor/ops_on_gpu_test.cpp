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

class OpsOnGpu : public testing::Test {
 protected:
  void SetUp() override {
    const std::string why = missing();
    if (!why.empty()) GTEST_SKIP() << "the kernels were NOT run on a GPU: " << why;
  }
  const at::Device gpu_{at::kCUDA, 0};
};

TEST_F(OpsOnGpu, keep_topk_has_the_bits_of_the_reference) {
  gpu_checks::keep_topk_has_the_bits_of_the_reference(gpu_);
}

TEST_F(OpsOnGpu, encode_topk_has_the_bits_of_the_reference) {
  gpu_checks::encode_topk_has_the_bits_of_the_reference(gpu_);
}

TEST_F(OpsOnGpu, a_step_has_the_gradients_of_the_reference) {
  gpu_checks::a_step_has_the_gradients_of_the_reference(gpu_);
}

TEST_F(OpsOnGpu, a_step_has_the_same_bits_again) {
  gpu_checks::a_step_has_the_same_bits_again(gpu_);
}

TEST_F(OpsOnGpu, decode_takes_rows_of_any_length) {
  gpu_checks::decode_takes_rows_of_any_length(gpu_);
}

TEST_F(OpsOnGpu, adam_step_equals_the_reference) {
  gpu_checks::adam_step_equals_the_reference(gpu_);
}

TEST_F(OpsOnGpu, rows_are_normalised_and_projected_like_the_reference) {
  gpu_checks::rows_are_normalised_and_projected_like_the_reference(gpu_);
}

}  // namespace
}  // namespace facet
