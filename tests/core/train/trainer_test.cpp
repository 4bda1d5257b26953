// The trainer: it learns, goes on bit for bit, and refuses what is not finite.
#include "train/trainer.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"
#include "train/checkpoint_folder.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

/// Keeps every checkpoint in a folder of its own, as a run does.
class Folders final : public Checkpoints {
 public:
  explicit Folders(fs::path base) : base_(std::move(base)) {}
  void save(const Checkpoint& checkpoint, const Sae& sae) override {
    fs::create_directories(base_);
    save_checkpoint(base_ / std::to_string(checkpoint.turn), checkpoint, sae);
    newest = std::max(newest, checkpoint.turn);
    ++saves;
  }
  std::optional<Checkpoint> load(Sae& sae) override {
    if (newest == 0) return std::nullopt;
    return load_checkpoint(base_ / std::to_string(newest), sae);
  }
  int64_t newest = 0;
  int saves = 0;

 private:
  fs::path base_;
};

class Recorder final : public EventSink {
 public:
  void emit(const Event& event) override {
    if (event.level == Level::metric) metrics.push_back(event);
  }
  std::vector<Event> metrics;
};

/// Remembers how often it was fitted, and where the source stood afterwards.
class Counting final : public Normaliser {
 public:
  void fit(ActivationSource& source, int64_t rows) override { seen_ += source.next(rows).size(); }
  Tensor apply(const Tensor& x, Stats&) const override { return x; }
  Tensor invert(const Tensor& x, const Stats&) const override { return x; }
  Value state() const override { return Value::Table{{"seen", seen_}}; }
  void restore(const Value& state) override { seen_ = state.integer("seen"); }

 private:
  int64_t seen_ = 0;
};

class Trainer : public testing::Test {
 protected:
  Trainer() {
    add_core_normalisers(registry_);
    fs::remove_all(base_);
  }
  ~Trainer() override { fs::remove_all(base_); }

  static TrainParams steps(int64_t n) {
    TrainParams params;
    params.steps = n;
    params.batch = 16;
    params.lr = 0.01;
    params.checkpoint_every = 0;
    return params;
  }

  struct Result {
    std::unique_ptr<SmallSae> sae = small_sae();
    Value normaliser;
    TrainOutcome outcome;
    Recorder events;
  };

  Result train(const TrainParams& params, TrainHooks hooks = {}) {
    Result result;
    hooks.events = &result.events;
    Counting normaliser;
    const auto source = stream_.open(Order::shuffled, 3);
    result.outcome = fit(*result.sae, normaliser, *source, params, hooks);
    result.normaliser = normaliser.state();
    return result;
  }

