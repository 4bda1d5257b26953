// What [train] can do beside its optimiser, with every architecture: parts of a batch, bf16
// products, latents that begin anew, spikes that teach nothing.
#include <algorithm>

#include "expect_refusal.h"
#include "plugins/short_training.h"

namespace facet {
namespace {

// A mean over parts is rounded once more than a mean over the whole: of losses and weights of order
// 1, after 12 steps of 0.01.
constexpr double kRounding = 2e-5;

const std::vector<Value>& every_architecture() {
  static const std::vector<Value> all = {topk(),
                                         relu(),
                                         jumprelu(),
                                         batch_topk(),
                                         route(),
                                         gated(),
                                         matryoshka(),
                                         annealed("p_anneal"),
                                         annealed("gated_anneal")};
  return all;
}

Value options(const Value& more) { return both(short_training(), more); }

// Largest difference of any parameter after a training with and without `more`.
double apart(const Value& section, const Value& more) {
  const auto one = sae_of(section, shape_for(section)), other = sae_of(section, shape_for(section));
  train(*one, short_training());
  train(*other, options(more));
  double most = 0;
  for (size_t i = 0; i < one->params().size(); ++i)
    most = std::max(
        most, (one->params()[i].second - other->params()[i].second).abs().max().item<double>());
  return most;
}

/// Keeps the events of a name.
class Named final : public EventSink {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  void emit(const Event& event) override {
    if (event.name == name_) kept.push_back(event);
  }
  std::vector<Event> kept;

