// Stopping and going on: the same bits as without a stop, and one process at a time.
#include <gtest/gtest.h>

#include <sys/file.h>

#include "toy_run.h"

namespace {

// Everything of a run that must not depend on how often it was stopped.
std::map<std::string, std::string> results(const Workshop& here) {
  const auto folder = here.runs("toy").at(0);
  std::map<std::string, std::string> out;
  for (const char* part : {"sae", "artefacts"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(here.folder() / folder / part))
      out[part + ("/" + entry.path().filename().string())] = here.read(entry.path());
  static const std::regex time("\"time\":\"[^\"]*\"");
  out["events"] = std::regex_replace(here.read(folder / "events.jsonl"), time, "");
  out["report"] = here.read(folder / "report.md");
  out["id"] = folder.filename().string();  // of every folder in which the same is run
  return out;
}

const std::map<std::string, std::string>& undisturbed() {
  static const std::map<std::string, std::string> once = [] {
    const ToyWorkshop here;
    EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
    return results(here);
  }();
  return once;
}

void expect_undisturbed(const Workshop& here) {
  const auto is = results(here);
  ASSERT_EQ(is.size(), undisturbed().size());
  for (const auto& [name, bytes] : undisturbed()) EXPECT_TRUE(is.at(name) == bytes) << name;
}

}  // namespace

TEST(Resume, after_a_stop_gives_the_bits_of_an_undisturbed_run) {
  const ToyWorkshop here;
  const Outcome stopped = here.facet({"run", "toy.toml", "--stop-after", "3"});
  EXPECT_EQ(stopped.exit_code, 75);
  EXPECT_EQ(stopped.err,
            "run: HERE/runs/toy/ID: begins\n"
            "train: stopped after step 3 of 12; run the same command again to go on\n");
  const auto folder = here.runs("toy").at(0);
  EXPECT_EQ(here.read(folder / "STOPPED"), "train: stopped after step 3 of 12\n");
  EXPECT_EQ(here.facet({"run", "toy.toml", "--stop-after", "4", "--quiet"}).err,
            "train: stopped after step 7 of 12; run the same command again to go on\n");
  const Outcome whole = here.facet({"run", "toy.toml"});
  EXPECT_EQ(whole.exit_code, 0);
  EXPECT_EQ(whole.err,
            "run: HERE/runs/toy/ID: goes on\nHERE/runs/toy/ID: done; read report.md there\n");
  EXPECT_FALSE(std::filesystem::exists(here.folder() / folder / "STOPPED"));
  expect_undisturbed(here);
}

TEST(Resume, does_not_depend_on_rows_being_made_ahead) {
  const ToyWorkshop here;
  const char* without = "activations.prefetch=false";
  EXPECT_EQ(here.facet({"run", "toy.toml", "--stop-after", "5", "--quiet"}).exit_code, 75);
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet", "--set", without}).exit_code, 0);
  auto is = results(here);
  is["report"] = undisturbed().at("report");  // it names the command
  EXPECT_TRUE(is == undisturbed());
}

TEST(Resume, says_the_same_of_rows_left_out) {
  const ToyWorkshop whole, cut;
  for (const ToyWorkshop* here : {&whole, &cut})
    here->edit_manifest("hookpoints = \"layers.1\"",
                        "hookpoints = \"layers.1\"\nmax_norm = 1.0\nbuffer_rows = 64");
  EXPECT_EQ(whole.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  EXPECT_EQ(cut.facet({"run", "toy.toml", "--stop-after", "5", "--quiet"}).exit_code, 75);
  EXPECT_EQ(cut.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  const auto said = results(whole);
  const std::string event = "\"event\":\"activations.left_out\"";
  const size_t at = said.at("events").find(event);
  ASSERT_NE(at, std::string::npos) << said.at("events");
  EXPECT_NE(said.at("events").find(" of a norm above activations.max_norm were left out"),
            std::string::npos);
  EXPECT_TRUE(results(cut) == said);
  EXPECT_NE(whole.read(whole.folder() / whole.runs("toy").at(0) / "sae/facet.json")
                .find("\"content, norms up to 1.0 medians\""),
            std::string::npos);
}

TEST(Resume, does_not_depend_on_how_often_a_checkpoint_is_written) {
  const ToyWorkshop here;
  EXPECT_EQ(
      here.facet({"run", "toy.toml", "--quiet", "--set", "train.checkpoint_every=2"}).exit_code, 0);
  auto is = results(here);
  is["report"] = undisturbed().at("report");  // it names the command
  EXPECT_TRUE(is == undisturbed());
}

TEST(Resume, goes_on_after_an_interrupt) {
  const ToyWorkshop here;
  here.edit_manifest("steps     = 12", "steps     = 1000000");
  Child child = here.start({"run", "toy.toml", "--quiet"});
  while (here.runs("toy").empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto folder = here.runs("toy").at(0);
  ASSERT_TRUE(here.waits_for(folder / "events.jsonl", "\"step\":20,"));
  child.send(SIGINT);
  const Outcome outcome = here.end(child);
  EXPECT_EQ(outcome.exit_code, 75);
  EXPECT_TRUE(std::regex_match(
      outcome.err,
      std::regex("train: stopped after step \\d+ of 1000000; run the same command again "
                 "to go on\n")))
      << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(here.folder() / folder / "checkpoints"));
  const Outcome more = here.facet({"run", "toy.toml", "--stop-after", "1"});
  EXPECT_EQ(more.exit_code, 75);
  EXPECT_EQ(more.err.substr(0, 32), "run: HERE/runs/toy/ID: goes on\nt");
}

TEST(Resume, goes_on_after_a_kill) {
  const ToyWorkshop here;
  here.edit_manifest("log_every = 1", "log_every = 1\ncheckpoint_every = 2");
  here.edit_manifest("steps     = 12", "steps     = 60");
  const ToyWorkshop beside;
  beside.write("toy.toml", here.read("toy.toml"));
  EXPECT_EQ(beside.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  {
    Child child = here.start({"run", "toy.toml", "--quiet"});
    while (here.runs("toy").empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(here.waits_for(here.runs("toy").at(0) / "events.jsonl", "\"step\":10,"));
    child.send(SIGKILL);
    EXPECT_EQ(child.wait(), 128 + SIGKILL);
  }
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  EXPECT_TRUE(results(here) == results(beside));
}

TEST(Resume, is_refused_while_another_process_holds_the_run) {
  const ToyWorkshop here;
  EXPECT_EQ(here.facet({"run", "toy.toml", "--stop-after", "1", "--quiet"}).exit_code, 75);
  const auto file = here.folder() / here.runs("toy").at(0) / "lock";
  here.write(file.string(), "process 123 on here since noon");
  const int lock = ::open(file.c_str(), O_RDWR);
  ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
  const Outcome outcome = here.facet({"run", "toy.toml", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "toy.lua:2: HERE/runs/toy/ID: locked by process 123 on here since noon\n"
            "stack traceback:\n\t[C]: in function 'facet.run'\n\ttoy.lua:2: in main chunk\n");
  ::close(lock);
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
}

TEST(Resume, is_refused_when_a_script_depends_on_the_time) {
  const ToyWorkshop here;
  const std::string text =
      kRows +
      "local tick = io.open(\"tick\", \"a+\")\n"
      "tick:write(\"x\")\n"
      "tick:close()\n"
      "local size = #io.open(\"tick\"):read(\"a\")\n"
      "local sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = size }\n"
      "run:train { sae = sae, on = rows, steps = 4, batch = 16 }\n";
  EXPECT_EQ(here.script(text, {"--stop-after", "1"}).exit_code, 75);
  const Outcome outcome = here.script(text);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(
      outcome.err,
      "script.lua:10: HERE/runs/toy/ID: call 4 of the script: run:sae has other arguments than "
      "when this run began; a script must pass the same arguments each time\n"
      "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:10: in main chunk\n");
}

TEST(Resume, is_refused_when_a_script_calls_other_verbs) {
  const ToyWorkshop here;
  const std::string text = kRows +
                           "local there = io.open(\"there\")\n"
                           "io.open(\"there\", \"w\"):close()\n"
                           "if there then run:host { type = \"toy\" } end\n"
                           "local sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = 4 }\n"
                           "run:train { sae = sae, on = rows, steps = 4, batch = 16 }\n";
  EXPECT_EQ(here.script(text, {"--stop-after", "1"}).exit_code, 75);
  const Outcome outcome = here.script(text);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "script.lua:8: HERE/runs/toy/ID: call 4 of the script: run:host, was run:sae when this "
            "run began; a script must call its verbs in the same order each time\n"
            "stack traceback:\n\t[C]: in method 'host'\n\tscript.lua:8: in main chunk\n");
}
