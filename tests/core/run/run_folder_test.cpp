// The folder of a run: one process at a time, verbs that replay, and records that survive a crash.
#include "run/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

VerbRecord record(const std::string& verb, const std::string& key, Value result = Value()) {
  return {verb, key, std::move(result), false};
}

size_t lines_of(const fs::path& file) {
  const std::string text = read_file(file);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST(RunFolder, belongs_to_one_process_at_a_time_and_says_to_whom) {
  const TestFolder base;
  {
    const RunFolder run(base / "a/id");
    const std::string holder = read_file(base / "a/id/lock");
    EXPECT_TRUE(holder.starts_with("process " + std::to_string(getpid()) + " on ")) << holder;
    EXPECT_NE(holder.find(" since 20"), std::string::npos) << holder;
    EXPECT_EQ(refusal_of([&] { RunFolder(base / "a/id"); }),
              (base / "a/id").string() + ": locked by " + holder);
  }
  EXPECT_EQ(refusal_of([&] { RunFolder(base / "a/id"); }), "(no refusal)");
}

TEST(RunFolder, is_free_again_when_its_process_died) {
  const TestFolder base;
  const pid_t child = fork();
  if (child == 0) {
    new RunFolder(base / "id");  // never let go by hand
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal_of([&] { RunFolder(base / "id"); }), "(no refusal)");
}

TEST(RunFolder, knows_its_status_without_the_lock) {
  const TestFolder base;
  EXPECT_EQ(RunFolder::status_of(base / "id"), Status::fresh);
  EXPECT_TRUE(RunFolder::record_of(base / "id").empty());
  RunFolder run(base / "id");
  EXPECT_EQ(RunFolder::status_of(base / "id"), Status::fresh);
  run.write_record(Value(Value::Table{{"id", "0a"}}));
  EXPECT_EQ(RunFolder::status_of(base / "id"), Status::running);
  EXPECT_EQ(RunFolder::record_of(base / "id"), Value(Value::Table{{"id", "0a"}}));
  for (const Status status : {Status::stopped, Status::failed, Status::done, Status::running}) {
    run.finish(status, "why");
    EXPECT_EQ(RunFolder::status_of(base / "id"), status) << status_text(status);
  }
  run.finish(Status::failed, "no such file");
  EXPECT_EQ(read_file(base / "id/FAILED"), "no such file\n");
  run.finish(Status::done, "");
  EXPECT_EQ(read_file(base / "id/DONE"), "");
  EXPECT_FALSE(fs::exists(base / "id/FAILED"));
}

TEST(RunFolder, makes_the_folders_of_the_paths_it_gives) {
  const TestFolder base;
  const RunFolder run(base / "id");
  EXPECT_EQ(run.path("", "report.md"), base / "id/report.md");
  EXPECT_EQ(run.path("artefacts", "deep/x.tsv"), base / "id/artefacts/deep/x.tsv");
  EXPECT_TRUE(fs::is_directory(base / "id/artefacts/deep"));
}

TEST(RunFolder, replays_verbs_that_finished_and_knows_those_that_were_cut) {
  const TestFolder base;
  const Value result(Value::Table{{"loss", 0.5}, {"steps", 10}});
  {
    RunFolder run(base / "id");
    EXPECT_FALSE(run.replay(0, "data", "d"));
    run.verb_begins(0, record("data", "d"));
    run.verb_begins(1, record("train", "t"));
    run.verb_ends(1, record("train", "t", result));
    run.verb_begins(2, record("encode", "e"));
  }
  RunFolder run(base / "id");
  EXPECT_FALSE(run.replay(0, "data", "d")->done);
  EXPECT_TRUE(run.replay(1, "train", "t")->done);
  EXPECT_EQ(run.replay(1, "train", "t")->result, result);
  EXPECT_FALSE(run.replay(2, "encode", "e")->done);
  EXPECT_FALSE(run.replay(3, "analyze", "a"));
  run.verb_begins(2, record("encode", "e"));  // known already: no second line
  EXPECT_EQ(lines_of(base / "id/verbs.jsonl"), 4u);
  run.verb_ends(2, record("encode", "e"));
  EXPECT_EQ(lines_of(base / "id/verbs.jsonl"), 5u);
}

TEST(RunFolder, refuses_another_order_and_other_arguments) {
  const TestFolder base;
  RunFolder(base / "id").verb_begins(0, record("data", "d"));
  const RunFolder run(base / "id");
  const std::string front = (base / "id").string() + ": call 1 of the script: run:";
  EXPECT_EQ(refusal_of([&] { run.replay(0, "host", "d"); }),
            front +
                "host, was run:data when this run began; a script must call its verbs in the same "
                "order each time");
  EXPECT_EQ(refusal_of([&] { run.replay(0, "data", "other"); }),
            front +
                "data has other arguments than when this run began; a script must pass the same "
                "arguments each time");
}

TEST(RunFolder, drops_a_last_line_that_a_crash_cut) {
  const TestFolder base;
  {
    RunFolder run(base / "id");
    run.verb_begins(0, record("data", "d"));
    run.verb_begins(1, record("train", "t"));
  }
  const fs::path verbs = base / "id/verbs.jsonl";
  const std::string whole = read_file(verbs);
  for (const size_t cut : {size_t{1}, size_t{5}, size_t{20}}) {
    base.write("id/verbs.jsonl", whole.substr(0, whole.size() - cut));
    RunFolder run(base / "id");
    EXPECT_TRUE(run.replay(0, "data", "d"));
    EXPECT_FALSE(run.replay(1, "train", "t"));
    run.verb_begins(1, record("train", "t"));
    EXPECT_EQ(read_file(verbs), whole) << cut;
  }
}

TEST(RunFolder, cuts_events_to_what_the_last_whole_verb_had_seen) {
  const TestFolder base;
  const fs::path events = base / "id/events.jsonl";
  std::string certain;
  {
    RunFolder run(base / "id");
    run.events().info("a", "of a verb that ends");
    run.verb_begins(0, record("encode", "e"));
    run.verb_ends(0, record("encode", "e"));
    certain = read_file(events);
    run.events().info("b", "of a verb that is cut");
    run.verb_begins(1, record("analyze", "a"));
  }
  EXPECT_GT(fs::file_size(events), certain.size());
  const RunFolder run(base / "id");
  EXPECT_EQ(read_file(events), certain);
}

TEST(RunFolder, keeps_the_events_that_a_whole_checkpoint_had_seen) {
  const TestFolder base;
  const fs::path events = base / "id/events.jsonl";
  base.write("id/events.jsonl", "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
  base.write("id/checkpoints/000000010/call-1/cursor.json", "{\"cursor\": {\"events\": 16}}");
  base.write("id/checkpoints/000000020/call-1.partial/cursor.json",
             "{\"cursor\": {\"events\": 24}}");
  const RunFolder run(base / "id");
  EXPECT_EQ(read_file(events), "{\"a\":1}\n{\"b\":2}\n");
}

TEST(RunFolder, replays_numbers_that_are_not_finite) {
  const TestFolder base;
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Value list = Value::Array{1.5, 3, infinity, Value(Value::Table{{"deep", -infinity}})};
  {
    RunFolder run(base / "id");
    run.verb_begins(0, record("analyze", "k"));
    run.verb_ends(0, record("analyze", "k", Value::Table{{"figures", list}, {"nmse", nan}}));
  }
  const Value back = RunFolder(base / "id").replay(0, "analyze", "k")->result;
  EXPECT_TRUE(std::isnan(back.number("nmse")));
  EXPECT_EQ(back.at("figures"), list);
}

TEST(RunsUnder, are_found_at_any_depth_but_not_within_a_run) {
  const TestFolder base;
  for (const char* run : {"a/1", "b/c/d/2", "e"})
    base.write(std::string(run) + "/record.json", "{}");
  base.write("a/1/checkpoints/x/record.json", "{}");
  base.write("b/file.txt", "");
  const std::vector<fs::path> found = {base / "a/1", base / "b/c/d/2", base / "e"};
  EXPECT_EQ(runs_under(base.path()), found);
  fs::create_directory(base / "f");
  fs::permissions(base / "f", fs::perms::none);
  EXPECT_EQ(runs_under(base.path()), found);
  fs::permissions(base / "f", fs::perms::owner_all);
  EXPECT_TRUE(runs_under(base / "nowhere").empty());
}
