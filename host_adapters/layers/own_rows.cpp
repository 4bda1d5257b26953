// Loops over a row.
#include "own_rows.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <cmath>

#include "tiles.h"
#include "vectors_here.h"

namespace facet::layers {

namespace {

constexpr float kLog2OfE = 1.44269504f;
constexpr int64_t kRowsOfJob = 16;

struct NormRow {
  const float *x, *weight;
  int64_t d;
  float eps;
  float* out;
};

struct GateRow {
  const float* gate_up;
  int64_t m;
  float* out;
};

template <int W>
FACET_TILE void run(const NormRow& row) {
  using Floats = typename tiles::Vector<W>::Floats;
  Floats x, weight, sum = {};
  int64_t j = 0;
  for (; j + W <= row.d; j += W) {
    tiles::load(x, row.x + j);
    sum += x * x;
  }
  float squares = 0;
  for (int i = 0; i < W; ++i) squares += sum[i];
  for (; j < row.d; ++j) squares += row.x[j] * row.x[j];
  const float scale = 1 / std::sqrt(squares / static_cast<float>(row.d) + row.eps);
  for (j = 0; j + W <= row.d; j += W) {
    tiles::load(x, row.x + j);
    tiles::load(weight, row.weight + j);
    tiles::store(row.out + j, x * scale * weight);
  }
  for (; j < row.d; ++j) row.out[j] = row.x[j] * scale * row.weight[j];
}

/// silu(gate) up; 1 / (1 + e^-g) is written with e^-|g|, which never overflows.
template <int W>
FACET_TILE void gate(typename tiles::Vector<W>::Floats& x,
                     const typename tiles::Vector<W>::Floats& up) {
  using Floats = typename tiles::Vector<W>::Floats;
  const Floats none = {};
  Floats small = (x < none ? x : -x) * kLog2OfE;
  tiles::exp2_of<W>(small);
  const Floats above = x < none ? small : none + 1.0f;
  x = x * (above / (small + 1.0f)) * up;
}

template <int W>
FACET_TILE void run(const GateRow& row) {
  using Floats = typename tiles::Vector<W>::Floats;
  const float* up_of = row.gate_up + row.m;
  Floats x, up;
  int64_t j = 0;
  for (; j + W <= row.m; j += W) {
    tiles::load(x, row.gate_up + j);
    tiles::load(up, up_of + j);
    gate<W>(x, up);
    tiles::store(row.out + j, x);
  }
  if (j == row.m) return;
  x = up = Floats{};
  const auto bytes = static_cast<size_t>(row.m - j) * sizeof(float);
  std::memcpy(&x, row.gate_up + j, bytes);
  std::memcpy(&up, up_of + j, bytes);
  gate<W>(x, up);
  std::memcpy(row.out + j, &x, bytes);
}

#if defined(__x86_64__) && defined(__GNUC__)

template <class Row>
__attribute__((target("arch=x86-64-v4"))) void run_512(const Row& row) {
  run<16>(row);
}
template <class Row>
__attribute__((target("arch=x86-64-v3"))) void run_256(const Row& row) {
  run<8>(row);
}
template <class Row>
void run_fastest(const Row& row) {
  vectors_here() == Vectors::avx512 ? run_512(row) : run_256(row);
}

#else

template <class Row>
void run_fastest(const Row& row) {
  run<8>(row);
}

#endif

template <class RowOf>
void each_row(int64_t rows, RowOf&& row_of) {
  at::parallel_for(0, rows, kRowsOfJob, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run_fastest(row_of(i));
  });
}

}  // namespace

bool in_one_pass(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 2 && x.is_contiguous() &&
         vectors_here() != Vectors::none && !at::GradMode::is_enabled();
}

at::Tensor own_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const int64_t d = x.size(1);
  const at::Tensor out = torch::empty_like(x), factors = weight.contiguous();
  const float *from = x.const_data_ptr<float>(), *factor = factors.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  each_row(x.size(0), [&](int64_t i) {
    return NormRow{from + i * d, factor, d, static_cast<float>(eps), to + i * d};
  });
  return out;
}

at::Tensor own_gated_silu(const at::Tensor& gate_up) {
  const int64_t m = gate_up.size(1) / 2;
  const at::Tensor out = torch::empty({gate_up.size(0), m}, gate_up.options());
  const float* from = gate_up.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  each_row(gate_up.size(0), [&](int64_t i) { return GateRow{from + i * 2 * m, m, to + i * m}; });
  return out;
}

}  // namespace facet::layers
