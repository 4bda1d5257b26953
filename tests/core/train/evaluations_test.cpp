// A training that is watched: its bits are those of an unwatched one, and it goes on exactly.
#include "train/evaluations.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/activations/letter_host.h"
#include "core/activations/small_sae.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"
#include "facet/table.h"
#include "train/checkpoint_folder.h"

using namespace facet;

namespace {

/// Every metric and notice, without steps that a later process does again.
class Told final : public EventSink {
 public:
  void emit(const Event& event) override {
    if (event.level == Level::metric || event.name == "train.ended") events.push_back(event);
  }
  std::vector<std::string> lines(int64_t up_to = INT64_MAX) const {
    std::vector<std::string> out;
    for (const Event& event : events)
      if (event.step <= up_to)
        out.push_back(event.name + " " + std::to_string(event.step) + " " +
                      emit_json(event.fields));
    return out;
  }
  std::vector<int64_t> steps_of(const std::string& name) const {
    std::vector<int64_t> out;
    for (const Event& event : events)
      if (event.name == name) out.push_back(event.step);
    return out;
  }
  std::vector<Event> events;
};

/// What was kept, as the bytes of W_dec.
class Shelf final : public KeptSaes {
 public:
  void keep(int64_t step, const Sae& sae) override { kept[step] = weights(sae); }
  void keep_best(int64_t step, const Sae& sae) override { best[step] = weights(sae); }
  void only_best(int64_t step) override {
    std::erase_if(best, [&](const auto& one) { return one.first != step; });
  }
  static Tensor weights(const Sae& sae) { return sae.params()[0].second.detach().clone(); }
  std::map<int64_t, Tensor> kept, best;
};

class Newest final : public Checkpoints {
 public:
  void save(const Checkpoint& checkpoint, const Sae& sae) override {
    save_checkpoint(folder_ / "one", checkpoint, sae);
  }
  std::optional<Checkpoint> load(Sae& sae) override {
    if (!std::filesystem::exists(folder_ / "one")) return std::nullopt;
    return load_checkpoint(folder_ / "one", sae);
  }

 private:
  TestFolder folder_;
};

class NoRows final : public ActivationSource {
 public:
  Shape shape() const override { return {1, 1, 4, 4}; }
  Rows next(int64_t) override {
    Rows rows;
    rows.x = torch::empty({0, 1, 4});
    rows.sequence = torch::empty({0}, torch::kInt64);
    return rows;
  }
  Value cursor() const override { return {}; }
  void seek(const Value&) override {}
  std::string key() const override { return "none"; }
};

class Watched : public testing::Test {
 protected:
  static TrainParams short_training(int64_t eval_every) {
    TrainParams params;
    params.steps = 40;
    params.batch = 16;
    params.lr = 0.01;
    params.log_every = 10;
    params.checkpoint_every = 0;
    params.eval_every = eval_every;
    params.eval_batches = 2;
    return params;
  }

  struct Result {
    std::unique_ptr<SmallSae> sae = small_sae();
    TrainOutcome outcome;
    Told told;
  };

  Result train(const TrainParams& params, TrainHooks hooks = {}) {
    Result result;
    hooks.events = &result.told;
    hooks.held_out = [this] { return held_out_.open(Order::sequential, 0); };
    const auto normaliser = make_normaliser(registry_, Value(), "normalize");
    const auto source = stream_.open(Order::shuffled, 3);
    result.outcome = fit(*result.sae, *normaliser, *source, params, hooks);
    return result;
  }

  Watched() { add_core_normalisers(registry_); }

  Registry registry_;
  std::shared_ptr<LetterHost> host_ = std::make_shared<LetterHost>();
  ActivationStream stream_{host_, texts(words(40)), {"embeddings"}, small_windows(50)};
  ActivationStream held_out_{host_, texts(words(12)), {"embeddings"}, small_windows(50)};
};

Tensor all_rows(const ActivationStream& stream, int64_t rows) {
  return stream.open(Order::sequential, 0)->next(rows).x.select(1, 0).to(torch::kFloat64);
}

}  // namespace

