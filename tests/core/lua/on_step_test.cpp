// on_step: it may stop a training, its state lives in the checkpoints, and its errors are the
// script's.
#include <gtest/gtest.h>

#include "toy_run.h"

namespace {

const std::string kCounting =
    "local m = run:train { sae = sae, on = rows, steps = 20, batch = 16,\n"
    "  on_step = function(m, state)\n"
    "    state.seen = state.seen or {}\n"
    "    state.seen[#state.seen + 1] = m.step\n"
    "    print(table.concat(state.seen, \" \"))\n"
    "    return m.step < 5\n"
    "  end }\n"
    "print(m.steps)\n";

}  // namespace

TEST(OnStep, stops_the_training_by_false) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(kSae + kCounting);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "1\n1 2\n1 2 3\n1 2 3 4\n1 2 3 4 5\n5\n");
}

TEST(OnStep, has_its_state_again_after_a_stop) {
  const ToyWorkshop here;
  EXPECT_EQ(here.script(kSae + kCounting, {"--stop-after", "3"}).exit_code, 75);
  const Outcome outcome = here.script(kSae + kCounting);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "1 2 3 4\n1 2 3 4 5\n5\n");
  EXPECT_EQ(here.read(here.runs("toy").at(0) / "DONE"), "");
}

TEST(OnStep, fails_at_its_own_line) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(kSae +
                                      "run:train { sae = sae, on = rows, steps = 2, batch = 16,\n"
                                      "  on_step = function(m) return m.los < 1 end }\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "script.lua:8: attempt to compare nil with number\n"
            "stack traceback:\n\tscript.lua:8: in function <script.lua:8>\n"
            "\t[C]: in method 'train'\n\tscript.lua:7: in main chunk\n");
}

TEST(OnStep, keeps_plain_values_only) {
  const ToyWorkshop here;
  const Outcome outcome =
      here.script(kSae +
                  "run:train { sae = sae, on = rows, steps = 2, batch = 16,\n"
                  "  on_step = function(m, state) state.best = { sae = sae } end }\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "script.lua:7: train.on_step: state.best.sae: a handle from run:sae, should be a plain "
            "value\n"
            "stack traceback:\n\t[C]: in method 'train'\n\tscript.lua:7: in main chunk\n");
}
