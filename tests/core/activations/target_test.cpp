// Streams whose target is of another hookpoint: rows, stores, normalisers, and what is refused.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "activations/activation_store.h"
#include "activations/target_normaliser.h"
#include "base/sinks.h"
#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

constexpr int64_t kMany = 1000;

StreamParams towards(const Value& target, bool minus_input = false) {
  StreamParams params = small_windows();
  params.target = target;
  params.target_minus_input = minus_input;
  return params;
}

ActivationStream coder(const StreamParams& params, std::vector<std::string> points = {"embeddings"},
                       std::shared_ptr<LetterHost> host = std::make_shared<LetterHost>()) {
  return ActivationStream(host, texts(words(12)), std::move(points), params);
}

Tensor rows_of(const ActivationStream& stream) {
  return stream.open(Order::sequential, 0)->next(kMany).x;
}

// [n, 2, 4]: embeddings, blocks.0.out.
Tensor both_points() { return rows_of(coder(small_windows(), {"embeddings", "blocks.0.out"})); }

std::unique_ptr<Normaliser> pair_of(const Value& input, const Value& target, int64_t points = 1) {
  Registry registry;
  add_core_normalisers(registry);
  return make_normaliser(registry, input, target, points, "activations.normalize");
}

TEST(Target, follows_the_input_in_each_row) {
  const Tensor both = both_points();
  for (const Value& target : {Value("next"), Value("blocks.0.out"), Value("layers.1"),
                              Value(Value::Array{"blocks.0.*"})}) {
    const ActivationStream stream = coder(towards(target));
    EXPECT_TRUE(torch::equal(rows_of(stream), both)) << emit_json(target);
    EXPECT_EQ(stream.points(), std::vector<std::string>{"embeddings"});
    EXPECT_EQ(stream.target().points, std::vector<std::string>{"blocks.0.out"});
    const Shape shape = stream.shape();
    EXPECT_EQ(shape.points_in, 1);
    EXPECT_EQ(shape.points_out, 1);
    EXPECT_TRUE(shape.transcodes);
  }
  EXPECT_FALSE(coder(small_windows()).shape().transcodes);
}

TEST(Target, may_be_any_hookpoint_and_also_an_earlier_one) {
  const ActivationStream stream = coder(towards("embeddings"), {"blocks.0.out"});
  EXPECT_TRUE(torch::equal(rows_of(stream), both_points().flip(1)));
}

TEST(Target, less_its_input_is_a_difference_in_float32) {
  const Tensor both = both_points();
  const Tensor wanted = torch::stack({both.select(1, 0), both.select(1, 1) - both.select(1, 0)}, 1);
  EXPECT_TRUE(torch::equal(rows_of(coder(towards("difference"))), wanted));
  EXPECT_TRUE(torch::equal(rows_of(coder(towards("blocks.0.out", true))), wanted));
  EXPECT_TRUE(torch::equal(rows_of(coder(towards("next", true))), wanted));
}

// The points of two inputs come first, and a hookpoint that is both is read once.
TEST(Target, of_several_hookpoints_is_as_many) {
  const auto host = std::make_shared<LetterHost>();
  StreamParams params = towards(Value::Array{"embeddings", "blocks.0.out"});
  const ActivationStream stream = coder(params, {"embeddings", "blocks.0.out"}, host);
  const Tensor both = both_points();
  EXPECT_TRUE(torch::equal(rows_of(stream), torch::cat({both, both}, 1)));
  EXPECT_EQ(stream.raw_feed()->count().rows, stream.feed()->count().rows + 2 * 12);
}

TEST(Target, is_pooled_like_its_input) {
  StreamParams params = towards("difference");
  params.pool = "mean";
  StreamParams plain = small_windows();
  plain.pool = "mean";
  const Tensor both = rows_of(coder(plain, {"embeddings", "blocks.0.out"}));
  const Tensor rows = rows_of(coder(params));
  EXPECT_EQ(rows.size(0), 12);
  EXPECT_TRUE(torch::equal(rows.select(1, 0), both.select(1, 0)));
  EXPECT_TRUE(
      torch::allclose(rows.select(1, 1), both.select(1, 1) - both.select(1, 0), 1e-5, 1e-6));
}

