// The flag that signals set.
#include "base/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

using namespace facet;

TEST(Interrupt, is_set_by_each_signal_that_asks_to_stop) {
  catch_interrupts();
  for (const int signal : {SIGINT, SIGTERM, SIGUSR2}) {
    set_interrupted(false);
    EXPECT_FALSE(interrupted());
    std::raise(signal);
    EXPECT_TRUE(interrupted()) << signal;
  }
  std::raise(SIGTERM);  // again: only a second SIGINT ends the process
  EXPECT_TRUE(interrupted());
  set_interrupted(false);
}

TEST(Interrupt, ends_the_process_at_the_second_sigint) {
  testing::FLAGS_gtest_death_test_style = "fast";
  EXPECT_EXIT(
      {
        catch_interrupts();
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::ExitedWithCode(130), "");
}
