// The definitions of the operations: plain loops over accessors, in the order of their indices.
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "facet/error.h"
#include "facet/ops.h"
#include "tensor/select.h"

namespace facet::ops::reference {
namespace {

auto matrix(const Tensor& t) { return t.accessor<float, 2>(); }
auto vector(const Tensor& t) { return t.accessor<float, 1>(); }

/// 0 for an undefined vector.
float at_or_zero(const Tensor& t, int64_t j) { return t.defined() ? vector(t)[j] : 0.0f; }

/// Calls body(row, entry) for each entry in order.
template <class Body>
void for_each_entry(const Codes& codes, const Body& body) {
  const auto start = codes.start.accessor<int64_t, 1>();
  for (int64_t i = 0; i < codes.rows(); ++i)
    for (int64_t e = start[i]; e < start[i + 1]; ++e) body(i, e);
}

float norm_of(const at::TensorAccessor<float, 1>& row, int64_t d) {
  float sum = 0;
  for (int64_t j = 0; j < d; ++j) sum += row[j] * row[j];
  return std::sqrt(sum);
}

}  // namespace

Tensor pre_activations(const Tensor& x, const Tensor& w_enc, const Tensor& b_enc,
                       const Tensor& b_dec) {
  const int64_t n = x.size(0);
  const int64_t d = x.size(1);
  const int64_t m = w_enc.size(1);
  const Tensor out = at::empty({n, m}, at::kFloat);
  auto pre = matrix(out);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t l = 0; l < m; ++l) {
      float sum = 0;
      for (int64_t j = 0; j < d; ++j)
        sum += (matrix(x)[i][j] - at_or_zero(b_dec, j)) * matrix(w_enc)[j][l];
      pre[i][l] = sum + vector(b_enc)[l];
    }
  }
  return out;
}

Codes keep_topk(const Tensor& pre, int64_t k, Negatives negatives) {
  const int64_t n = pre.size(0);
  const int64_t m = pre.size(1);
  FACET_ASSERT(k >= 1 && k <= m, "k must be between 1 and the number of latents");
  const auto row = matrix(pre);
  Codes codes;
  codes.start = at::arange(0, (n + 1) * k, k, at::kLong);
  codes.latent = at::empty({n * k}, at::kInt);
  codes.value = at::empty({n * k}, at::kFloat);
  codes.d_sae = m;
  std::vector<int32_t> order(static_cast<size_t>(m));
  for (int64_t i = 0; i < n; ++i) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return selection_key(row[i][a]) > selection_key(row[i][b]);
    });
    std::sort(order.begin(), order.begin() + k);
    for (int64_t j = 0; j < k; ++j) {
      const float v = row[i][order[static_cast<size_t>(j)]];
      codes.latent.accessor<int32_t, 1>()[i * k + j] = order[static_cast<size_t>(j)];
      vector(codes.value)[i * k + j] = v <= 0 && negatives == Negatives::zero ? 0.0f : v;
    }
  }
  return codes;
}

Codes keep_batch_topk(const Tensor& pre, int64_t count) {
  const int64_t n = pre.size(0), m = pre.size(1);
  const auto row = matrix(pre);
  std::vector<int64_t> order(static_cast<size_t>(n * m));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return selection_key(row[a / m][a % m]) > selection_key(row[b / m][b % m]);
  });
  std::sort(order.begin(), order.begin() + count);
  std::vector<int64_t> start(static_cast<size_t>(n) + 1);
  std::vector<int32_t> latent;
  std::vector<float> value;
  for (int64_t j = 0; j < count; ++j) {
    const int64_t i = order[static_cast<size_t>(j)] / m, l = order[static_cast<size_t>(j)] % m;
    if (row[i][l] <= 0) continue;
    latent.push_back(static_cast<int32_t>(l));
    value.push_back(row[i][l]);
    ++start[static_cast<size_t>(i) + 1];
  }
  std::partial_sum(start.begin(), start.end(), start.begin());
  Codes codes;
  codes.start = torch::tensor(start, at::kLong);
  codes.latent = torch::tensor(latent, at::kInt);
  codes.value = torch::tensor(value, at::kFloat);
  codes.d_sae = m;
  return codes;
}

Tensor decode(const Codes& codes, const Tensor& w_dec, const Tensor& b_dec) {
  const int64_t d = w_dec.size(1);
  const Tensor out = at::zeros({codes.rows(), d}, at::kFloat);
  auto sum = matrix(out);
  const auto latent = codes.latent.accessor<int32_t, 1>();
  for_each_entry(codes, [&](int64_t i, int64_t e) {
    for (int64_t j = 0; j < d; ++j)
      sum[i][j] += vector(codes.value)[e] * matrix(w_dec)[latent[e]][j];
  });
  for (int64_t i = 0; i < codes.rows(); ++i)
    for (int64_t j = 0; j < d; ++j) sum[i][j] += at_or_zero(b_dec, j);
  return out;
}