TEST(Target, is_not_looked_at_by_max_norm) {
  // Of "aaaaab" the row of "b" is long at one hookpoint only.
  class Loud final : public HostModel {
   public:
    const HostInfo& info() const override { return plain_.info(); }
    Tokens tokenize(std::span<const std::string> texts) const override {
      return plain_.tokenize(texts);
    }
    Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                   Decoding*) override {
      std::vector<Hook> louder(hooks.begin(), hooks.end());
      for (Hook& hook : louder)
        if (hook.point == "blocks.0.out")
          hook.edit = [edit = hook.edit](Rows rows) {
            rows.x = rows.x * (1 + 99 * rows.token.eq(2).unsqueeze(1));
            return edit(rows);
          };
      return plain_.forward(tokens, louder, want, nullptr);
    }

   private:
    LetterHost plain_;
  };
  const auto rows = [](std::vector<std::string> points, StreamParams params) {
    params.max_norm = 10;
    const ActivationStream stream(std::make_shared<Loud>(), texts({"acaacb"}), std::move(points),
                                  params);
    return stream.open(Order::sequential, 0)->next(kMany).size();
  };
  EXPECT_EQ(rows({"embeddings"}, towards("next")), 6);
  EXPECT_EQ(rows({"blocks.0.out"}, towards("embeddings")), 5);
  EXPECT_EQ(rows({"embeddings", "blocks.0.out"}, small_windows()), 5);
}

TEST(Target, from_a_store_or_a_shared_pass_has_the_bits_of_the_live_stream) {
  const auto host = std::make_shared<LetterHost>();
  const TestFolder folder;
  NoSink events;
  for (const char* target : {"next", "difference"}) {
    const ActivationStream live = coder(towards(target), {"embeddings"}, host);
    ActivationStream kept = live;
    build_activations(folder / target, live, "key", events, [] {});
    kept.read_from(open_activations(folder / target, "key"));
    const ActivationStream other = coder(small_windows(), {"blocks.0.out"}, host);
    const auto together = ActivationStream::open_together({&live, &other}, Order::shuffled, 4);
    const auto stored = kept.open(Order::shuffled, 4), alone = live.open(Order::shuffled, 4);
    for (int turn = 0; turn < 20; ++turn) {
      const Rows wanted = alone->next(9);
      EXPECT_TRUE(same_bits(stored->next(9), wanted));
      EXPECT_TRUE(same_bits(together[0]->next(9), wanted));
      EXPECT_EQ(stored->cursor(), alone->cursor());
      EXPECT_EQ(together[1]->next(9).x.size(1), 1);
    }
  }
}

// A store has what the host gives: one of two hookpoints serves each direction of a transcoder.
TEST(Target, is_part_of_the_streams_identity_and_not_of_its_stores) {
  const ActivationStream plain = coder(small_windows()), next = coder(towards("next")),
                         named = coder(towards("blocks.0.out")),
                         difference = coder(towards("difference")),
                         both = coder(small_windows(), {"embeddings", "blocks.0.out"});
  EXPECT_NE(plain.key(), next.key());
  EXPECT_NE(next.key(), difference.key());
  EXPECT_NE(next.key(), both.key());
  EXPECT_EQ(next.key(), named.key());
  EXPECT_EQ(next.raw_key(), difference.raw_key());
  EXPECT_EQ(next.raw_key(), both.raw_key());
  EXPECT_EQ(emit_json(difference.describe().at("target")),
            R"({"hookpoints":["blocks.0.out"],"minus_input":true})");
  EXPECT_EQ(plain.describe().find("target"), nullptr);
}

TEST(Target, an_empty_end_of_an_epoch_has_all_points) {
  const auto source = coder(towards("next")).open(Order::sequential, 0);
  const int64_t rows = source->epoch_rows();
  source->next(rows);
  EXPECT_EQ(source->next(5).x.sizes(), (std::vector<int64_t>{0, 2, 4}));
}

TEST(Target, refuses_what_is_no_target) {
  using Points = std::vector<std::string>;
  const auto refused = [](Value target, Points points = {"embeddings"}, bool minus_input = false) {
    target.origin = {"x.toml", 3, 1, ""};
    return refusal_of([&] { coder(towards(target, minus_input), points); });
  };
  const std::string start = "x.toml:3:1: activations.target: ";
  EXPECT_EQ(
      refused("next", {"blocks.0.out"}),
      start + "letters: \"blocks.0.out\" has no hookpoint of its kind one layer on; name one");
  EXPECT_EQ(refused("wide"), start + "\"wide\" has width 6, should have that of \"embeddings\", 4");
  EXPECT_EQ(refused("layers.9"),
            start + "letters: no hookpoint \"layers.9\" (did you mean \"layers.0\"?)");
  EXPECT_EQ(refused(Value::Array{"embeddings", "blocks.0.out"}),
            start + "names 2 hookpoints, should name 1: one for each of activations.hookpoints");
  EXPECT_EQ(refused("embeddings", {"embeddings"}, true),
            start + "\"embeddings\" is the input itself: their difference is 0");
  StreamParams params = small_windows();
  params.target_minus_input = true;
  params.normalize_target = "mean";
  EXPECT_EQ(refusal_of([&] { coder(params); }),
            "activations.target_minus_input: needs activations.target, which is not set\n"
            "activations.normalize_target: needs activations.target, which is not set");
  EXPECT_EQ(refusal_of([&] {
              ActivationStream(dataset_of(std::make_shared<WaveData>(9)), towards("next"));
            }),
            "activations.target: needs rows of a host: this data makes rows by itself");
}

