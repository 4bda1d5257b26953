// Notices: each once, and the same after a resume.
#include "train/watch.h"

#include <gtest/gtest.h>

using namespace facet;

namespace {

using Notices = std::vector<std::string>;

StepMetrics fine() {
  StepMetrics m;
  m.loss = 2;
  m.l0 = 4;
  return m;
}

}  // namespace

TEST(Watch, says_nothing_of_a_training_that_goes_well) {
  Watch watch;
  for (int step = 0; step < 100; ++step) EXPECT_EQ(watch.look(fine(), 64), Notices());
  EXPECT_EQ(watch.look_at_the_end(0, 64), Notices());
}

TEST(Watch, says_each_notice_once_with_what_is_and_what_helps) {
  Watch watch;
  StepMetrics m = fine();
  m.l0 = 0;
  m.dead = 0.75;
  m.losses = {{"nmse", 0.95}};
  EXPECT_EQ(
      watch.look(m, 64),
      (Notices{"no latent fires (L0 is 0): lower train.lr or the weight of the sparsity term",
               "75 % of the latents are dead (train.dead_after_rows), should be at most 50 %: "
               "lower train.lr or sae.d_sae, or give dead latents a term of their own",
               "nmse is 0.95 after the warm-up, hardly better than no reconstruction: raise "
               "train.lr or lower the weight of the sparsity term"}));
  EXPECT_EQ(watch.look(m, 64), Notices());
  m = fine();
  m.l0 = 8;
  EXPECT_EQ(watch.look(m, 64),
            (Notices{"codes are dense: L0 is 8 of 64 latents, should be at most 10 %: raise the "
                     "weight of the sparsity term, or lower k"}));
  EXPECT_EQ(watch.look_at_the_end(3, 64),
            (Notices{"3 of 64 rows of the decoder are zero: these latents write nothing"}));
}

TEST(Watch, knows_a_jump_of_the_loss_and_goes_on_after_a_resume) {
  Watch watch;
  for (int step = 0; step < 60; ++step) EXPECT_EQ(watch.look(fine(), 64), Notices());
  Watch resumed;
  resumed.restore(watch.state());
  StepMetrics m = fine();
  m.loss = 7;
  const Notices jump = {
      "the loss jumped to 7, its running mean is 2: lower train.lr, or limit gradients with "
      "train.clip"};
  EXPECT_EQ(watch.look(m, 64), jump);
  EXPECT_EQ(resumed.look(m, 64), jump);
  EXPECT_EQ(emit_json(watch.state()), emit_json(resumed.state()));
  Watch early;
  EXPECT_EQ(early.look(fine(), 64), Notices());
  EXPECT_EQ(early.look(m, 64), Notices()) << "two steps have no mean to speak of";
}
