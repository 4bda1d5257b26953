// Which evaluation is the best, when a training ends for want of a better one, and what is refused.
#include "train/best.h"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_refusal.h"

using namespace facet;

namespace {

TrainParams by(const std::string& figure) {
  TrainParams params;
  params.eval_every = 1;
  params.best = figure;
  return params;
}

StepMetrics after(int64_t step) {
  StepMetrics m;
  m.step = step;
  m.loss = 1.0 / static_cast<double>(step);
  m.losses = {{"mse", 3.0}};
  return m;
}

// The steps after which a value of the figure was the best so far; values come from step 1 on.
std::vector<int64_t> best_steps(Best& best, const std::vector<double>& values) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto step = static_cast<int64_t>(i + 1);
    if (best.add({{best.figure(), values[i]}}, after(step))) out.push_back(step);
  }
  return out;
}

std::string refusal_of_train(Value::Table given) {
  given["steps"] = 5;
  return refusal_of([&] { train_schema().parse("train", given); });
}

}  // namespace

TEST(Best, is_the_least_error_or_the_greatest_share_explained) {
  Best least(by("nmse"));
  EXPECT_EQ(best_steps(least, {0.5, 0.6, 0.4, 0.4, NAN, 0.3}), (std::vector<int64_t>{1, 3, 6}));
  EXPECT_EQ(least.value(), 0.3);
  EXPECT_EQ(least.step(), 6);
  Best greatest(by("explained_variance"));
  EXPECT_EQ(best_steps(greatest, {NAN, 0.5, 0.4, 0.7, INFINITY}), (std::vector<int64_t>{2, 4}));
  TrainParams params = by("l0");
  params.best_is = "greatest";
  Best said(params);
  EXPECT_EQ(best_steps(said, {3, 2, 4}), (std::vector<int64_t>{1, 3}));
}

TEST(Best, may_be_a_metric_of_the_step) {
  Best best(by("train.loss"));
  EXPECT_TRUE(best.add({}, after(1)));
  EXPECT_TRUE(best.add({}, after(2)));
  EXPECT_EQ(best.value(), 0.5);
  EXPECT_EQ(refusal_of([] { Best(by("train.mze")).check(after(1)); }),
            "train.best: \"train.mze\": no metric of the steps (did you mean \"train.mse\"?), "
            "should be one of train.loss, train.l0, train.dead, train.lr, train.mse");
}

TEST(Best, ends_a_training_that_has_not_improved_for_so_many_evaluations) {
  TrainParams params = by("nmse");
  params.patience = 2;
  Best best(params);
  best_steps(best, {0.5, 0.6});
  EXPECT_EQ(best.ends(), "");
  best.add({{"nmse", 0.55}}, after(3));
  EXPECT_EQ(best.ends(), "nmse has not improved for 2 evaluations; its best is 0.5, after step 1");
}

TEST(Best, small_improvements_are_kept_but_do_not_count_for_patience) {
  TrainParams params = by("nmse");
  params.patience = 2;
  params.patience_delta = 0.1;
  Best best(params);
  EXPECT_EQ(best_steps(best, {0.5, 0.45, 0.39, 0.35, 0.3}), (std::vector<int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(best.ends(),
            "nmse has not improved by more than 0.1 for 2 evaluations; its best is 0.3, after "
            "step 5");
}

TEST(Best, goes_on_from_its_state) {
  TrainParams params = by("nmse");
  params.patience = 3;
  Best whole(params), cut(params), resumed(params);
  best_steps(whole, {0.5, 0.6, 0.7});
  best_steps(cut, {0.5, 0.6});
  resumed.restore(parse_json(emit_json(cut.state()), "state"));
  EXPECT_FALSE(resumed.add({{"nmse", 0.7}}, after(3)));
  EXPECT_EQ(resumed.state(), whole.state());
  EXPECT_EQ(resumed.ends(), "");
  resumed.add({{"nmse", 0.5}}, after(4));
  EXPECT_NE(resumed.ends(), "");
}

TEST(Best, is_refused_where_it_cannot_be_meant) {
  EXPECT_EQ(refusal_of_train({{"patience", 2}}),
            "train.patience: needs best, the figure that should improve");
  EXPECT_EQ(refusal_of_train({{"best", "nmse"}}),
            "train.best: needs eval_every, how often it is looked at");
  EXPECT_EQ(refusal_of_train({{"best", "nmze"}, {"eval_every", 1}}),
            "train.best: \"nmze\": no figure of the evaluation (did you mean \"nmse\"?), should be "
            "one of nmse, fvu, explained_variance, mse, cosine, l2_ratio, "
            "relative_reconstruction_bias, l0, l0_nonzero, sparsity, l1, dead, or train.NAME, a "
            "metric of the step");
  for (const char* figure : {"l0", "train.l0"})
    EXPECT_EQ(refusal_of_train({{"best", figure}, {"eval_every", 1}}),
              std::string("train.best_is: \"auto\" does not know which ") + figure +
                  " is better, should be \"least\" or \"greatest\"");
  EXPECT_EQ(refusal_of_train({{"best_is", "most"}}),
            "train.best_is: string \"most\", must be one of \"auto\", \"least\", \"greatest\"");
  EXPECT_EQ(refusal_of_train({{"keep_at", Value::Array{3, 0}}}),
            "train.keep_at: list of 2, must be at least 1");
  EXPECT_EQ(refusal_of_train({{"keep_at", Value::Array{3, 6}}}),
            "train.keep_at: 6 exceeds steps (5)");
  EXPECT_EQ(refusal_of_train({{"best", "train.mse"}, {"eval_every", 1}}), "(no refusal)");
}
