// random_k: latents and hookpoints by chance, the same for the same row.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "expect_refusal.h"
#include "plugins/short_training.h"

namespace facet {
namespace {

constexpr int64_t kKept = 4;

Value random_latents() {
  return Value::Table{{"type", "random_k"}, {"d_sae", kLatents}, {"k", kKept}};
}
Value random_layer() { return with(random_latents(), "choose", "layer"); }

Batch chance_rows(int64_t n, int64_t points, const std::string& stream = "rows") {
  Batch out;
  out.input = out.target = random_tensor({n, points, kWidth}, stream);
  return out;
}
Batch chance_part(const Batch& batch, const Tensor& index) {
  Batch out;
  out.input = out.target = batch.input.index_select(0, index);
  return out;
}

std::unique_ptr<Sae> chance_sae(const Value& section, uint64_t seed = 5) {
  return sae_of(section, shape_for(section), seed);
}

}  // namespace

TEST(RandomK, keeps_k_latents_that_the_row_draws) {
  const auto sae = chance_sae(random_latents()), other = chance_sae(random_latents(), 6);
  const at::NoGradGuard no_grad;
  const int64_t n = 2000;
  const Batch batch = chance_rows(n, 1);
  const Codes codes = sae->pass(batch, Mode::train).codes;
  EXPECT_TRUE(at::equal(codes.start, at::arange(n + 1) * kKept));
  const Tensor latent = codes.latent.view({n, kKept});
  EXPECT_TRUE(latent.diff(1, 1).gt(0).all().item<bool>());
  // Each latent is drawn about n k / m = 200 times, with a standard deviation of 13.
  const Tensor times = at::bincount(codes.latent, {}, kLatents);
  EXPECT_GT(times.min().item<int64_t>(), 200 - 70);
  EXPECT_LT(times.max().item<int64_t>(), 200 + 70);
  const Codes others = other->pass(batch, Mode::train).codes;
  EXPECT_LT(others.latent.eq(codes.latent).to(at::kFloat).mean().item<double>(), 0.3);

  const Tensor x = batch.input.select(1, 0);
  const Tensor pre = (x - param_of(*sae, "b_dec")).matmul(param_of(*sae, "W_enc"));
  const Tensor should = pre.gather(1, latent.to(at::kLong)).relu();
  EXPECT_LT((codes.value.view({n, kKept}) - should).abs().max().item<double>(), 1e-5);
}

TEST(RandomK, draws_the_same_for_a_row_in_any_batch_and_mode) {
  const at::NoGradGuard no_grad;
  const Tensor order = at::tensor({7, 0, 7, 3}, at::kLong);
  for (const Value& section : {random_latents(), random_layer()}) {
    const auto sae = chance_sae(section);
    const Batch batch = chance_rows(10, shape_for(section).points_in);
    const Pass all = sae->pass(batch, Mode::train);
    const Pass some = sae->pass(chance_part(batch, order), Mode::infer);
    const Tensor rows = all.codes.dense().index_select(0, order);
    EXPECT_TRUE(at::equal(some.codes.dense().ne(0), rows.ne(0)));
    EXPECT_LT((some.codes.dense() - rows).abs().max().item<double>(), 1e-6);
    if (!all.notes.contains("layer")) continue;
    EXPECT_TRUE(at::equal(some.notes.at("layer"), all.notes.at("layer").index_select(0, order)));
  }
}

TEST(RandomK, is_a_topk_of_the_hookpoint_that_the_row_draws) {
  const auto sae = chance_sae(random_layer());
  const at::NoGradGuard no_grad;
  const int64_t n = 900;
  const Batch batch = chance_rows(n, 3);
  const Pass pass = sae->pass(batch, Mode::train);
  EXPECT_EQ(sae->shape({3, 3, kWidth, kWidth}).points_out, 1);
  const Tensor& layer = pass.notes.at("layer");
  // 300 a hookpoint, with a standard deviation of 14.
  const Tensor times = at::bincount(layer, {}, 3);
  EXPECT_GT(times.min().item<int64_t>(), 300 - 70);
  for (int64_t i = 0; i < 20; ++i)
    EXPECT_TRUE(at::equal(pass.target[i][0], batch.input[i][layer[i].item<int64_t>()]));
  EXPECT_TRUE(at::equal(pass.notes.at("layer_weights").argmax(1), layer));
  EXPECT_TRUE(at::equal(pass.notes.at("layer_weights").sum(1), at::ones({n})));

  const auto plain = sae_of(topk(), shape_for(topk()));
  for (const char* name : {"W_enc", "W_dec", "b_enc", "b_dec"})
    param_of(*plain, name).copy_(param_of(*sae, name));
  Batch rows;
  rows.input = rows.target = pass.target;
  EXPECT_TRUE(at::equal(plain->pass(rows, Mode::train).codes.dense(), pass.codes.dense()));
}

TEST(RandomK, splices_only_the_rows_that_drew_the_hookpoint) {
  const auto sae = chance_sae(random_layer());
  const at::NoGradGuard no_grad;
  const Batch batch = chance_rows(30, 3);
  const Pass seen = sae->pass(batch, Mode::infer);
  Tensor all = at::zeros({30}, at::kLong);
  for (int64_t point = 0; point < 3; ++point) {
    const Tensor live = batch.input.select(1, point);
    const Spliced spliced = sae->splice(point, live, seen);
    const Tensor kept = spliced.replaced.logical_not();
    EXPECT_TRUE(at::equal(spliced.rows.index({kept}), live.index({kept})));
    const Tensor made = seen.output.select(1, 0).index({spliced.replaced});
    EXPECT_LT((spliced.rows.index({spliced.replaced}) - made).abs().max().item<double>(), 1e-5);
    all += spliced.replaced;
  }
  EXPECT_TRUE(all.eq(1).all().item<bool>());
  const auto latents = chance_sae(random_latents());
  const Batch one = chance_rows(5, 1);
  const Pass pass = latents->pass(one, Mode::infer);
  EXPECT_TRUE(
      at::equal(latents->splice(0, one.input.select(1, 0), pass).rows, pass.output.select(1, 0)));
}

TEST(RandomK, draws_one_hookpoint_for_a_batch_as_routesae_does) {
  const auto sae = chance_sae(with(random_layer(), "draw", "batch"));
  const at::NoGradGuard no_grad;
  std::set<int64_t> trained_on, inferred_on;
  for (int i = 0; i < 20; ++i) {
    const Batch batch = chance_rows(10, 3, "rows " + std::to_string(i));
    for (const Mode mode : {Mode::train, Mode::infer}) {
      const Tensor layer = sae->pass(batch, mode).notes.at("layer");
      EXPECT_TRUE(layer.eq(layer[0]).all().item<bool>());
      (mode == Mode::train ? trained_on : inferred_on).insert(layer[0].item<int64_t>());
    }
  }
  EXPECT_EQ(trained_on.size(), 3u);
  EXPECT_EQ(inferred_on.size(), 1u);
}

TEST(RandomK, goes_back_to_the_hosts_units_of_the_hookpoint) {
  const auto normaliser = make_normaliser(
      architectures(), Value::Table{{"type", "layer_norm"}, {"eps_back", true}}, "normalize");
  const auto sae = chance_sae(random_layer());
  const at::NoGradGuard no_grad;
  Rows rows;
  rows.x = random_tensor({16, 3, kWidth}, "rows") * at::arange(1, 17).view({16, 1, 1}) + 2;
  const Batch batch = make_batch(*normaliser, rows);
  const Pass pass = sae->pass(batch, Mode::infer);
  const Tensor back = normaliser->invert(pass.target, output_stats(pass, batch.stats));
  for (int64_t i = 0; i < 16; ++i)
    EXPECT_LT((back[i][0] - rows.x[i][pass.notes.at("layer")[i].item<int64_t>()])
                  .abs()
                  .max()
                  .item<double>(),
              1e-4);
}

TEST(RandomK, can_keep_the_largest_once_trained) {
  const at::NoGradGuard no_grad;
  for (const Value& section : {random_latents(), random_layer()}) {
    const auto sae = chance_sae(with(section, "infer_k", 2));
    const Batch batch = chance_rows(10, shape_for(section).points_in);
    const Codes codes = sae->pass(batch, Mode::infer).codes;
    EXPECT_EQ(codes.value.size(0), 20);
    EXPECT_GT(codes.value.min().item<double>(), 0);
    EXPECT_FALSE(sae->inference_form().has_value());
  }
}

TEST(RandomK, does_not_fold_for_other_rows_draw_otherwise) {
  const auto normaliser = make_normaliser(architectures(), "mean", "normalize");
  MemorySource source(random_tensor({50, 1, kWidth}, "rows"));
  normaliser->fit(source, 50);
  EXPECT_FALSE(normaliser->fold(*chance_sae(random_latents())));
}

TEST(RandomK, goes_on_bit_for_bit_after_a_stop) {
  for (const Value& section :
       {random_latents(), random_layer(), with(random_layer(), "draw", "batch"),
        with(random_layer(), "compat", "routesae")})
    for (const int64_t stop_after : {1, 5, 11}) expect_same_after_a_stop(section, {}, stop_after);
  for (const Value& section : {random_latents(), random_layer()})
    expect_same_after_a_stop(section, Value::Table{{"revive_every", 4}, {"decay", 0.0}}, 5);
}

TEST(RandomK, learns_otherwise_when_a_switch_is_flipped) {
  const std::tuple<Value, std::string, Value> switches[] = {
      {random_latents(), "k", 5},
      {random_latents(), "relu", false},
      {random_latents(), "aux_coefficient", 0.0},
      {random_latents(), "error", "nmse"},
      {random_latents(), "b_dec_start", "zero"},
      {with(random_layer(), "k", 30), "relu", false},
      {random_layer(), "draw", "batch"},
  };
  for (const auto& [section, key, value] : switches)
    EXPECT_FALSE(trained(section, short_training()) ==
                 trained(with(section, key, value), short_training()))
        << emit_json(section) << ": " << key << " = " << emit_json(value);
}

TEST(RandomK, refuses_what_it_cannot_do) {
  const auto refusal = [](const Value& section, int64_t points) {
    return refusal_of([&] { sae_of(section, {points, points, kWidth, kWidth}); });
  };
  EXPECT_EQ(refusal(random_latents(), 3),
            "facet.sae.random_k: sae: random_k: reconstructs the rows of one hookpoint: is given 3 "
            "of width 12 and should return 3 of width 12");
  EXPECT_EQ(refusal(random_layer(), 1),
            "facet.sae.random_k: sae: random_k: with choose = \"layer\" draws one of several "
            "hookpoints of one width: is given 1 of width 12 and should return width 12");
  EXPECT_EQ(refusal(with(random_latents(), "k", 41), 1), "sae.k: 41 exceeds d_sae (40)");
  EXPECT_EQ(refusal(with(random_latents(), "draw", "batch"), 1),
            "sae.draw: must be \"row\" with choose = \"latents\"");
  EXPECT_EQ(refusal(with(random_layer(), "error_in", "host"), 3),
            "sae.error_in: must be \"normalised\" with choose = \"layer\"");
}

}  // namespace facet