TEST_F(Watched, figures_are_those_of_the_first_held_out_rows) {
  const auto sae = small_sae();
  const auto normaliser = make_normaliser(registry_, Value(), "normalize");
  for (const int64_t batches : {1, 2, 1000}) {
    const auto source = held_out_.open(Order::sequential, 0);
    std::map<std::string, double> is;
    for (const auto& [name, value] : evaluate(*sae, *normaliser, *source, batches, 16))
      is[name] = value;
    const Tensor x = all_rows(held_out_, batches * 16);
    ASSERT_EQ(batches < 1000, x.size(0) == batches * 16);
    const torch::NoGradGuard no_grad;
    const Codes codes = sae->encode(x.to(torch::kFloat32), Mode::infer);
    const Tensor error = (x - sae->decode(codes).to(torch::kFloat64)).square().sum(1);
    const Tensor energy = x.square().sum(1);
    const double spread = (x - x.mean(0)).square().sum().item<double>();
    EXPECT_NEAR(is.at("nmse"), (error / energy).mean().item<double>(), 1e-6);
    EXPECT_NEAR(is.at("mse"), error.mean().item<double>(), 1e-6);
    EXPECT_NEAR(is.at("explained_variance"), 1 - error.sum().item<double>() / spread, 1e-6);
    const Tensor fires = codes.dense().gt(0);
    EXPECT_NEAR(is.at("l0"), fires.sum(1).to(torch::kFloat64).mean().item<double>(), 1e-12);
    EXPECT_EQ(is.at("dead"), fires.any(0).logical_not().to(torch::kFloat64).mean().item<double>());
  }
  EXPECT_EQ(evaluation_figures().size(), 12u);
}

TEST_F(Watched, refuses_held_out_rows_that_are_none) {
  const auto sae = small_sae();
  const auto normaliser = make_normaliser(registry_, Value(), "normalize");
  NoRows source;
  EXPECT_EQ(refusal_of([&] { evaluate(*sae, *normaliser, source, 1, 16); }),
            "train.eval_on: has no rows: nothing to evaluate the SAE on");
  EXPECT_EQ(refusal_of([&] {
              const auto rows = stream_.open(Order::shuffled, 3);
              fit(*sae, *normaliser, *rows, short_training(5), {});
            }),
            "train.eval_every: 5: there are no held-out rows to evaluate on");
}

TEST_F(Watched, evaluation_changes_no_bit_of_the_training) {
  const Result alone = train(short_training(0));
  Shelf shelf;
  TrainHooks hooks;
  hooks.kept = &shelf;
  TrainParams params = short_training(3);
  params.best = "nmse";
  params.keep_checkpoints = 3;
  const Result watched = train(params, hooks);
  for (size_t i = 0; i < alone.sae->params().size(); ++i)
    EXPECT_TRUE(torch::equal(alone.sae->params()[i].second, watched.sae->params()[i].second));
  EXPECT_TRUE(torch::equal(alone.sae->buffers()[0].value, watched.sae->buffers()[0].value));
  EXPECT_TRUE(torch::equal(alone.outcome.firing_share, watched.outcome.firing_share));
  EXPECT_EQ(alone.outcome.last.loss, watched.outcome.last.loss);
  EXPECT_TRUE(alone.told.steps_of("train.eval").empty());
  EXPECT_TRUE(alone.outcome.evaluation.figures.empty());
  EXPECT_EQ(watched.told.steps_of("train.eval"),
            (std::vector<int64_t>{3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 40}));
  // An evaluated step is a recorded one.
  EXPECT_EQ(watched.told.steps_of("train.step"),
            (std::vector<int64_t>{1, 3, 6, 9, 10, 12, 15, 18, 20, 21, 24, 27, 30, 33, 36, 39, 40}));
}

TEST_F(Watched, keeps_the_best_and_those_of_the_chosen_steps) {
  Shelf shelf;
  TrainHooks hooks;
  hooks.kept = &shelf;
  TrainParams params = short_training(10);
  params.best = "train.loss";
  params.keep_checkpoints = 3;
  params.keep_at = {1, 20, 40};
  const Result result = train(params, hooks);
  const EvaluationOutcome& said = result.outcome.evaluation;
  EXPECT_EQ(said.kept, (std::vector<int64_t>{1, 10, 20, 30, 40}));
  EXPECT_EQ(shelf.kept.size(), 5u);
  EXPECT_TRUE(torch::equal(shelf.kept.at(40), Shelf::weights(*result.sae)));
  EXPECT_FALSE(torch::equal(shelf.kept.at(30), shelf.kept.at(40)));
  ASSERT_TRUE(said.best);
  EXPECT_EQ(said.best->figure, "train.loss");
  EXPECT_TRUE(torch::equal(shelf.best.at(said.best->step), shelf.kept.at(said.best->step)));
  EXPECT_EQ(shelf.best.rbegin()->first, said.best->step);
  EXPECT_EQ(said.figures.size(), evaluation_figures().size());
}

