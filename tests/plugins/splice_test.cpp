// Splice: what takes the place of which rows, in each of its forms.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include "activations/target_normaliser.h"
#include "expect_refusal.h"
#include "splicing.h"

using namespace facet;

namespace {

constexpr int64_t kToyWidth = 32;

Value small_topk(int64_t k = 6) { return Value::Table{{"type", "topk"}, {"d_sae", 48}, {"k", k}}; }

Shape toy_rows() { return {1, 1, kToyWidth, kToyWidth, false}; }

class SpliceOf : public ::testing::Test {
 protected:
  SpliceOf() { tokens_ = host_->tokenize(texts_); }

  Tensor clean() { return logits_of(*host_, tokens_, {}); }
  // The rows at a hookpoint under hooks.
  Tensor rows_at(const std::string& point, std::vector<Hook> hooks) {
    Tensor seen;
    hooks.push_back({point, [&](const Rows& rows) { return seen = rows.x, rows.x; }});
    const torch::NoGradGuard no_grad;
    host_->forward(tokens_, hooks, {});
    return seen;
  }

  std::vector<std::string> texts_ = {"MKTAYIAK", "GSHMLE"};
  std::unique_ptr<HostModel> host_ =
      make_host("toy", {{"d", kToyWidth}, {"blocks", 3}, {"seed", 4}});
  Tokens tokens_;
  std::unique_ptr<Normaliser> none_ = normaliser_of("none");
};

}  // namespace

TEST_F(SpliceOf, half_a_reconstruction_changes_the_logits_at_every_hookpoint) {
  const auto sae = drawn_sae(small_topk(), toy_rows());
  const Tensor before = clean();
  for (const HookPoint& point : host_->info().points) {
    Splice splice(*host_, *sae, *none_, {.points = {point.name}}, {.scale = 0.5});
    EXPECT_FALSE(torch::equal(spliced_logits(*host_, tokens_, splice), before)) << point.name;
  }
}

TEST_F(SpliceOf, with_the_error_term_and_no_edit_nothing_changes) {
  const auto sae = drawn_sae(small_topk(), toy_rows());
  Splice splice(*host_, *sae, *none_, {.points = {"blocks.1.out"}}, {.error_term = true});
  EXPECT_FALSE(splice.needs_clean());
  EXPECT_TRUE(near(spliced_logits(*host_, tokens_, splice), clean(), 1e-4, 1e-5));
}

TEST_F(SpliceOf, content_rows_only_keeps_the_bits_of_specials) {
  const auto sae = drawn_sae(small_topk(), toy_rows());
  Splice splice(*host_, *sae, *none_, {.points = {"blocks.0.out"}}, {});
  const Tensor before = rows_at("blocks.0.out", {});
  const Tensor after = rows_at("blocks.0.out", splice.hooks(nullptr));
  const Tensor special = tokens_.flag.bitwise_and(kSpecial).ne(0);
  EXPECT_TRUE(torch::equal(after.index({special}), before.index({special})));
  EXPECT_GT((after - before).index({~special}).abs().sum(1).min().item<float>(), 0);
  EXPECT_TRUE(torch::equal(splice.replaced(), ~special));
}

TEST_F(SpliceOf, an_edit_adds_its_change_times_the_decoder_row) {
  const auto sae = drawn_sae(small_topk(), toy_rows());
  SpliceOptions options;
  options.error_term = true;
  options.keep = 0;
  options.edit = [](const Codes& codes, const Rows&) {
    Tensor change = torch::zeros({codes.rows(), codes.d_sae});
    change.select(1, 7).fill_(2.0);
    return Codes::of(change);
  };
  Splice splice(*host_, *sae, *none_, {.points = {"blocks.0.out"}}, options);
  const Tensor moved = rows_at("blocks.0.out", splice.hooks(nullptr)) - rows_at("blocks.0.out", {});
  EXPECT_TRUE(near(moved, (2 * sae->decoder(0)[7]).expand_as(moved).detach(), 1e-5, 1e-5));
}

TEST_F(SpliceOf, in_the_units_of_a_normaliser_an_edit_is_scaled_with_the_row) {
  const auto sae = drawn_sae(small_topk(), toy_rows());
  const auto layer_norm = normaliser_of("layer_norm");
  SpliceOptions options{.error_term = true, .keep = 0};
  options.edit = [](const Codes& codes, const Rows&) {
    Tensor change = torch::zeros({codes.rows(), codes.d_sae});
    change.select(1, 3).fill_(1.0);
    return Codes::of(change);
  };
  Splice splice(*host_, *sae, *layer_norm, {.points = {"blocks.0.out"}}, options);
  const Tensor before = rows_at("blocks.0.out", {});
  const Tensor moved = rows_at("blocks.0.out", splice.hooks(nullptr)) - before;
  Stats stats;
  layer_norm->apply(before.unsqueeze(1), stats);
  const Tensor zero = layer_norm->invert(torch::zeros({before.size(0), 1, kToyWidth}), stats);
  const Tensor row = sae->decoder(0)[3].detach().expand({before.size(0), 1, kToyWidth});
  EXPECT_TRUE(near(moved, (layer_norm->invert(row, stats) - zero).select(1, 0), 1e-4, 1e-4));
}

