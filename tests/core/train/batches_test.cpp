// Turns: batches of one hookpoint after the other, epochs, resuming, and the schedule.
#include "train/batches.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace facet {
namespace {

constexpr int64_t kBatch = 16;

ActivationStream by_turns(int64_t records = 40) {
  StreamParams params = small_windows(50);
  params.layers_as = "turns";
  return ActivationStream(std::make_shared<LetterHost>(), texts(words(records)),
                          {"embeddings", "blocks.0.out"}, params);
}

/// The last checkpoint, in memory.
class Kept final : public Checkpoints {
 public:
  void save(const Checkpoint& checkpoint, const Sae& sae) override {
    kept = checkpoint;
    for (auto& [name, tensor] : kept->tensors) tensor = tensor.clone();
    weights.clear();
    for (const auto& [name, value] : sae.params()) weights.push_back(value.detach().clone());
  }
  std::optional<Checkpoint> load(Sae& sae) override {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; kept && i < weights.size(); ++i)
      Tensor(sae.params()[i].second).copy_(weights[i]);
    return kept;
  }
  std::optional<Checkpoint> kept;
  std::vector<Tensor> weights;
};

TrainParams settings(int64_t steps) {
  TrainParams params;
  params.steps = steps;
  params.batch = kBatch;
  params.lr = 0.01;
  params.checkpoint_every = 0;
  return params;
}

TEST(Batches, of_turns_have_the_hookpoints_of_the_same_tokens_one_after_the_other) {
  const ActivationStream stream = by_turns();
  const auto rows = stream.open(Order::shuffled, 3), source = stream.open(Order::shuffled, 3);
  Batches batches(*source, kBatch, 2);
  for (int block = 0; block < 4; ++block) {
    const Rows both = rows->next(2 * kBatch);
    for (int64_t turn = 0; turn < 2; ++turn)
      EXPECT_TRUE(same_bits(batches.next(), both.select(torch::arange(turn, 2 * kBatch, 2))));
  }
}

TEST(Batches, of_one_turn_are_the_sources_own) {
  const ActivationStream stream = by_turns();
  const auto rows = stream.open(Order::shuffled, 3), source = stream.open(Order::shuffled, 3);
  Batches batches(*source, kBatch, 1);
  for (int step = 0; step < 8; ++step) {
    EXPECT_TRUE(same_bits(batches.next(), rows->next(kBatch)));
    EXPECT_EQ(batches.cursor(), rows->cursor());
  }
}

// At the end of an epoch every hookpoint has had as many batches.
TEST(Batches, of_an_epoch_are_as_many_for_each_hookpoint) {
  const ActivationStream stream = by_turns();
  const auto source = stream.open(Order::shuffled, 3);
  Batches batches(*source, kBatch, 2);
  const int64_t rows = source->epoch_rows(), tokens = rows / 2;
  ASSERT_NE(tokens % kBatch, 0);
  const int64_t steps = batches.in_epoch(rows);
  EXPECT_EQ(steps, 2 * (tokens / kBatch));
  for (int64_t step = 0; step < steps; ++step) {
    EXPECT_EQ(batches.next().size(), kBatch);
    EXPECT_EQ(batches.cursor().integer("epoch"), 0) << step;
  }
  EXPECT_EQ(batches.next().size(), kBatch);
  EXPECT_EQ(batches.cursor().integer("epoch"), 1);
  EXPECT_EQ(batches.cursor().integer("turn"), 1);
}

TEST(Batches, go_on_from_every_turn) {
  const ActivationStream stream = by_turns();
  const auto source = stream.open(Order::shuffled, 3);
  Batches batches(*source, kBatch, 2);
  for (int step = 0; step < 40; ++step) {
    const Value cursor = parse_json(emit_json(batches.cursor()), "cursor");
    const auto fresh = stream.open(Order::shuffled, 3);
    Batches again(*fresh, kBatch, 2);
    again.seek(cursor);
    EXPECT_EQ(again.cursor(), cursor);
    const Rows next = batches.next();
    ASSERT_TRUE(same_bits(again.next(), next)) << step;
  }
}

TEST(Batches, are_refused_where_an_epoch_has_fewer_tokens) {
  const auto source = by_turns(3).open(Order::shuffled, 3);
  ASSERT_EQ(source->epoch_rows(), 2 * 15);
  auto sae = small_sae();
  Registry registry;
  add_core_normalisers(registry);
  const auto none = make_normaliser(registry, {}, "normalize");
  TrainHooks hooks;
  hooks.turns = 2;
  TrainParams params = settings(4);
  const std::string refused = "train.batch: 16 exceeds the rows of an epoch (15)";
  EXPECT_EQ(refusal_of([&] { fit(*sae, *none, *source, params, hooks); }), refused);
  params.steps = 0;
  params.epochs = 2;
  EXPECT_EQ(refusal_of([&] { fit(*sae, *none, *source, params, hooks); }), refused);
}

TEST(Batches, a_training_by_turns_goes_on_with_the_same_bits_and_one_normaliser_for_all) {
  Registry registry;
  add_core_normalisers(registry);
  const auto trained = [&](Kept& kept, int64_t stop_at) {
    const auto source = by_turns().open(Order::shuffled, 3);
    const auto mean = make_normaliser(registry, "mean", "normalize");
    auto sae = small_sae();
    TrainHooks hooks;
    hooks.turns = 2;
    hooks.checkpoints = &kept;
    int64_t steps = 0;
    hooks.stop = [&] { return ++steps == stop_at; };
    try {
      fit(*sae, *mean, *source, settings(31), hooks);
    } catch (const Stopped&) {
    }
    EXPECT_EQ(mean->state().array("mean").size(), 1u);
    return std::pair(std::move(sae), mean->state());
  };
  Kept none;
  const auto [whole, mean] = trained(none, -1);
  for (const int64_t stop_at : {6, 7, 29}) {
    Kept kept;
    trained(kept, stop_at);
    ASSERT_TRUE(kept.kept);
    EXPECT_EQ(kept.kept->cursor.at("source").find("turn") != nullptr, stop_at % 2 == 1);
    const auto [rest, same] = trained(kept, -1);
    EXPECT_EQ(same, mean);
    for (size_t i = 0; i < whole->params().size(); ++i)
      EXPECT_TRUE(torch::equal(rest->params()[i].second, whole->params()[i].second))
          << stop_at << " " << whole->params()[i].first;
  }
}

TEST(Schedule, moves_on_once_in_so_many_steps) {
  TrainParams one, three;
  for (TrainParams* params : {&one, &three}) {
    params->warmup = 0.2;
    params->decay = 0.4;
    params->sparsity_warmup = 0.5;
    params->schedule = "cosine";
  }
  three.steps_per_schedule = 3;
  for (int64_t step = 0; step < 30; ++step) {
    EXPECT_EQ(lr_factor(three, step, 30), lr_factor(one, step / 3, 10)) << step;
    EXPECT_EQ(lr_factor(three, step, 29), lr_factor(one, step / 3, 10)) << step;
    EXPECT_EQ(vector_lr_factor(three, step, 30), vector_lr_factor(one, step / 3, 10)) << step;
    EXPECT_EQ(sparsity_factor(three, step, 30), sparsity_factor(one, step / 3, 10)) << step;
  }
  EXPECT_EQ(falling_steps(three, 30), 12);
  EXPECT_FALSE(warmed_up(three, 15, 30));
  EXPECT_TRUE(warmed_up(three, 16, 30));
}

}  // namespace
}  // namespace facet
