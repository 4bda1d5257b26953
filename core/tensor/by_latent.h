// Codes turned round: the entries of each latent, rows ascending, so that gradients of weights are
// summed latent by latent, without atomics and with the same bits at any number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "facet/codes.h"

namespace facet {

/// An undefined tensor as autograd functions want it.
inline std::optional<at::Tensor> if_defined(const at::Tensor& t) {
  return t.defined() ? std::optional(t) : std::nullopt;
}

/// CPU only. Entry order[offset[l] .. offset[l + 1] - 1] of the codes are those of latent l.
struct ByLatent {
  explicit ByLatent(const Codes& codes);

  std::vector<int64_t> offset;  ///< d_sae + 1
  std::vector<int64_t> order;   ///< index of the entry in Codes
  std::vector<int32_t> row;     ///< row of the entry

  int64_t d_sae() const { return static_cast<int64_t>(offset.size()) - 1; }
};

/// Calls body(latent) for each latent, on all threads.
void for_each_latent(int64_t d_sae, const std::function<void(int64_t latent)>& body);

/// The sum over a latent's entries e of weight[e] * (x[row of e] - shift). x [n, d] contiguous
/// float32; shift [d] or undefined; weight has one float for each entry, and entries with weight 0
/// are left out. All must outlive it.
class RowsByLatent {
 public:
  RowsByLatent(const ByLatent& index, const float* weight, const at::Tensor& x,
               const at::Tensor& shift);
  /// Onto sum [d].
  void add(int64_t latent, float* sum) const;

 private:
  const ByLatent& index_;
  const float* weight_;
  const float* rows_;
  int64_t d_;
  at::Tensor shift_;
};

/// [d_sae, d]: these sums of every latent.
at::Tensor sum_rows_by_latent(const ByLatent& index, const float* weight, const at::Tensor& x,
                              const at::Tensor& shift);
/// [d_sae]: the sum of weight[e] over the entries of each latent.
at::Tensor sum_by_latent(const ByLatent& index, const float* weight);

/// [d]: the sum of weight[i] * x[i] (weight null: 1) over the rows of x [n, d], in an order that
/// depends on n alone.
at::Tensor sum_rows(const at::Tensor& x, const float* weight = nullptr);

}  // namespace facet
