// Bodies of pooling.
#include "activations/pool.h"

#include <facet/torch.h>

#include <algorithm>
#include <vector>

#include "facet/error.h"

namespace facet {
namespace {

// Where the runs of equal numbers begin, and the end: [runs + 1].
std::vector<int64_t> runs_of(const Tensor& sequence) {
  const Tensor numbers = sequence.contiguous();
  const auto* number = numbers.const_data_ptr<int64_t>();
  const int64_t n = numbers.size(0);
  std::vector<int64_t> begins;
  for (int64_t i = 0; i < n; ++i)
    if (i == 0 || number[i] != number[i - 1]) begins.push_back(i);
  begins.push_back(n);
  return begins;
}

// x [n, points, d] -> [points, d] float32.
Tensor mean_of(const Tensor& x) {
  const Tensor wide = x.to(torch::kFloat64).contiguous();
  const auto* number = wide.const_data_ptr<double>();
  const int64_t width = wide.size(1) * wide.size(2);
  const Tensor sum = torch::zeros({x.size(1), x.size(2)}, torch::kFloat64);
  auto* total = sum.data_ptr<double>();
  for (int64_t row = 0; row < x.size(0); ++row)
    for (int64_t i = 0; i < width; ++i) total[i] += number[row * width + i];
  return (sum / static_cast<double>(x.size(0))).to(torch::kFloat32);
}

// One latent of the sequence that is being pooled.
struct Gathered {
  double value = 0;  // the sum, or the largest
  int64_t rows = 0;  // that have the latent
};

float result_of(const Gathered& latent, int64_t rows, Pool pool) {
  if (pool == Pool::mean) return static_cast<float>(latent.value / static_cast<double>(rows));
  return static_cast<float>(latent.rows < rows ? std::max(latent.value, 0.0) : latent.value);
}

}  // namespace

Pool pool_of(const std::string& name) {
  if (name == "none") return Pool::none;
  if (name == "mean") return Pool::mean;
  FACET_ASSERT(name == "max", "no pooling \"" + name + "\"");
  return Pool::max;
}

std::string name_of(Pool pool) {
  return pool == Pool::none ? "none" : pool == Pool::mean ? "mean" : "max";
}

Rows pooled(const Rows& rows, Pool pool) {
  FACET_ASSERT(pool != Pool::none, "there is nothing to pool");
  const std::vector<int64_t> begin = runs_of(rows.sequence);
  const auto runs = static_cast<int64_t>(begin.size()) - 1;
  Rows out;
  if (rows.x.defined()) {
    out.x = torch::empty({runs, rows.x.size(1), rows.x.size(2)}, torch::kFloat32);
    for (int64_t run = 0; run < runs; ++run) {
      const Tensor x =
          rows.x.slice(0, begin[static_cast<size_t>(run)], begin[static_cast<size_t>(run) + 1]);
      out.x[run].copy_(pool == Pool::mean ? mean_of(x) : x.amax(0));
    }
  }
  const Tensor first =
      torch::tensor(std::vector<int64_t>(begin.begin(), begin.end() - 1), torch::kInt64);
  out.sequence = rows.sequence.index_select(0, first);
  out.position = torch::zeros({runs}, torch::kInt32);
  out.token = torch::zeros({runs}, torch::kInt32);
  out.flag = torch::zeros({runs}, torch::kUInt8);
  return out;
}

Codes pooled(const Codes& codes, const Tensor& sequence, Pool pool) {
  FACET_ASSERT(pool != Pool::none, "there is nothing to pool");
  FACET_ASSERT(codes.rows() == sequence.size(0), "each row of codes needs its sequence");
  const std::vector<int64_t> begin = runs_of(sequence);
  const Tensor starts = codes.start.contiguous(), latents = codes.latent.contiguous(),
               values = codes.value.contiguous();
  const auto* start = starts.const_data_ptr<int64_t>();
  const auto* latent = latents.const_data_ptr<int32_t>();
  const auto* value = values.const_data_ptr<float>();

  std::vector<Gathered> gathered(static_cast<size_t>(codes.d_sae));
  std::vector<int64_t> ends = {0};
  std::vector<int32_t> out_latent, touched;
  std::vector<float> out_value;
  for (size_t run = 0; run + 1 < begin.size(); ++run) {
    touched.clear();
    for (int64_t e = start[begin[run]]; e < start[begin[run + 1]]; ++e) {
      Gathered& of = gathered[static_cast<size_t>(latent[e])];
      if (of.rows++ == 0) touched.push_back(latent[e]);
      if (of.rows == 1)
        of.value = value[e];
      else
        of.value = pool == Pool::mean ? of.value + value[e] : std::max<double>(of.value, value[e]);
    }
    std::sort(touched.begin(), touched.end());
    for (const int32_t one : touched) {
      Gathered& of = gathered[static_cast<size_t>(one)];
      if (const float v = result_of(of, begin[run + 1] - begin[run], pool); v != 0) {
        out_latent.push_back(one);
        out_value.push_back(v);
      }
      of = {};
    }
    ends.push_back(static_cast<int64_t>(out_latent.size()));
  }
  return {torch::tensor(ends, torch::kInt64), torch::tensor(out_latent, torch::kInt32),
          torch::tensor(out_value, torch::kFloat32), codes.d_sae};
}

}  // namespace facet