TEST_F(Watched, ends_for_want_of_improvement_and_says_why) {
  TrainParams params = short_training(2);
  params.best = "nmse";
  params.best_is = "greatest";  // it falls: nothing is better than the beginning
  params.patience = 3;
  const Result result = train(params);
  const EvaluationOutcome& said = result.outcome.evaluation;
  EXPECT_EQ(result.outcome.steps, 8);
  EXPECT_EQ(said.best->step, 2);
  const std::string why =
      "after step 8 of 40: nmse has not improved for 3 evaluations; its best "
      "is " +
      for_eyes(said.best->value) + ", after step 2";
  EXPECT_EQ(said.ended, why);
  EXPECT_EQ(result.told.events.back().name, "train.ended");
  EXPECT_EQ(result.told.events.back().fields.text("message"), "ended " + why);
  EXPECT_GT(result.outcome.firing_share.sum().item<double>(), 0);
}

TEST_F(Watched, goes_on_exactly_from_any_step) {
  TrainParams params = short_training(3);
  params.best = "explained_variance";
  params.best_is = "least";
  params.patience = 4;
  params.patience_delta = 1e-3;
  params.keep_at = {7};
  Shelf calm;
  TrainHooks hooks;
  hooks.kept = &calm;
  const Result whole = train(params, hooks);
  ASSERT_FALSE(whole.outcome.evaluation.ended.empty());
  const int64_t steps = whole.outcome.steps;
  ASSERT_GT(steps, 12);
  for (int64_t cut = 1; cut < steps; ++cut) {
    Newest checkpoints;
    Shelf rough;
    hooks.kept = &rough;
    hooks.checkpoints = &checkpoints;
    int64_t done = 0;
    hooks.on_step = [&](const StepMetrics& m, Value&) { return done = m.step, true; };
    hooks.stop = [&] { return done == cut; };
    EXPECT_THROW(train(params, hooks), Stopped);
    hooks.stop = nullptr;
    const Result resumed = train(params, hooks);
    EXPECT_TRUE(torch::equal(Shelf::weights(*resumed.sae), Shelf::weights(*whole.sae))) << cut;
    EXPECT_EQ(resumed.outcome.evaluation.ended, whole.outcome.evaluation.ended) << cut;
    EXPECT_EQ(resumed.outcome.evaluation.figures, whole.outcome.evaluation.figures) << cut;
    const auto& best = *whole.outcome.evaluation.best;
    EXPECT_EQ(resumed.outcome.evaluation.best->step, best.step) << cut;
    EXPECT_EQ(resumed.outcome.evaluation.best->value, best.value) << cut;
    EXPECT_TRUE(torch::equal(rough.best.at(best.step), calm.best.at(best.step))) << cut;
    EXPECT_TRUE(torch::equal(rough.kept.at(7), calm.kept.at(7))) << cut;
    const auto before = whole.told.lines(cut);
    std::vector<std::string> all(before);
    for (const std::string& line : resumed.told.lines()) all.push_back(line);
    EXPECT_EQ(all, whole.told.lines()) << cut;
  }
}

TEST(KeptSteps, lie_evenly_between_the_start_and_the_end) {
  TrainParams params;
  EXPECT_TRUE(kept_steps(params, 10).empty());
  params.keep_checkpoints = 3;
  EXPECT_EQ(kept_steps(params, 1000), (std::vector<int64_t>{250, 500, 750}));
  EXPECT_EQ(kept_steps(params, 10), (std::vector<int64_t>{2, 5, 7}));
  EXPECT_EQ(kept_steps(params, 4), (std::vector<int64_t>{1, 2, 3}));
  params.keep_at = {5, 1000, 500, 5};
  EXPECT_EQ(kept_steps(params, 1000), (std::vector<int64_t>{5, 250, 500, 750, 1000}));
}

TEST(KeptSteps, are_refused_beyond_the_training) {
  TrainParams params;
  params.keep_checkpoints = 4;
  EXPECT_EQ(refusal_of([&] { kept_steps(params, 4); }),
            "train.keep_checkpoints: 4 exceeds the steps between start and end (3)");
  params.keep_at = {5000};
  EXPECT_EQ(refusal_of([&] { kept_steps(params, 1000); }),
            "train.keep_at: 5000 exceeds the steps of the training (1000)");
}
