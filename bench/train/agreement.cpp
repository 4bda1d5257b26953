// Encodes a million rows with every kind of screen and compares with all pre-activations, worked
// out in float32 and in float64. No timing. See README.md.
#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "facet/ops.h"
#include "tensor/elsewhere.h"
#include "tensor/npy_file.h"
#include "tensor/screen.h"
#include "tensor/vectors.h"

using namespace facet;

namespace {

constexpr int64_t kBlockRows = 512;

struct Latents {
  Tensor w, b, threshold;  // [m, d], [m], [m]
  int64_t k;
};

// Directions of rows, each with noise as long as half of it.
Latents made_up(const Tensor& rows, int64_t m, int64_t k) {
  at::manual_seed(1);
  const Tensor from = rows.index_select(0, at::randint(rows.size(0), {m}, at::kLong));
  const Tensor noise = at::randn(from.sizes());
  Tensor w = from / from.norm(2, {1}, true) + 0.5 * noise / noise.norm(2, {1}, true);
  w /= w.norm(2, {1}, true);
  return {w.contiguous(), 0.1 * at::randn({m}), Tensor(), k};
}

// Row i, and a tenth to a half of another: none comes twice.
Tensor block_of(const Tensor& rows, int64_t begin, int64_t count) {
  const int64_t n = rows.size(0);
  const Tensor i = at::arange(begin, begin + count, at::kLong);
  const Tensor pass = i.floor_divide(n);
  const Tensor other = (i + 1 + 263 * pass).remainder(n);
  const Tensor share = (0.1 + 0.4 * pass.remainder(61) / 61.0).to(at::kFloat).unsqueeze(1);
  return rows.index_select(0, i.remainder(n)) + share * rows.index_select(0, other);
}

// [n, m], each the float32 sum that facet's values are.
Tensor all_exact(const Tensor& x, const Latents& of) {
  const int64_t n = x.size(0), m = of.w.size(0), d = of.w.size(1);
  const Tensor pre = at::empty({n, m});
  const float *row = x.const_data_ptr<float>(), *w = of.w.const_data_ptr<float>();
  const float* b = of.b.const_data_ptr<float>();
  float* to = pre.mutable_data_ptr<float>();
  std::vector<const float*> latents;
  for (int64_t l = 0; l < m; ++l) latents.push_back(w + l * d);
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      vectors::dots(row + i * d, latents.data(), m, d, to + i * m);
      for (int64_t l = 0; l < m; ++l) to[i * m + l] += b[l];
    }
  });
  return pre;
}

struct Tally {
  int64_t rows = 0, differ = 0;
};

// As all of float32 chooses, of each row.
void check_rows(const Screen& screen, const Tensor& x, const Codes& expected, int64_t k,
                Tally& tally) {
  const int64_t n = x.size(0);
  const Tensor latent = at::empty({n, k}, at::kInt), value = at::empty({n, k});
  screen.choose(x, k, latent.mutable_data_ptr<int32_t>(), value.mutable_data_ptr<float>());
  const Tensor differ =
      latent.ne(expected.latent.view({n, k})) | value.ne(expected.value.view({n, k}));
  tally.rows += n;
  tally.differ += differ.any(1).sum().item<int64_t>();
}

// Of all rows together, or above thresholds: every entry, or none of them counts as the same.
void check_entries(const std::optional<Screen::Entries>& is, const Codes& expected, Tally& tally) {
  if (!is) return;  // bounds that tell too little; the caller then works all of them out
  tally.rows += expected.rows();
  const bool same = torch::tensor(is->start, at::kLong).equal(expected.start) &&
                    torch::tensor(is->latent, at::kInt).equal(expected.latent) &&
                    torch::tensor(is->value, at::kFloat).equal(expected.value);
  if (!same) tally.differ += expected.rows();
}

// What float64 says of values and choices in float32.
struct Wide {
  int64_t apart = 0, differ = 0;  // rows whose k-th and next latent are further apart than the bound
  double most = 0;                // of a value's error over its bound
};