TEST_F(SpliceOf, a_router_replaces_the_routed_tokens_alone) {
  const Shape shape{3, 3, kToyWidth, kToyWidth, false};
  const auto sae = drawn_sae(Value::Table{{"type", "route"}, {"d_sae", 48}, {"k", 6}}, shape);
  const std::vector<std::string> points = {"blocks.0.out", "blocks.1.out", "blocks.2.out"};
  Splice splice(*host_, *sae, *none_, {.points = points}, {.keep = 0});
  ASSERT_TRUE(splice.needs_clean());
  const torch::NoGradGuard no_grad;
  const Splice::Clean clean = splice.clean(tokens_, {});
  const Tensor layer = clean.pass.notes.at("layer");
  const std::vector<Hook> hooks = splice.hooks(&clean);
  for (size_t i = 0; i < points.size(); ++i) {
    Tensor arrives, leaves;
    std::vector<Hook> watched = {
        {points[i], [&](const Rows& rows) { return arrives = rows.x, rows.x; }}};
    watched.insert(watched.end(), hooks.begin(), hooks.end());
    watched.push_back({points[i], [&](const Rows& rows) { return leaves = rows.x, rows.x; }});
    host_->forward(tokens_, watched, {});
    const Tensor changed = (arrives != leaves).any(1);
    EXPECT_TRUE(torch::equal(changed, layer.eq(static_cast<int64_t>(i)))) << points[i];
  }
  EXPECT_TRUE(splice.replaced().all().item<bool>());
}

TEST_F(SpliceOf, a_crosscoder_is_overwritten_by_its_last_hookpoint_and_added_up_at_all) {
  const Shape shape{2, 2, kToyWidth, kToyWidth, false};
  const auto sae = drawn_sae(Value::Table{{"type", "crosscoder"}, {"d_sae", 48}}, shape);
  const Place place{.points = {"blocks.0.out", "blocks.1.out"}};
  Splice both(*host_, *sae, *none_, place, {.from = SpliceFrom::clean, .keep = 0});
  Splice last(*host_, *sae, *none_, place,
              {.from = SpliceFrom::clean, .keep = 0, .at = {"blocks.1.out"}});
  EXPECT_TRUE(
      torch::equal(spliced_logits(*host_, tokens_, both), spliced_logits(*host_, tokens_, last)));
  Splice added(*host_, *sae, *none_, place, {.from = SpliceFrom::difference, .keep = 0});
  const torch::NoGradGuard no_grad;
  const Splice::Clean clean = added.clean(tokens_, {});
  const Tensor first = clean.pass.output.select(1, 0);
  EXPECT_TRUE(near(rows_at("blocks.0.out", added.hooks(&clean)), first, 1e-5, 1e-5));
  EXPECT_EQ(refusal_of([&] { Splice(*host_, *sae, *none_, place, {}); }),
            "splice: splice_from is \"live\", but this SAE reads 2 hookpoints at once, should "
            "be \"clean\" or \"difference\"");
}

TEST_F(SpliceOf, an_sae_of_each_layer_is_put_at_those_that_are_named) {
  const auto sae = drawn_sae(small_topk(), toy_rows());
  const Place place{.points = {"blocks.0.out", "blocks.2.out"}, .by_layer = true};
  Splice named(*host_, *sae, *none_, place, {.at = {"blocks.2.out"}});
  Splice alone(*host_, *sae, *none_, {.points = {"blocks.2.out"}}, {});
  EXPECT_TRUE(
      torch::equal(spliced_logits(*host_, tokens_, named), spliced_logits(*host_, tokens_, alone)));
  EXPECT_EQ(refusal_of([&] { Splice(*host_, *sae, *none_, place, {.at = {"blocks.1.out"}}); }),
            "splice: at blocks.1.out: this SAE reconstructs blocks.0.out, blocks.2.out");
}

TEST_F(SpliceOf, a_transcoder_reads_one_hookpoint_and_writes_another) {
  const Shape shape{1, 1, kToyWidth, kToyWidth, true};
  const auto sae = drawn_sae(small_topk(), shape);
  const auto pair = with_target(normaliser_of("none"), normaliser_of("layer_norm"), 1);
  const Place place{.points = {"blocks.1.in"}, .target = {"blocks.1.out"}};
  Splice splice(*host_, *sae, *pair, place, {.keep = 0});
  const Tensor in = rows_at("blocks.1.in", {}), out = rows_at("blocks.1.out", {});
  const torch::NoGradGuard no_grad;
  Rows rows;
  rows.x = torch::stack({in, out}, 1);
  const Batch batch = make_batch(*pair, rows);
  const Tensor expected =
      pair->invert(sae->pass(batch, Mode::infer).output, batch.stats).select(1, 0);
  EXPECT_TRUE(near(rows_at("blocks.1.out", splice.hooks(nullptr)), expected, 1e-5, 1e-5));
  Splice less(*host_, *sae, *pair,
              {.points = place.points, .target = place.target, .minus_input = true},
              {.error_term = true, .keep = 0});
  EXPECT_TRUE(near(spliced_logits(*host_, tokens_, less), clean(), 1e-4, 1e-5));
}

TEST_F(SpliceOf, the_words_of_splice_from_are_refused_by_name) {
  EXPECT_EQ(text_of(splice_from("difference")), "difference");
  EXPECT_EQ(refusal_of([&] { splice_from("dead"); }),
            "splice_from: is \"dead\", should be one of live, clean, difference");
}