TEST(TargetNormaliser, normalises_input_and_target_each_by_its_own) {
  const Tensor x = both_points();
  const auto norm = pair_of("layer_norm", "none");
  EXPECT_EQ(norm->input_points(), 1);
  const Batch batch = make_batch(*norm, [&] {
    Rows rows;
    rows.x = x;
    return rows;
  }());
  const auto alone = pair_of("layer_norm", {}, 0);
  Stats stats;
  EXPECT_TRUE(torch::equal(batch.input, alone->apply(x.narrow(1, 0, 1), stats)));
  EXPECT_TRUE(torch::equal(batch.target, x.narrow(1, 1, 1)));
  EXPECT_TRUE(batch.stats.empty());
  EXPECT_TRUE(torch::equal(norm->invert(batch.target, batch.stats), x.narrow(1, 1, 1)));
}

TEST(TargetNormaliser, takes_the_target_back_by_its_own_figures) {
  const Tensor x = both_points();
  for (const char* target : {"layer_norm", "constant_norm", "mean", "expected_average"}) {
    const auto norm = pair_of("none", target);
    const auto source = coder(towards("next")).open(Order::sequential, 0);
    norm->fit(*source, kMany);
    Stats stats;
    const Tensor y = norm->apply(x, stats).narrow(1, 1, 1);
    EXPECT_FALSE(torch::equal(y, x.narrow(1, 1, 1))) << target;
    EXPECT_TRUE(torch::allclose(norm->invert(y, stats), x.narrow(1, 1, 1), 1e-4, 1e-4)) << target;
  }
}

TEST(TargetNormaliser, is_fitted_to_the_same_rows_on_both_sides) {
  const ActivationStream stream = coder(towards("next"));
  const auto both = pair_of("mean", "mean");
  const auto source = stream.open(Order::shuffled, 3);
  both->fit(*source, 10);
  const Tensor rows = stream.open(Order::shuffled, 3)->next(10).x;
  Stats stats;
  const Tensor centred = both->apply(rows, stats);
  EXPECT_LE(centred.mean(0).abs().max().item<double>(), 1e-6);
  const auto again = pair_of("mean", "mean");
  again->restore(parse_json(emit_json(both->state()), "state"));
  EXPECT_TRUE(torch::equal(again->apply(rows, stats), centred));
  EXPECT_TRUE(pair_of("none", "none")->state().empty());
}

TEST(TargetNormaliser, works_on_the_input_alone) {
  const Tensor x = both_points();
  Rows rows;
  rows.x = x.narrow(1, 0, 1);
  const auto norm = pair_of("layer_norm", "mean");
  norm->fit(*coder(towards("next")).open(Order::sequential, 0), kMany);
  const Batch batch = make_batch(*norm, rows);
  EXPECT_EQ(batch.input.size(1), 1);
  EXPECT_FALSE(batch.target.defined());
  const Tensor mean = x.narrow(1, 1, 1).mean(0, true);
  EXPECT_TRUE(torch::allclose(norm->invert(torch::zeros_like(batch.input), batch.stats),
                              mean.expand_as(batch.input), 1e-5, 1e-6));
  const auto by_row = pair_of("none", "layer_norm");
  const Batch other = make_batch(*by_row, rows);
  EXPECT_EQ(refusal_of([&] { by_row->invert(other.input, other.stats); }),
            "activations.normalize_target: it takes a row back to the host's units by figures of "
            "the row itself, and the target's rows are not given");
}

TEST(TargetNormaliser, folds_only_where_there_is_nothing_to_fold) {
  const auto sae = small_sae();
  EXPECT_TRUE(pair_of("none", "none")->fold(*sae));
  EXPECT_EQ(pair_of("none", "none")->saelens_name(), "none");
  EXPECT_FALSE(pair_of("saelens", "none")->fold(*sae));
  EXPECT_FALSE(pair_of("none", "saelens")->fold(*sae));
}

TEST(TargetNormaliser, saelens_knows_one_of_the_input_alone) {
  EXPECT_EQ(pair_of("saelens", "none")->saelens_name(), "layer_norm");
  EXPECT_EQ(pair_of("none", "saelens")->saelens_name(), "");
}

}  // namespace
}  // namespace facet
