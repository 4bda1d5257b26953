// Places, problems that travel together, and the nearest name.
#include "facet/error.h"

#include <gtest/gtest.h>

#include "expect_refusal.h"

using namespace facet;

TEST(Origin, says_where_a_value_was_written) {
  EXPECT_EQ((Origin{"topk.toml", 23, 5, "/home"}).text(), "topk.toml:23:5");
  EXPECT_EQ((Origin{"train.lua", 12, 0, ""}).text(), "train.lua:12");
  EXPECT_EQ((Origin{"--set", 0, 0, ""}).text(), "--set");
  EXPECT_EQ(Origin().text(), "");
}

TEST(UserError, carries_all_problems_one_line_each) {
  const UserError error(std::vector<std::string>{"a: first", "b: second"});
  EXPECT_STREQ(error.what(), "a: first\nb: second");
  EXPECT_EQ(error.problems().size(), 2u);
  EXPECT_EQ(UserError("one").problems(), std::vector<std::string>{"one"});
}

TEST(Bug, names_the_place_and_what_was_assumed) {
  std::string text;
  const int line = __LINE__ + 2;
  try {
    FACET_ASSERT(1 > 2, "one is more than two");
  } catch (const Bug& bug) {
    text = bug.what();
  }
  EXPECT_EQ(text, std::string(__FILE__) + ":" + std::to_string(line) + ": one is more than two");
}

TEST(DidYouMean, offers_the_nearest_name_and_none_that_is_far) {
  const std::vector<std::string> known = {"d_sae", "k", "type", "threshold"};
  const struct {
    const char *word, *near;
  } cases[] = {
      {"d_sea", "d_sae"},   // a swap
      {"dsae", "d_sae"},    // left out
      {"d_saee", "d_sae"},  // doubled
      {"tyep", "type"},
      {"treshhold", "threshold"},
      {"trshhald", ""},  // four steps from a word of nine letters
      {"learning_rate", ""},
      {"", ""},
      {"x", ""},  // a name of one letter is no advice for another
  };
  for (const auto& c : cases) EXPECT_EQ(nearest(c.word, known), c.near) << c.word;
  EXPECT_EQ(did_you_mean("d_sea", known), " (did you mean \"d_sae\"?)");
  EXPECT_EQ(did_you_mean("learning_rate", known), "");
  EXPECT_EQ(did_you_mean("d_sea", {}), "");
}

TEST(DidYouMean, takes_the_first_of_equally_near_names) {
  EXPECT_EQ(nearest("betax", {"beta1", "beta2"}), "beta1");
}