  static void expect_equal(const Result& a, const Result& b) {
    for (size_t i = 0; i < a.sae->params().size(); ++i)
      EXPECT_TRUE(torch::equal(a.sae->params()[i].second, b.sae->params()[i].second))
          << a.sae->params()[i].first;
    EXPECT_TRUE(torch::equal(a.sae->buffers()[0].value, b.sae->buffers()[0].value));
    EXPECT_TRUE(torch::equal(a.outcome.firing_share, b.outcome.firing_share));
    EXPECT_EQ(a.normaliser, b.normaliser);
    EXPECT_EQ(a.outcome.last.loss, b.outcome.last.loss);
    EXPECT_EQ(a.outcome.rows, b.outcome.rows);
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_train_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  Registry registry_;
  std::shared_ptr<LetterHost> host_ = std::make_shared<LetterHost>();
  ActivationStream stream_{host_, texts(words(40)), {"embeddings"}, small_windows(50)};
};

TEST_F(Trainer, lowers_the_loss_and_reports_it) {
  TrainParams params = steps(200);
  params.log_every = 10;
  const Result result = train(params);
  ASSERT_EQ(result.events.metrics.size(), 21u);
  const Event& first = result.events.metrics.front();
  const Event& last = result.events.metrics.back();
  EXPECT_EQ(first.name, "train.step");
  EXPECT_EQ(first.step, 1);
  EXPECT_EQ(last.step, 200);
  EXPECT_LT(last.fields.number("loss"), first.fields.number("loss") / 2);
  for (const char* key : {"loss", "l0", "dead", "lr", "rows", "mse"})
    EXPECT_TRUE(first.fields.find(key)) << key;
  EXPECT_EQ(result.outcome.steps, 200);
  EXPECT_EQ(result.outcome.rows, 3200);
  EXPECT_EQ(result.sae->starts, 1);
  EXPECT_EQ(result.sae->buffers()[0].value.item<double>(), 200);
}

// Several at once: two of one stream, one of another hookpoint of the same host.
TEST_F(Trainer, several_together_learn_what_each_learns_alone) {
  const TrainParams params = steps(40);
  const ActivationStream second(host_, texts(words(40)), {"blocks.0.out"}, small_windows(50));
  const auto alone = [&](const ActivationStream& stream) {
    Result result;
    TrainHooks hooks;
    hooks.events = &result.events;
    Counting normaliser;
    const auto source = stream.open(Order::shuffled, 3);
    result.outcome = fit(*result.sae, normaliser, *source, params, hooks);
    result.normaliser = normaliser.state();
    return result;
  };
  const Result one = alone(stream_), other = alone(second);
  const size_t passes_of_one = host_->batches.size() / 2;
  host_->batches.clear();
  stream_.open(Order::sequential, 0)->next(100000);
  const size_t look = host_->batches.size();
  host_->batches.clear();

  std::vector<Result> together(3);
  std::vector<Counting> normalisers(3);
  const auto sources = ActivationStream::open_together({&stream_, &second}, Order::shuffled, 3);
  std::vector<Trainee> trainees;
  for (size_t i = 0; i < 3; ++i) {
    TrainHooks hooks;
    hooks.name = std::to_string(i);
    hooks.events = &together[i].events;
    trainees.push_back(
        {together[i].sae.get(), &normalisers[i], sources[i == 1 ? 1 : 0].get(), hooks});
  }
  const auto outcomes = fit_together(trainees, params);
  for (size_t i = 0; i < 3; ++i) {
    together[i].outcome = outcomes[i];
    together[i].normaliser = normalisers[i].state();
    expect_equal(together[i], i == 1 ? other : one);
    EXPECT_EQ(together[i].events.metrics.size(), one.events.metrics.size());
  }
  // Each stream's normaliser has its own look at the rows.
  EXPECT_LE(host_->batches.size(), passes_of_one + look);
}

TEST_F(Trainer, one_of_several_may_end_earlier_and_a_stop_saves_all_in_one_turn) {
  TrainParams params = steps(30);
  params.checkpoint_every = 4;
  const auto train_two = [&](std::vector<Result>& results, int64_t stop_after,
                             std::vector<std::unique_ptr<Folders>>& folders) {
    std::vector<Counting> normalisers(2);
    const auto source = stream_.open(Order::shuffled, 3);
    int64_t turns = 0;
    std::vector<Trainee> trainees;
    for (size_t i = 0; i < 2; ++i) {
      TrainHooks hooks;
      hooks.name = i == 0 ? "short" : "long";
      hooks.events = &results[i].events;
      hooks.checkpoints = folders[i].get();
      hooks.on_step = [i](const StepMetrics& m, Value&) { return i == 1 || m.step < 10; };
      hooks.stop = [&] { return ++turns == stop_after; };
      trainees.push_back({results[i].sae.get(), &normalisers[i], source.get(), hooks});
    }
    const auto outcomes = fit_together(trainees, params);
    for (size_t i = 0; i < 2; ++i) results[i].outcome = outcomes[i];
  };
  const auto folders_at = [&](const std::string& name) {
    std::vector<std::unique_ptr<Folders>> out;
    for (const char* which : {"short", "long"})
      out.push_back(std::make_unique<Folders>(base_ / name / which));
    return out;
  };
  std::vector<Result> calm(2), cut(2), resumed(2);
  auto at_rest = folders_at("calm"), folders = folders_at("cut");
  train_two(calm, 0, at_rest);
  EXPECT_EQ(calm[0].outcome.steps, 10);
  EXPECT_EQ(calm[1].outcome.steps, 30);
  try {
    train_two(cut, 17, folders);
    ADD_FAILURE() << "not stopped";
  } catch (const Stopped& e) {
    EXPECT_STREQ(e.what(),
                 "train: short: stopped after step 10 of 30\ntrain: long: stopped after step 17 of "
                 "30");
  }
  train_two(resumed, 0, folders);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(resumed[i].outcome.steps, calm[i].outcome.steps);
    for (size_t p = 0; p < calm[i].sae->params().size(); ++p)
      EXPECT_TRUE(
          torch::equal(calm[i].sae->params()[p].second, resumed[i].sae->params()[p].second));
    EXPECT_TRUE(torch::equal(calm[i].outcome.firing_share, resumed[i].outcome.firing_share));
  }
}

