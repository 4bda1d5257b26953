// A run keeps its last two checkpoints, and trusts only whole ones.
#include "run/run_checkpoints.h"

#include <gtest/gtest.h>

#include "core/activations/small_sae.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

Checkpoint at_step(int64_t step) {
  return {step, {{"fired_rows", torch::arange(8)}}, Value(Value::Table{{"row", step}}), step};
}

}  // namespace

TEST(RunCheckpoints, keeps_the_last_two_and_gives_back_the_newest) {
  const TestFolder folder;
  int64_t events = 0;
  RunCheckpoints checkpoints(folder.path(), {"call-5"}, 0, [&] { return events += 100; });
  const auto sae = small_sae();
  EXPECT_FALSE(checkpoints.load(*sae));
  for (const int64_t step : {9, 10, 1000, 100000}) checkpoints.save(at_step(step), *sae);
  EXPECT_EQ(folder.list(), "000001000/ 000100000/");
  const auto last = checkpoints.load(*sae);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->step, 100000);
  EXPECT_EQ(last->cursor, Value(Value::Table{{"row", 100000}, {"events", 400}}));
}

TEST(RunCheckpoints, does_not_see_what_is_half_written) {
  const TestFolder folder;
  RunCheckpoints checkpoints(folder.path(), {"call-5"}, 0, [] { return 0; });
  const auto sae = small_sae();
  checkpoints.save(at_step(10), *sae);
  folder.write("000000020/call-5.partial/cursor.json", "{}");
  folder.write("000000030/call-5/sae_weights.safetensors", "half");
  folder.write("000000040/call-6/cursor.json", "{}");
  folder.write("notes/call-5/cursor.json", "{}");
  EXPECT_EQ(checkpoints.load(*sae)->step, 10);
  checkpoints.save(at_step(50), *sae);  // clears away what a crash left of this training
  EXPECT_EQ(folder.list(), "000000010/ 000000040/ 000000050/ notes/");
}

TEST(RunCheckpoints, leaves_those_of_another_sae_alone) {
  const TestFolder folder;
  RunCheckpoints one(folder.path(), {"call-5-one"}, 0, [] { return 0; });
  RunCheckpoints two(folder.path(), {"call-6-two"}, 0, [] { return 0; });
  const auto sae = small_sae();
  one.save(at_step(10), *sae);
  for (const int64_t step : {10, 20, 30}) two.save(at_step(step), *sae);
  EXPECT_EQ(folder.list(), "000000010/ 000000020/ 000000030/");
  EXPECT_EQ(one.load(*sae)->step, 10);
  EXPECT_EQ(two.load(*sae)->step, 30);
  EXPECT_FALSE(fs::exists(folder / "000000010/call-6-two"));
}

TEST(RunCheckpoints, of_several_trust_only_a_turn_that_all_have_saved) {
  const TestFolder folder;
  int64_t events = 0;
  const auto count = [&] { return events += 100; };
  RunCheckpoints first(folder.path(), {"call-5-a", "call-5-b"}, 0, count);
  RunCheckpoints second(folder.path(), {"call-5-a", "call-5-b"}, 1, count);
  const auto sae = small_sae();
  for (const int64_t step : {10, 20, 30}) {
    first.save(at_step(step), *sae);
    EXPECT_EQ(first.load(*sae).has_value(), step > 10);
    if (step > 10) {
      EXPECT_EQ(first.load(*sae)->step, step - 10);
    }
    second.save(at_step(step), *sae);
    EXPECT_EQ(first.load(*sae)->step, step);
    EXPECT_EQ(second.load(*sae)->step, step);
  }
  first.save(at_step(40), *sae);  // and a crash before the second one
  EXPECT_EQ(first.load(*sae)->step, 30);
  EXPECT_EQ(second.load(*sae)->step, 30);
  EXPECT_FALSE(first.load(*sae)->cursor.find("events"));  // certain by the last one's word alone
  EXPECT_EQ(second.load(*sae)->cursor.integer("events"), 300);
  EXPECT_FALSE(fs::exists(folder / "000000010"));
}

TEST(RunCheckpoints, leave_the_last_two_whole_when_the_disk_is_full) {
  const TestFolder folder;
  RunCheckpoints checkpoints(folder.path(), {"call-5"}, 0, [] { return 0; });
  const auto sae = small_sae();
  for (const int64_t step : {10, 20}) checkpoints.save(at_step(step), *sae);
  fail_disk_after(100);
  EXPECT_EQ(refusal_of([&] { checkpoints.save(at_step(30), *sae); }),
            (folder / "000000030/call-5.partial/sae_weights.safetensors").string() +
                ": cannot write: No space left on device\n"
                "the checkpoint of step 30 is not written; earlier ones are whole");
  fail_disk_after(-1);
  EXPECT_EQ(checkpoints.load(*sae)->step, 20);
  EXPECT_TRUE(fs::exists(folder / "000000010/call-5/cursor.json"));
}