EncodeGradients encode_topk_backward(const Codes& codes, const Tensor& grad_value, const Tensor& x,
                                     const Tensor& w_enc, const Tensor& b_dec) {
  const int64_t d = x.size(1);
  EncodeGradients g;
  g.x = at::zeros(x.sizes(), at::kFloat);
  g.w_enc = at::zeros(w_enc.sizes(), at::kFloat);
  g.b_enc = at::zeros({w_enc.size(1)}, at::kFloat);
  if (b_dec.defined()) g.b_dec = at::zeros({d}, at::kFloat);
  for_each_entry(codes, [&](int64_t i, int64_t e) {
    if (!(vector(codes.value)[e] > 0)) return;
    const int32_t l = codes.latent.accessor<int32_t, 1>()[e];
    const float grad = vector(grad_value)[e];
    vector(g.b_enc)[l] += grad;
    for (int64_t j = 0; j < d; ++j) {
      matrix(g.x)[i][j] += grad * matrix(w_enc)[j][l];
      matrix(g.w_enc)[j][l] += grad * (matrix(x)[i][j] - at_or_zero(b_dec, j));
      if (b_dec.defined()) vector(g.b_dec)[j] -= grad * matrix(w_enc)[j][l];
    }
  });
  return g;
}

DecodeGradients decode_backward(const Codes& codes, const Tensor& grad_output,
                                const Tensor& w_dec) {
  const int64_t d = w_dec.size(1);
  DecodeGradients g;
  g.value = at::zeros({codes.nonzeros()}, at::kFloat);
  g.w_dec = at::zeros(w_dec.sizes(), at::kFloat);
  g.b_dec = at::zeros({d}, at::kFloat);
  for_each_entry(codes, [&](int64_t i, int64_t e) {
    const int32_t l = codes.latent.accessor<int32_t, 1>()[e];
    for (int64_t j = 0; j < d; ++j) {
      vector(g.value)[e] += matrix(grad_output)[i][j] * matrix(w_dec)[l][j];
      matrix(g.w_dec)[l][j] += vector(codes.value)[e] * matrix(grad_output)[i][j];
    }
  });
  for (int64_t i = 0; i < codes.rows(); ++i)
    for (int64_t j = 0; j < d; ++j) vector(g.b_dec)[j] += matrix(grad_output)[i][j];
  return g;
}

void adam_step(Tensor& param, const Tensor& gradient, Tensor& first, Tensor& second, int64_t step,
               const Adam& adam) {
  const at::NoGradGuard no_grad;
  const auto t = static_cast<double>(step);
  const Tensor g = gradient.contiguous().view({-1});
  Tensor p = param.contiguous().view({-1});
  Tensor m = first.contiguous().view({-1});
  Tensor v = second.contiguous().view({-1});
  for (int64_t i = 0; i < p.numel(); ++i) {
    const double grad = vector(g)[i];
    const double moment1 = adam.beta1 * vector(m)[i] + (1 - adam.beta1) * grad;
    const double moment2 = adam.beta2 * vector(v)[i] + (1 - adam.beta2) * grad * grad;
    const double corrected1 = moment1 / (1 - std::pow(adam.beta1, t));
    const double corrected2 = moment2 / (1 - std::pow(adam.beta2, t));
    const double decayed = vector(p)[i] * (1 - adam.lr * adam.weight_decay);
    vector(m)[i] = static_cast<float>(moment1);
    vector(v)[i] = static_cast<float>(moment2);
    vector(p)[i] =
        static_cast<float>(decayed - adam.lr * corrected1 / (std::sqrt(corrected2) + adam.eps));
  }
  param.copy_(p.view(param.sizes()));
  first.copy_(m.view(first.sizes()));
  second.copy_(v.view(second.sizes()));
}

void normalise_rows(Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  for (int64_t i = 0; i < w.size(0); ++i) {
    auto row = matrix(w)[i];
    const float norm = norm_of(row, w.size(1)) + static_cast<float>(eps);
    for (int64_t j = 0; j < w.size(1); ++j) row[j] /= norm;
  }
}

void remove_parallel(Tensor& gradient, const Tensor& w, double eps) {
  const at::NoGradGuard no_grad;
  for (int64_t i = 0; i < w.size(0); ++i) {
    const auto row = matrix(w)[i];
    auto g = matrix(gradient)[i];
    const float norm = norm_of(row, w.size(1)) + static_cast<float>(eps);
    float along = 0;
    for (int64_t j = 0; j < w.size(1); ++j) along += g[j] * (row[j] / norm);
    for (int64_t j = 0; j < w.size(1); ++j) g[j] -= along * (row[j] / norm);
  }
}

}  // namespace facet::ops::reference