// Latents that are all alike: no bound tells them apart.
TEST_F(Trainer, counts_the_rows_that_an_encoder_worked_out_whole) {
  TrainParams params = steps(4);
  params.log_every = 2;
  const auto dense_rows = [&](bool alike) {
    const auto sae = small_sae({.d_sae = 600, .k = 2});
    if (alike)
      for (const auto& [name, value] : sae->params())
        if (name == "W_enc") value.detach().copy_(value.detach().select(1, 0).clone().unsqueeze(1));
    Recorder events;
    TrainHooks hooks;
    hooks.events = &events;
    params.lr = 0;
    Counting normaliser;
    const auto source = stream_.open(Order::shuffled, 3);
    fit(*sae, normaliser, *source, params, hooks);
    std::vector<int64_t> out;
    for (const Event& event : events.metrics)
      if (event.name == "train.dense_rows")
        out.insert(out.end(),
                   {event.step, event.fields.integer("rows"), event.fields.integer("dense")});
    return out;
  };
  EXPECT_EQ(dense_rows(false), (std::vector<int64_t>{}));
  EXPECT_EQ(dense_rows(true), (std::vector<int64_t>{1, 16, 16, 2, 16, 16, 4, 32, 32}));
}

TEST_F(Trainer, firing_share_is_of_the_last_tenth) {
  const Result result = train(steps(50));
  const Tensor share = result.outcome.firing_share;
  EXPECT_EQ(share.scalar_type(), torch::kFloat64);
  EXPECT_GT(share.sum().item<double>(), 0.5);
  EXPECT_LE(share.sum().item<double>(), 2);  // k
  const Tensor rows = share * (5 * 16);
  EXPECT_TRUE(torch::equal(rows, rows.round()));
}

TEST_F(Trainer, goes_on_bit_for_bit_from_any_step) {
  const Result whole = train(steps(40));
  for (const int64_t cut : {1, 2, 9, 20, 37, 39}) {
    Folders folders(base_ / std::to_string(cut));
    TrainHooks hooks;
    hooks.checkpoints = &folders;
    int64_t done = 0;
    hooks.on_step = [&](const StepMetrics& m, Value&) { return done = m.step, true; };
    hooks.stop = [&] { return done == cut; };
    EXPECT_THROW(train(steps(40), hooks), Stopped);
    EXPECT_EQ(folders.newest, cut);
    hooks.stop = nullptr;
    const Result resumed = train(steps(40), hooks);
    expect_equal(resumed, whole);
    EXPECT_EQ(resumed.sae->starts, 0);
  }
}

TEST_F(Trainer, how_often_checkpoints_are_written_changes_no_bit) {
  Folders often(base_ / "often"), rarely(base_ / "rarely");
  TrainHooks hooks;
  hooks.checkpoints = &often;
  TrainParams params = steps(40);
  params.checkpoint_every = 7;
  const Result a = train(params, hooks);
  EXPECT_EQ(often.saves, 5);
  hooks.checkpoints = &rarely;
  params.checkpoint_every = 100;
  expect_equal(a, train(params, hooks));
  EXPECT_EQ(rarely.saves, 0);
}

TEST_F(Trainer, a_checkpoint_of_the_last_step_gives_the_outcome_again) {
  Folders folders(base_);
  TrainHooks hooks;
  hooks.checkpoints = &folders;
  TrainParams params = steps(20);
  params.checkpoint_every = 20;
  const Result whole = train(params, hooks);
  expect_equal(train(params, hooks), whole);
}

TEST_F(Trainer, on_step_ends_the_training_and_its_state_is_kept) {
  Folders folders(base_);
  TrainHooks hooks;
  hooks.checkpoints = &folders;
  int calls = 0;
  hooks.on_step = [&](const StepMetrics&, Value& state) {
    const int64_t n = state.find("n") ? state.integer("n") + 1 : 1;
    state.set("n", n);
    ++calls;
    return n < 12;
  };
  hooks.stop = [&] { return calls == 5; };
  EXPECT_THROW(train(steps(40), hooks), Stopped);
  const Result result = train(steps(40), hooks);
  EXPECT_EQ(result.outcome.steps, 12);
  EXPECT_EQ(calls, 12);
  EXPECT_GT(result.outcome.firing_share.sum().item<double>(), 0.5);
}

TEST_F(Trainer, epochs_are_counted_in_whole_batches) {
  TrainParams params = steps(0);
  params.epochs = 3;
  const int64_t rows = stream_.open(Order::sequential, 0)->epoch_rows();
  EXPECT_NE(rows % params.batch, 0);
  EXPECT_EQ(train(params).outcome.steps, 3 * (rows / params.batch));
  params.epochs = 0;
  params.total_rows = 100;
  EXPECT_EQ(train(params).outcome.rows, 96);
}

TEST_F(Trainer, a_latent_is_dead_when_it_has_not_fired_for_so_many_rows) {
  TrainParams params = steps(30);
  params.dead_after_rows = 16;
  const Result soon = train(params);
  params.dead_after_rows = 1000000;
  const Result late = train(params);
  EXPECT_EQ(late.outcome.last.dead, 0);
  EXPECT_EQ(late.sae->dead_seen, 0);
  EXPECT_GE(soon.outcome.last.dead, 0);
  EXPECT_EQ(soon.outcome.last.dead * 8, std::round(soon.outcome.last.dead * 8));
}

