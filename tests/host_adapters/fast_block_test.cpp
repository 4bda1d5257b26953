// Products of packed weights and attention by heads: as the plain layers, whatever runs together.
#include "fast_block.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include "host_adapters/adapters.h"
#include "own_attention.h"

namespace facet {
namespace {

// Length of a row's difference, relative to the row: the order of summation in float32.
constexpr double kRounding = 1e-5;
// Roundings to eight bits, as in Esm2Golden.
constexpr double kRoundingBf16 = 4e-2;
const std::vector<std::string> kFastPoints = {"blocks.0.attn.out", "blocks.2.mlp.out", "layers.6"};

std::string protein(int64_t length) {
  std::string out;
  for (int64_t i = 0; i < length; ++i)
    out += "ACDEFGHIKLMNPQRSTVWY"[static_cast<size_t>(i * i + i * length + length) % 20];
  return out;
}

std::unique_ptr<HostModel> mini_of(const char* dtype = "f32") {
  return make_host(
      "esm2", {{"weights", FACET_TEST_SOURCE "/experiments/models/esm2_mini"}, {"dtype", dtype}});
}

/// softmax(q k^T) v by heads, q and k rotated by `angle` [n, head_dim / 2]; qkv [n, 3, heads,
/// head_dim]; all in float64.
Tensor attended_plainly(const Tensor& qkv, const Tensor& angle, double scale) {
  const int64_t half = qkv.size(3) / 2;
  const Tensor cos = angle.cos().unsqueeze(1), sin = angle.sin().unsqueeze(1);
  const auto rotated = [&](const Tensor& x) {
    const Tensor a = x.narrow(2, 0, half), b = x.narrow(2, half, half);
    return torch::cat({a * cos - b * sin, b * cos + a * sin}, 2).transpose(0, 1);
  };
  const Tensor q = rotated(qkv.select(1, 0)) * scale, k = rotated(qkv.select(1, 1));
  const Tensor map = torch::matmul(q, k.transpose(1, 2)).softmax(-1);
  return torch::matmul(map, qkv.select(1, 2).transpose(0, 1)).transpose(0, 1);
}

/// The same by attend_head().
template <class T>
Tensor attended_by_heads(const Tensor& qkv, const Tensor& angle, double scale) {
  const int64_t n = qkv.size(0), heads = qkv.size(2), head_dim = qkv.size(3);
  const Tensor in = qkv.to(c10::CppTypeToScalarType<T>::value).contiguous();
  const Tensor out = torch::full({n, heads, head_dim}, 7, in.options());
  const Tensor cos = angle.cos().to(torch::kFloat32), sin = angle.sin().to(torch::kFloat32);
  std::vector<float> room(static_cast<size_t>(layers::room_of_head(n, head_dim)), 1e30f);
  for (int64_t h = 0; h < heads; ++h) {
    const T* q = in.const_data_ptr<T>() + h * head_dim;
    layers::attend_head(layers::Head<T>{.q = q,
                                        .k = q + heads * head_dim,
                                        .v = q + 2 * heads * head_dim,
                                        .stride = 3 * heads * head_dim,
                                        .cos = cos.const_data_ptr<float>(),
                                        .sin = sin.const_data_ptr<float>(),
                                        .n = n,
                                        .head_dim = head_dim,
                                        .scale = static_cast<float>(scale),
                                        .out = out.data_ptr<T>() + h * head_dim,
                                        .out_stride = heads * head_dim},
                        room.data());
  }
  return out.to(torch::kFloat64);
}

double apart(const Tensor& a, const Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

TEST(OwnAttention, gives_softmax_of_rotated_scores_for_every_length_and_width) {
  if (!layers::attends_here()) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  for (const int64_t head_dim : {2, 8, 12, 16, 24, 32, 56, 64, 72})
    for (const int64_t n : {1, 2, 6, 7, 16, 17, 63, 64, 65, 200}) {
      const auto options = torch::TensorOptions(torch::kFloat64);
      const Tensor qkv = torch::randn({n, 3, 2, head_dim}, generator, options);
      const Tensor angle = torch::randn({n, head_dim / 2}, generator, options);
      const Tensor plain = attended_plainly(qkv, angle, 0.3);
      EXPECT_LT(apart(attended_by_heads<float>(qkv, angle, 0.3), plain), 2e-6)
          << n << " " << head_dim;
      const Tensor rounded = qkv.to(torch::kBFloat16).to(torch::kFloat64);
      EXPECT_LT(apart(attended_by_heads<c10::BFloat16>(qkv, angle, 0.3),
                      attended_plainly(rounded, angle, 0.3)),
                3e-3)
          << n << " " << head_dim;
    }
}

TEST(OwnAttention, takes_scores_of_any_size_and_passes_nan_on) {
  if (!layers::attends_here()) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  auto generator = at::make_generator<at::CPUGeneratorImpl>(4);
  Tensor qkv = torch::randn({40, 3, 1, 16}, generator, torch::TensorOptions(torch::kFloat64));
  const Tensor angle = torch::zeros({40, 8}, torch::kFloat64);
  EXPECT_LT(apart(attended_by_heads<float>(qkv, angle, 100), attended_plainly(qkv, angle, 100)),
            1e-3);  // scores of 1000 have an eps of 6e-5
  qkv[3][0][0][5] = NAN;
  const Tensor out = attended_by_heads<float>(qkv, angle, 0.3);
  EXPECT_TRUE(out[3].isnan().all().item<bool>());
  EXPECT_TRUE(out[4].isfinite().all().item<bool>());
}

TEST(FastBlock, gives_each_protein_of_a_mixed_batch_the_rows_it_has_alone) {
  const auto host = mini_of();
  std::vector<std::string> proteins;
  for (const int64_t length : {1, 700, 33, 33, 33, 1022, 2, 142, 143, 1}) {
    proteins.push_back(protein(length));
  }
  const Seen together = pass(*host, host->tokenize(proteins), kFastPoints, {.logits = true});
  const Tensor sequence = together.rows.at(kFastPoints[0]).sequence;
  for (size_t i = 0; i < proteins.size(); ++i) {
    const Seen alone = pass(*host, tokens_of(*host, {proteins[i]}), kFastPoints, {.logits = true});
    const Tensor mine = sequence == static_cast<int64_t>(i);
    for (const std::string& point : kFastPoints)
      EXPECT_LT(worst_row(together.rows.at(point).x.index({mine}), alone.rows.at(point).x),
                kRounding)
          << point << " of " << proteins[i].size();
    EXPECT_LT(worst_row(together.logits.index({mine}), alone.logits), kRounding);
  }
}

TEST(FastBlock, gives_the_rows_of_the_plain_layers) {
  const auto host = mini_of();
  const Tokens tokens = host->tokenize(std::vector<std::string>{protein(300), protein(20)});
  const Seen fast = pass(*host, tokens, kFastPoints, {.logits = true});
  const Seen plain = pass(*host, tokens, kFastPoints, {.logits = true, .gradients = true});
  for (const std::string& point : kFastPoints)
    EXPECT_LT(worst_row(fast.rows.at(point).x, plain.rows.at(point).x), kRounding) << point;
  EXPECT_TRUE(plain.logits.requires_grad() || !fast.logits.requires_grad());
}

TEST(FastBlock, gives_the_same_bits_on_any_number_of_threads) {
  const int threads = at::get_num_threads();
  for (const char* dtype : {"f32", "bf16"}) {
    const auto host = mini_of(dtype);
    for (const auto& lengths : {std::vector<int64_t>{127}, {143}, {520, 1, 520}}) {
      std::vector<std::string> proteins;
      for (const int64_t length : lengths) proteins.push_back(protein(length));
      std::vector<Tensor> rows;
      for (const int n : {1, 2, 3}) {
        at::set_num_threads(n);
        rows.push_back(
            pass(*host, host->tokenize(proteins), {"layers.6"}).rows.at("layers.6").x.clone());
      }
      EXPECT_TRUE(torch::equal(rows[0], rows[1])) << dtype << " " << lengths[0];
      EXPECT_TRUE(torch::equal(rows[0], rows[2])) << dtype << " " << lengths[0];
    }
  }
  at::set_num_threads(threads);
}

TEST(FastBlock, stays_near_float32_in_bfloat16) {
  const Tokens tokens = mini_of()->tokenize(std::vector<std::string>{protein(400), protein(9)});
  const Seen wide = pass(*mini_of(), tokens, {"layers.6"});
  const Seen narrow = pass(*mini_of("bf16"), tokens, {"layers.6"});
  EXPECT_EQ(narrow.rows.at("layers.6").x.scalar_type(), torch::kBFloat16);
  EXPECT_LT(worst_row(narrow.rows.at("layers.6").x, wide.rows.at("layers.6").x), kRoundingBf16);
}

}  // namespace
}  // namespace facet
