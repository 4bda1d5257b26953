// What reaches events.jsonl, and what does not.
#include "base/sinks.h"

#include <gtest/gtest.h>

#include <regex>

#include "core/base/test_folder.h"

using namespace facet;

namespace {

// The file with every time replaced by NOW.
std::string timeless(const std::filesystem::path& file) {
  static const std::regex time(R"("time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")");
  return std::regex_replace(read_file(file), time, R"("time":"NOW")");
}

Event step(int64_t number) {
  return {Level::metric, "train.step", number, Value(Value::Table{{"loss", 0.5}})};
}

}  // namespace

TEST(JsonLines, keeps_metrics_notices_and_warnings_one_line_each) {
  const TestFolder folder;
  JsonLines events(folder / "events.jsonl");
  events.emit(step(50));
  events.info("host", "loaded");
  events.warn("train", "half of the latents are dead");
  events.emit({Level::info, "bare", -1, Value()});
  EXPECT_EQ(
      timeless(folder / "events.jsonl"),
      R"({"event":"train.step","level":"metric","loss":0.5,"step":50,"time":"NOW"})"
      "\n"
      R"({"event":"host","level":"info","message":"loaded","time":"NOW"})"
      "\n"
      R"({"event":"train","level":"warning","message":"half of the latents are dead","time":"NOW"})"
      "\n"
      R"({"event":"bare","level":"info","time":"NOW"})"
      "\n");
}

TEST(JsonLines, leaves_progress_and_debug_out) {
  const TestFolder folder;
  JsonLines events(folder / "events.jsonl");
  events.progress("encode", 3, 10, "rows");
  events.emit({Level::debug, "cache", -1, Value(Value::Table{{"message", "hit"}})});
  EXPECT_EQ(events.durable_size(), 0);
  EXPECT_EQ(read_file(folder / "events.jsonl"), "");
}

TEST(JsonLines, is_cut_where_a_resumed_run_goes_on) {
  const TestFolder folder;
  int64_t certain = 0;
  {
    JsonLines events(folder / "events.jsonl");
    events.emit(step(1));
    certain = events.durable_size();
    events.emit(step(2));
  }
  JsonLines events(folder / "events.jsonl", certain);
  events.emit(step(3));
  EXPECT_EQ(timeless(folder / "events.jsonl"),
            R"({"event":"train.step","level":"metric","loss":0.5,"step":1,"time":"NOW"})"
            "\n"
            R"({"event":"train.step","level":"metric","loss":0.5,"step":3,"time":"NOW"})"
            "\n");
}

TEST(AllSinks, passes_each_event_to_all) {
  const TestFolder folder;
  JsonLines one(folder / "one"), two(folder / "two");
  AllSinks all({&one, &two});
  all.info("run", "begins");
  EXPECT_EQ(read_file(folder / "one"), read_file(folder / "two"));
  EXPECT_GT(one.durable_size(), 0);
}

TEST(EyesSink, writes_one_line_an_event_and_no_progress_into_the_log) {
  const TestFolder folder;
  testing::internal::CaptureStderr();
  {
    EyesSink eyes(folder / "log.txt", true);
    eyes.emit(step(50));
    eyes.info("host", "loaded");
    eyes.warn("train", "dead");
    eyes.emit({Level::debug, "cache", -1, Value(Value::Table{{"message", "hit"}})});
    eyes.progress("encode", 3, 10, "rows");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: train: dead\n");
  static const std::regex time(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)");
  EXPECT_EQ(std::regex_replace(read_file(folder / "log.txt"), time, "NOW"),
            "NOW info train.step 50: loss 0.5\n"
            "NOW info host: loaded\n"
            "NOW warning train: dead\n"
            "NOW debug cache: hit\n");
}