// A float32 sum of d products, however it is ordered, is off by at most (d + 1) 2^-24 |x| |w|,
// and by one rounding of the bias. source: Higham 2002, section 3.1
void check_wide(const Tensor& x, const Latents& of, const Codes& chosen, Wide& wide) {
  const int64_t n = x.size(0), k = of.k;
  const Tensor pre = at::addmm(of.b.to(at::kDouble), x.to(at::kDouble), of.w.t().to(at::kDouble));
  const double unit = std::ldexp(1.0, -24);
  const auto terms = static_cast<double>(of.w.size(1) + 2);
  const Tensor bound = x.to(at::kDouble).norm(2, {1}) *
                           (of.w.to(at::kDouble).norm(2, {1}).max() * (terms * unit)) +
                       pre.abs().amax({1}) * unit + of.b.abs().max().to(at::kDouble) * unit;  // [n]
  const auto [most, places] = pre.topk(k + 1, 1, /*largest=*/true, /*sorted=*/true);
  const Tensor apart = (most.select(1, k - 1) - most.select(1, k)) > 2 * bound;
  const Tensor best = std::get<0>(places.narrow(1, 0, k).sort(1));
  const Tensor latents = chosen.latent.view({n, k}).to(at::kLong);
  wide.apart += apart.sum().item<int64_t>();
  wide.differ += (apart & best.ne(latents).any(1)).sum().item<int64_t>();
  const Tensor error = (pre.gather(1, latents) - chosen.value.view({n, k})).abs().amax({1});
  wide.most = std::max(wide.most, (error / bound).max().item<double>());
}

const char* name_of(Numbers numbers) {
  if (numbers == Numbers::int8) return "int8";
  return numbers == Numbers::bf16 ? "bf16" : "fp32";
}

struct Checked {
  Numbers numbers;
  Screen screen;
  Tally rows, batch, above;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: agreement ROWS.npy NUMBER_OF_ROWS D_SAE K\n");
    return 2;
  }
  const at::NoGradGuard no_grad;
  const Tensor rows = NpyFile(argv[1]).tensor();
  const int64_t count = std::atoll(argv[2]), k = std::atoll(argv[4]);
  Latents latents = made_up(rows, std::atoll(argv[3]), k);
  std::vector<Checked> all;
  for (const Numbers numbers : {Numbers::int8, Numbers::bf16, Numbers::fp32})
    if (numbers != Numbers::int8 || fastest_numbers() == Numbers::int8)
      all.push_back({numbers, Screen(latents.w, latents.b, numbers), {}, {}, {}});
  Wide wide;
  for (int64_t begin = 0; begin < count; begin += kBlockRows) {
    const int64_t n = std::min(kBlockRows, count - begin);
    const Tensor x = block_of(rows, begin, n), pre = all_exact(x, latents);
    const Codes best = ops::elsewhere::keep_topk(pre, k, ops::Negatives::kept);
    if (!latents.threshold.defined())
      latents.threshold = at::full({pre.size(1)}, best.value.mean().item<float>());
    const Codes of_batch = ops::elsewhere::keep_batch_topk(pre, n * k);
    const Codes above = Codes::of(pre * (pre.gt(latents.threshold) & pre.gt(0)));
    for (Checked& one : all) {
      check_rows(one.screen, x, best, k, one.rows);
      check_entries(one.screen.choose_of_batch(x, n * k), of_batch, one.batch);
      check_entries(one.screen.choose_above(x, latents.threshold), above, one.above);
    }
    check_wide(x, latents, best, wide);
  }
  std::printf("%lld rows of %lld numbers, %lld latents, k %lld\n", static_cast<long long>(count),
              static_cast<long long>(rows.size(1)), static_cast<long long>(latents.w.size(0)),
              static_cast<long long>(k));
  int64_t differ = wide.differ;
  for (const Checked& one : all) {
    std::printf("%s: rows screened, and of these other bits than float32 throughout:", name_of(one.numbers));
    for (const auto& [what, tally] : {std::pair("k largest", one.rows), std::pair("of a batch", one.batch),
                                      std::pair("above thresholds", one.above)}) {
      std::printf(" %s %lld %lld;", what, static_cast<long long>(tally.rows),
                  static_cast<long long>(tally.differ));
      differ += tally.differ;
    }
    std::printf("\n");
  }
  std::printf("float64: %lld rows whose k-th and next latent are further apart than the bound of float32; "
              "other latents in %lld of them; the largest error of a value is %.3g of its bound\n",
              static_cast<long long>(wide.apart), static_cast<long long>(wide.differ), wide.most);
  return differ == 0 ? 0 : 1;
}