TEST_F(Trainer, refuses_settings_that_contradict_each_other) {
  const auto refused = [](Value section) {
    section.set("steps", 5);
    return refusal_of([&] { train_schema().parse("train", section); });
  };
  EXPECT_EQ(refused(Value::Table{{"dead_after_rows", 9}, {"dead_after_steps", 2}}),
            "train.dead_after_steps: is 2, but dead_after_rows is 9: one of them should be 0");
  EXPECT_EQ(refused(Value::Table{{"fired_above", 0.1}}),
            "train: fired_above needs fired_if = \"above\"");
  EXPECT_EQ(refused(Value::Table{{"optimiser", "signum"}, {"weight_decay", 0.1}}),
            "train.weight_decay: signum has none");
  EXPECT_EQ(refused(Value::Table{{"optimiser", "sgd"}}),
            "train.optimiser: string \"sgd\", must be one of \"adam\", \"signum\", \"muon\"");
}

TEST_F(Trainer, refuses_a_loss_that_is_nan_naming_the_row) {
  host_->spoil_letter = 5;
  Folders folders(base_);
  TrainHooks hooks;
  hooks.checkpoints = &folders;
  TrainParams params = steps(100);
  params.checkpoint_every = 1;
  Counting normaliser;
  const auto source = stream_.open(Order::sequential, 0);
  const Rows rows = stream_.open(Order::sequential, 0)->next(1000);
  const int64_t bad = rows.token.eq(5).nonzero()[0][0].item<int64_t>();
  const auto sae = small_sae();
  EXPECT_EQ(refusal_of([&] { fit(*sae, normaliser, *source, params, hooks); }),
            "train: step " + std::to_string(bad / 16 + 1) +
                ": loss is nan: first bad row: sequence " +
                std::to_string(rows.sequence[bad].item<int64_t>()) + " position " +
                std::to_string(rows.position[bad].item<int64_t>()) + ": its input is not finite");
  EXPECT_EQ(folders.newest, bad / 16);
}

TEST_F(Trainer, refuses_what_the_sae_makes_infinite) {
  const auto refusal = [&](auto spoil) {
    auto sae = small_sae();
    spoil(*sae);
    Counting normaliser;
    const auto source = stream_.open(Order::sequential, 0);
    return refusal_of([&] { fit(*sae, normaliser, *source, steps(10), {}); });
  };
  EXPECT_EQ(refusal([](SmallSae& sae) { sae.spoil_loss = true; }),
            "train: step 1: loss is nan: every row and its reconstruction are finite");
  EXPECT_EQ(refusal([](SmallSae& sae) { sae.spoil_gradient = true; }),
            "train: step 1: the gradient of W_dec is not finite");
  EXPECT_EQ(refusal([](SmallSae& sae) {
              const torch::NoGradGuard no_grad;
              Tensor w_dec = sae.params()[0].second;
              w_dec.fill_(INFINITY);
            }).find("train: step 1: loss is "),
            0u);
}

TEST_F(Trainer, refuses_an_epoch_shorter_than_a_batch) {
  TrainParams params = steps(10);
  params.batch = 5000;
  const std::string rows = std::to_string(stream_.open(Order::sequential, 0)->epoch_rows());
  const std::string text = "train.batch: 5000 exceeds the rows of an epoch (" + rows + ")";
  EXPECT_EQ(refusal_of([&] { train(params); }), text);
  params.steps = 0;
  params.epochs = 2;
  EXPECT_EQ(refusal_of([&] { train(params); }), text);
}

TEST_F(Trainer, the_schema_wants_one_length) {
  const auto refusal = [](const Value& given) {
    return refusal_of([&] { train_schema().parse("train", given); });
  };
  const std::string one = "train: exactly one of steps, total_rows, epochs must be set";
  EXPECT_EQ(refusal(Value::Table{}), one);
  EXPECT_EQ(refusal(Value::Table{{"steps", 5}, {"epochs", 1}}), one);
  EXPECT_EQ(refusal(Value::Table{{"total_rows", 100}}),
            "train.batch: 4096 exceeds total_rows (100)");
  EXPECT_EQ(refusal(Value::Table{{"steps", 5}, {"warmup", 0.9}}),
            "train: warmup and decay must not exceed 1 together");
  EXPECT_EQ(refusal(Value::Table{{"steps", 5}, {"lr", 0}}), "train.lr: integer 0, must be above 0");
  EXPECT_EQ(refusal(Value::Table{{"steps", 5}}), "(no refusal)");
}

}  // namespace
}  // namespace facet
