// Attention by heads, against softmax written out in float64.
#include "own_attention.h"

#include <ATen/CPUGeneratorImpl.h>

#include "host_adapters/adapters.h"

namespace facet {
namespace {

/// How many heads of queries there are for each of keys, and what a token sees.
struct Form {
  int64_t group = 1;
  bool causal = false;
  int64_t pads = 0;  // at the end
};

/// softmax(q k^T) v by heads, q and k rotated by `angle` [n, head_dim / 2]; qkv [n, group + 2,
/// kv_heads, head_dim]: groups of queries, keys, values; all in float64. [n, kv_heads, group,
/// head_dim].
Tensor attended_plainly(const Tensor& qkv, const Tensor& angle, double scale, Form form) {
  const int64_t half = qkv.size(3) / 2, n = qkv.size(0);
  const Tensor cos = angle.cos().unsqueeze(1), sin = angle.sin().unsqueeze(1);
  const auto rotated = [&](const Tensor& x) {
    const Tensor a = x.narrow(2, 0, half), b = x.narrow(2, half, half);
    return torch::cat({a * cos - b * sin, b * cos + a * sin}, 2).transpose(0, 1);
  };
  const Tensor k = rotated(qkv.select(1, form.group)), v = qkv.select(1, form.group + 1);
  Tensor unseen = torch::zeros({n, n}, torch::kBool);
  if (form.causal) unseen.logical_or_(torch::ones({n, n}, torch::kBool).triu(1));
  unseen.slice(1, n - form.pads).fill_(true);
  std::vector<Tensor> out;
  for (int64_t i = 0; i < form.group; ++i) {
    Tensor score = torch::matmul(rotated(qkv.select(1, i)) * scale, k.transpose(1, 2));
    score = score.masked_fill(unseen, -INFINITY);
    out.push_back(torch::matmul(score.softmax(-1), v.transpose(0, 1)).transpose(0, 1));
  }
  return torch::stack(out, 2);
}

/// The same by attend_head().
template <class T>
Tensor attended_by_own(const Tensor& qkv, const Tensor& angle, double scale, Form form) {
  const int64_t n = qkv.size(0), kv_heads = qkv.size(2), head_dim = qkv.size(3);
  const int64_t queries = kv_heads * form.group * head_dim, keys = kv_heads * head_dim;
  const Tensor q = qkv.narrow(1, 0, form.group).transpose(1, 2).reshape({n, queries});
  const Tensor kv = qkv.narrow(1, form.group, 2).reshape({n, 2 * keys});
  const Tensor in = torch::cat({q, kv}, 1).to(c10::CppTypeToScalarType<T>::value);
  const Tensor out = torch::full({n, kv_heads, form.group, head_dim}, 7, in.options());
  const Tensor cos = angle.cos().to(torch::kFloat32), sin = angle.sin().to(torch::kFloat32);
  std::vector<float> room(static_cast<size_t>(layers::room_of_head(n, head_dim)), 1e30f);
  for (int64_t h = 0; h < kv_heads; ++h) {
    const T* k = in.const_data_ptr<T>() + queries + h * head_dim;
    const int64_t column = h * form.group * head_dim;
    layers::attend_head(layers::Head<T>{.q = in.const_data_ptr<T>() + column,
                                        .k = k,
                                        .v = k + keys,
                                        .stride = in.size(1),
                                        .cos = cos.const_data_ptr<float>(),
                                        .sin = sin.const_data_ptr<float>(),
                                        .n = n,
                                        .head_dim = head_dim,
                                        .real = n - form.pads,
                                        .scale = static_cast<float>(scale),
                                        .out = out.data_ptr<T>() + column,
                                        .out_stride = queries,
                                        .causal = form.causal,
                                        .group = form.group},
                        room.data());
  }
  return out.to(torch::kFloat64);
}

double apart(const Tensor& a, const Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

TEST(OwnAttention, gives_softmax_of_rotated_scores_for_every_length_width_and_form) {
  if (!layers::attends_here()) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  for (const Form asked :
       {Form{1, false}, {1, true}, {3, true}, {2, false}, {1, true, 9}, {1, false, 1}})
    for (const int64_t head_dim : {2, 8, 12, 16, 24, 32, 56, 64, 72})
      for (const int64_t n : {1, 2, 6, 7, 16, 17, 63, 64, 65, 200}) {
        const Form form = {asked.group, asked.causal, std::min(asked.pads, n - 1)};
        const Tensor qkv = torch::randn({n, form.group + 2, 2, head_dim}, generator,
                                        torch::TensorOptions(torch::kFloat64));
        const Tensor angle =
            torch::randn({n, head_dim / 2}, generator, torch::TensorOptions(torch::kFloat64));
        const std::string what = std::to_string(n) + " " + std::to_string(head_dim) + " " +
                                 std::to_string(form.group) + (form.causal ? " causal " : " ") +
                                 std::to_string(form.pads);
        EXPECT_LT(apart(attended_by_own<float>(qkv, angle, 0.3, form),
                        attended_plainly(qkv, angle, 0.3, form)),
                  2e-6)
            << what;
        const Tensor rounded = qkv.to(torch::kBFloat16).to(torch::kFloat64);
        EXPECT_LT(apart(attended_by_own<c10::BFloat16>(qkv, angle, 0.3, form),
                        attended_plainly(rounded, angle, 0.3, form)),
                  3e-3)
            << what;
      }
}

TEST(OwnAttention, takes_scores_of_any_size_and_passes_nan_on) {
  if (!layers::attends_here()) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  auto generator = at::make_generator<at::CPUGeneratorImpl>(4);
  Tensor qkv = torch::randn({40, 3, 1, 16}, generator, torch::TensorOptions(torch::kFloat64));
  const Tensor angle = torch::zeros({40, 8}, torch::kFloat64);
  EXPECT_LT(
      apart(attended_by_own<float>(qkv, angle, 100, {}), attended_plainly(qkv, angle, 100, {})),
      1e-3);  // scores of 1000 have an eps of 6e-5
  qkv[3][0][0][5] = NAN;
  const Tensor out = attended_by_own<float>(qkv, angle, 0.3, {});
  EXPECT_TRUE(out[3].isnan().all().item<bool>());
  EXPECT_TRUE(out[4].isfinite().all().item<bool>());
}

TEST(OwnAttention, a_causal_token_sees_nothing_of_those_after_it) {
  if (!layers::attends_here()) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  Tensor qkv = torch::randn({50, 3, 1, 16}, generator, torch::TensorOptions(torch::kFloat64));
  const Tensor angle = torch::zeros({50, 8}, torch::kFloat64);
  const Tensor before = attended_by_own<float>(qkv, angle, 0.3, {1, true});
  for (const int64_t later : {1, 20, 49}) {
    Tensor other = qkv.clone();
    other.slice(0, later).fill_(NAN);
    const Tensor after = attended_by_own<float>(other, angle, 0.3, {1, true});
    // A value that is not seen has weight 0, but 0 times NaN is none.
    const int64_t tile = later / 6 * 6;
    EXPECT_TRUE(torch::equal(after.slice(0, 0, tile), before.slice(0, 0, tile))) << later;
    other.slice(0, later).fill_(1e30);
    EXPECT_TRUE(
        torch::equal(attended_by_own<float>(other, angle, 0.3, {1, true}).slice(0, 0, later),
                     before.slice(0, 0, later)))
        << later;
  }
}

}  // namespace
}  // namespace facet