 private:
  std::string name_;
};

}  // namespace

TEST(TrainOptions, parts_of_a_batch_teach_what_the_whole_does) {
  // Terms that are means over rows; choices over a batch and shares of its variance are not. Nor
  // can jumprelu's thresholds agree for long: whether a row lies in their window hangs on the last
  // bit.
  const std::vector<Value> by_rows = {
      with(topk(), "aux_coefficient", 0.0), relu(), gated(),
      with(with(route(), "aux_coefficient", 0.0), "balance_coefficient", 0.0)};
  for (const Value& section : by_rows)
    for (const int64_t parts : {2, 5})
      EXPECT_LT(apart(section, with({}, "accumulate", parts)), kRounding)
          << emit_json(section) << " in " << parts << " parts";
  for (const Value& section : every_architecture()) {
    const Value training = options(with({}, "accumulate", 3));
    EXPECT_TRUE(trained(section, training) == trained(section, training)) << emit_json(section);
  }
  EXPECT_GT(apart(batch_topk(), with({}, "accumulate", 3)), kRounding);
}

TEST(TrainOptions, bf16_products_learn_nearly_the_same) {
  for (const Value& section : every_architecture()) {
    SCOPED_TRACE(emit_json(section));
    const auto wide = sae_of(section, shape_for(section)),
               narrow = sae_of(section, shape_for(section));
    TrainHooks hooks;
    double losses[2] = {0, 0};
    int which = 0;
    hooks.on_step = [&](const StepMetrics& m, Value&) {
      losses[which] = m.loss;
      return true;
    };
    train(*wide, short_training(), hooks);
    which = 1;
    train(*narrow, options(with({}, "precision", "bf16")), hooks);
    EXPECT_NE(losses[0], losses[1]);
    EXPECT_NEAR(losses[1] / losses[0], 1, 0.05);
    for (const auto& [name, value] : narrow->params()) EXPECT_EQ(value.dtype(), at::kFloat) << name;
  }
}

TEST(TrainOptions, plain_kernels_learn_the_same_but_for_rounding) {
  constexpr double kRounding = 1e-5;
  for (const Value& section : every_architecture()) {
    SCOPED_TRACE(emit_json(section));
    const auto sparse = sae_of(section, shape_for(section)),
               plain = sae_of(section, shape_for(section));
    train(*sparse, short_training());
    train(*plain, options(with({}, "kernels", "plain")));
    for (const auto& [name, value] : sparse->params())
      EXPECT_LT((value - param_of(*plain, name)).abs().max().item<double>(), kRounding) << name;
  }
}

TEST(TrainOptions, saving_and_looking_change_no_bit) {
  const Value training = options(Value::Table{{"steps", 120}, {"warmup", 0.1}});
  const Value small = Value::Table{{"d_sae", 400}, {"k", 2}};  // few fire, so that rows wait
  const Value wide = both(topk(), small);
  for (const Value& section :
       {wide, with(wide, "aux_coefficient", 0.1), with(wide, "decoder_norm", "after_backward"),
        with(wide, "decoder_norm", "before_pass"), with(wide, "multi_topk", 4),
        both(route(), small), both(batch_topk(), small), both(matryoshka(), small),
        with(both(batch_topk(), small), "l1_coefficient", 0.01)}) {
    SCOPED_TRACE(emit_json(section));
    const auto bits_of = [&](const Value& more, bool looks) {
      const auto sae = sae_of(section, shape_for(section));
      EXPECT_TRUE(sae->rows_may_wait());
      OneCheckpoint kept;
      TrainHooks hooks;
      hooks.checkpoints = &kept;
      hooks.reads_weights = looks;  // then no row waits for the next step
      train(*sae, both(training, more), hooks);
      return state_of(*sae);
    };
    const std::string none_waits = bits_of({}, true);
    EXPECT_TRUE(bits_of({}, false) == none_waits);
    for (const int64_t every : {7, 100})
      EXPECT_TRUE(bits_of(with({}, "checkpoint_every", every), false) == none_waits)
          << "every " << every;
  }
}

TEST(TrainOptions, dead_latents_begin_anew) {
  // Latents that cannot fire, until they begin anew.
  Value training = both(short_training(), Value::Table{{"revive_every", 4}, {"decay", 0.0}});
  for (Value section : {with(topk(), "k", 2), relu(), batch_topk(), route(), matryoshka()}) {
    SCOPED_TRACE(emit_json(section));
    const auto sae = sae_of(section, shape_for(section));
    {
      const at::NoGradGuard no_grad;
      param_of(*sae, "b_enc").slice(0, 0, 10).fill_(-100);
    }
    Named revived("train.revive");
    TrainHooks hooks;
    hooks.events = &revived;
    train(*sae, training, hooks);
    ASSERT_EQ(revived.kept.size(), 3u);  // after steps 4, 8 and 12
    EXPECT_EQ(revived.kept[0].step, 4);
    EXPECT_GE(revived.kept[0].fields.integer("latents"), 10);
    EXPECT_GT(param_of(*sae, "b_enc").min().item<double>(), -100);
  }
  training.set("decay", 0.5);  // steps 7 to 12 fall: only step 4 is left
  Named revived("train.revive");
  TrainHooks hooks;
  hooks.events = &revived;
  train(*sae_of(topk(), shape_for(topk())), training, hooks);
  EXPECT_EQ(revived.kept.size(), 1u);
}

TEST(TrainOptions, a_latent_begins_as_the_row_that_came_back_badly) {
  const auto sae = sae_of(topk(), shape_for(topk()));
  Batch rows;
  rows.input = at::zeros({2, 1, kWidth});
  rows.input[0][0][3] = 5;
  rows.input[1][0][7] = -2;
  rows.target = rows.input;
  const at::NoGradGuard no_grad;
  const Tensor before = param_of(*sae, "W_enc").clone();
  sae->revive(at::tensor({6, 9}, at::kLong), rows);
  EXPECT_NEAR(param_of(*sae, "W_dec")[6][3].item<double>(), 1, 1e-6);
  EXPECT_NEAR(param_of(*sae, "W_dec")[9][7].item<double>(), -1, 1e-6);
  // 0.2 of the mean norm of the other columns, which is 1.
  EXPECT_NEAR(param_of(*sae, "W_enc")[3][6].item<double>(), 0.2, 1e-6);
  EXPECT_TRUE(at::equal(param_of(*sae, "W_enc").select(1, 5), before.select(1, 5)));
}

TEST(TrainOptions, a_spike_changes_nothing) {
  const auto sae = sae_of(relu(), shape_for(relu()));
  const Value long_enough = both(short_training(), Value::Table{{"steps", 130},
                                                                {"warmup", 0.0},
                                                                {"decay", 0.0},
                                                                {"sparsity_warmup", 0.0},
                                                                {"skip_spikes", 3.0}});
  Named skipped("train.skip");
  TrainHooks hooks;
  hooks.events = &skipped;
  std::string before, after;
  hooks.on_step = [&](const StepMetrics& m, Value&) {
    const at::NoGradGuard no_grad;
    Tensor b_dec = param_of(*sae, "b_dec");
    if (m.step == 119) b_dec += 50;  // the next loss is far off
    if (m.step == 119) before = state_of(*sae);
    if (m.step == 120) after = state_of(*sae);
    if (m.step == 120) b_dec -= 50;
    return true;
  };
  train(*sae, long_enough, hooks);
  ASSERT_EQ(skipped.kept.size(), 1u);
  EXPECT_EQ(skipped.kept[0].step, 120);
  EXPECT_GT(skipped.kept[0].fields.number("loss"), 3 * skipped.kept[0].fields.number("mean"));
  EXPECT_TRUE(before == after);
}

TEST(TrainOptions, go_on_bit_for_bit_after_a_stop) {
  for (const Value& section : every_architecture())
    for (const Value& more : {with({}, "accumulate", 3), with({}, "precision", "bf16"),
                              with(with({}, "revive_every", 4), "decay", 0.0)})
      for (const int64_t stop_after : {3, 8}) expect_same_after_a_stop(section, more, stop_after);
  const Value spikes = Value::Table{{"steps", 130}, {"skip_spikes", 1.0001}, {"decay", 0.0}};
  expect_same_after_a_stop(relu(), spikes, 110);
  for (const char* optimiser : {"signum", "muon"})
    expect_same_after_a_stop(
        relu(), Value::Table{{"optimiser", optimiser}, {"revive_every", 4}, {"decay", 0.0}}, 6);
}

TEST(TrainOptions, refuse_what_makes_no_sense) {
  const auto refusal = [](const Value& more) {
    return refusal_of([&] { train_schema().parse("train", options(more)); });
  };
  EXPECT_EQ(refusal(with({}, "accumulate", 25)), "train.accumulate: 25 exceeds batch (24)");
  EXPECT_EQ(refusal(with({}, "skip_spikes", 0.5)), "train: skip_spikes must be above 1, or 0");
  EXPECT_EQ(refusal(with({}, "precision", "fp16")),
            "train.precision: string \"fp16\", must be one of \"fp32\", \"bf16\"");
}

}  // namespace facet
