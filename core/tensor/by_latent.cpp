// Codes turned round, and the sums over them.
#include "tensor/by_latent.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"
#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr int64_t kLatentsPerTask = 64;
constexpr int64_t kRowsPerPartialSum = 256;

}  // namespace

ByLatent::ByLatent(const Codes& codes)
    : offset(static_cast<size_t>(codes.d_sae) + 1),
      order(static_cast<size_t>(codes.nonzeros())),
      row(static_cast<size_t>(codes.nonzeros())) {
  const int64_t* start = codes.start.const_data_ptr<int64_t>();
  const int32_t* latent = codes.latent.const_data_ptr<int32_t>();
  const int64_t nonzeros = codes.nonzeros();
  for (int64_t e = 0; e < nonzeros; ++e) ++offset[static_cast<size_t>(latent[e]) + 1];
  for (size_t l = 1; l < offset.size(); ++l) offset[l] += offset[l - 1];
  std::vector<int64_t> next(offset.begin(), offset.end() - 1);
  for (int64_t i = 0; i < codes.rows(); ++i) {
    for (int64_t e = start[i]; e < start[i + 1]; ++e) {
      const auto slot = static_cast<size_t>(next[static_cast<size_t>(latent[e])]++);
      order[slot] = e;
      row[slot] = static_cast<int32_t>(i);
    }
  }
}

void for_each_latent(int64_t d_sae, const std::function<void(int64_t latent)>& body) {
  // Neighbouring latents are dealt out to different threads: popular ones often stand together.
  const int64_t tasks = std::max<int64_t>(1, at::get_num_threads());
  at::parallel_for(0, tasks, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      for (int64_t begin = task * kLatentsPerTask; begin < d_sae;
           begin += tasks * kLatentsPerTask) {
        const int64_t end = std::min(begin + kLatentsPerTask, d_sae);
        for (int64_t latent = begin; latent < end; ++latent) body(latent);
      }
    }
  });
}

RowsByLatent::RowsByLatent(const ByLatent& index, const float* weight, const at::Tensor& x,
                           const at::Tensor& shift)
    : index_(index),
      weight_(weight),
      rows_(x.const_data_ptr<float>()),
      d_(x.size(1)),
      shift_(shift.defined() ? shift.contiguous() : at::Tensor()) {
  FACET_ASSERT(x.is_contiguous(), "rows must be contiguous");
}

void RowsByLatent::add(int64_t latent, float* sum) const {
  constexpr size_t kTogether = 64;
  const float* minus = shift_.defined() ? shift_.const_data_ptr<float>() : nullptr;
  const auto end = static_cast<size_t>(index_.offset[static_cast<size_t>(latent) + 1]);
  float weight[kTogether];
  const float* row[kTogether];
  size_t count = 0;
  const auto add_them = [&] {
    vectors::add_all_scaled(weight, row, static_cast<int64_t>(count), minus, sum, d_);
    count = 0;
  };
  for (auto e = static_cast<size_t>(index_.offset[static_cast<size_t>(latent)]); e < end; ++e) {
    weight[count] = weight_[index_.order[e]];
    row[count] = rows_ + index_.row[e] * d_;
    if (weight[count] != 0 && ++count == kTogether) add_them();
  }
  add_them();
}

at::Tensor sum_rows_by_latent(const ByLatent& index, const float* weight, const at::Tensor& x,
                              const at::Tensor& shift) {
  const int64_t d = x.size(1);
  const at::Tensor out = at::empty({index.d_sae(), d}, x.options());  // [m, d]
  float* begin = out.mutable_data_ptr<float>();
  const RowsByLatent sums(index, weight, x, shift);
  for_each_latent(index.d_sae(), [&](int64_t latent) {
    float* sum = begin + latent * d;
    std::fill(sum, sum + d, 0.0f);
    sums.add(latent, sum);
  });
  return out;
}

at::Tensor sum_by_latent(const ByLatent& index, const float* weight) {
  const at::Tensor sums = at::empty({index.d_sae()}, at::kFloat);
  float* out = sums.mutable_data_ptr<float>();
  for (int64_t latent = 0; latent < index.d_sae(); ++latent) {
    float sum = 0;
    const auto end = static_cast<size_t>(index.offset[static_cast<size_t>(latent) + 1]);
    for (auto e = static_cast<size_t>(index.offset[static_cast<size_t>(latent)]); e < end; ++e)
      sum += weight[index.order[e]];
    out[latent] = sum;
  }
  return sums;
}

at::Tensor sum_rows(const at::Tensor& x, const float* weight) {
  FACET_ASSERT(x.is_contiguous(), "rows must be contiguous");
  const int64_t n = x.size(0);
  const int64_t d = x.size(1);
  const int64_t parts = (n + kRowsPerPartialSum - 1) / kRowsPerPartialSum;
  const at::Tensor partial = at::zeros({parts, d}, x.options());
  const float* rows = x.const_data_ptr<float>();
  float* sums = partial.mutable_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first * kRowsPerPartialSum; i < std::min(last * kRowsPerPartialSum, n); ++i) {
      const float w = weight ? weight[i] : 1.0f;
      if (w != 0) vectors::add_scaled(w, rows + i * d, sums + i / kRowsPerPartialSum * d, d);
    }
  });
  const at::Tensor total = at::zeros({d}, x.options());
  for (int64_t p = 0; p < parts; ++p)
    vectors::add_scaled(1.0f, sums + p * d, total.mutable_data_ptr<float>(), d);
  return total;
}

}  // namespace facet
