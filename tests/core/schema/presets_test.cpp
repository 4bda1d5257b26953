// A word that stands for values of other fields.
#include <gtest/gtest.h>

#include "expect_refusal.h"
#include "facet/schema.h"

using namespace facet;

namespace {

struct Preset {
  std::string compat = "none";
  double lr = 1;
  int64_t steps = 5;
};

Schema<Preset> preset_schema() {
  return Schema<Preset>()
      .field("compat", &Preset::compat, "A peer.", one_of({"none", "peer"}))
      .field("lr", &Preset::lr, "Rate.", above(0))
      .field("steps", &Preset::steps, "Steps.", at_least(1))
      .presets("compat", {{"peer", Value::Table{{"lr", 0.5}, {"steps", 7}}}});
}

}  // namespace

TEST(Presets, fill_what_the_table_does_not_set) {
  const Preset by_word = preset_schema().parse("train", Value::Table{{"compat", "peer"}});
  EXPECT_EQ(by_word.lr, 0.5);
  EXPECT_EQ(by_word.steps, 7);
  const Preset own = preset_schema().parse("train", Value::Table{{"compat", "peer"}, {"steps", 9}});
  EXPECT_EQ(own.lr, 0.5);
  EXPECT_EQ(own.steps, 9);
  EXPECT_EQ(preset_schema().parse("train", Value::Table{{"compat", "none"}}).steps, 5);
}

TEST(Presets, stand_among_the_values_in_force_and_can_be_read_again) {
  std::vector<std::string> problems;
  const AnyParams params = preset_schema().erased().parse("train", Value::Table{{"compat", "peer"}},
                                                          Demand::whole, problems);
  EXPECT_EQ(emit_json(params.resolved), R"({"compat":"peer","lr":0.5,"steps":7})");
  EXPECT_EQ(preset_schema().parse("train", params.resolved).steps, 7);
}

TEST(Presets, are_refused_by_an_unknown_word) {
  EXPECT_EQ(refusal_of([] {
              preset_schema().parse("train", Value::Table{{"compat", "pear"}});
            }),
            "train.compat: string \"pear\", must be one of \"none\", \"peer\"");
}
