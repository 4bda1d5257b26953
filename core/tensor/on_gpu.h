// The operations by the kernels of a GPU: what allots memory and cuts work into tiles. No autograd;
// ops::encode_topk and the others call these from their own.
#pragma once

#include <ATen/core/Tensor.h>

#include "facet/codes.h"
#include "tensor/cuda/row_kernels.h"
#include "tensor/vectors.h"

namespace facet::ops::on_gpu {

/// Whether kernels serve the float32 tensor `t`: it is on a GPU, and the build has CUDA.
bool serves(const Tensor& t);

/// While one lives, these kernels serve the CPU's tensors on its thread: for tests.
class KernelScope {
 public:
  explicit KernelScope(const RowKernels& kernels);
  ~KernelScope();
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  const RowKernels* before_;
};

// All of these throw UserError when the GPU refuses a kernel.

/// The k largest of each row, [n * k] each: see ops::keep_topk, but for ReLU.
struct Kept {
  Tensor latent, value;
};
Kept largest(const Tensor& pre, int64_t k);
/// Of x W_enc + b_enc, tile by tile: [n, m] is never stored. Products by LibTorch, in bf16 where
/// autocast asks for it.
Kept largest_of_products(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc, int64_t k);

/// [n, d]: as ops::decode. w_dec contiguous.
Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec);
/// [nnz]: of each entry, its row of `rows` [n, d] times its latent's row of w [m, d].
Tensor dots(const Codes& codes, const Tensor& rows, const Tensor& w);

/// The entries of codes by latent, rows ascending.
class EntriesByLatent {
 public:
  explicit EntriesByLatent(const Codes& codes);
  /// [d_sae, d]: see sum_rows_by_latent(). weight [nnz] has the order of the codes.
  Tensor sum_rows(const Tensor& weight, const Tensor& x, const Tensor& shift) const;
  /// [d_sae]: see sum_by_latent().
  Tensor sum(const Tensor& weight) const;

 private:
  Tensor sums(const Tensor& weight, const Tensor& x, const Tensor& shift, int64_t d) const;

  int64_t d_sae_;
  Tensor order_, row_;  // [nnz] int64, by latent: the entry's place in the codes, its row
  Tensor offset_;       // [d_sae + 1] int64
};

/// See ops::adam_step, ops::normalise_rows and ops::remove_parallel.
void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second,
               const vectors::AdamFactors& factors);
void normalise_rows(Tensor& w, double eps);
void remove_parallel(Tensor& gradient, const Tensor& w, double eps);

}  // namespace facet::ops::on_gpu
