// run:sae { from = ... }: an SAE of an earlier run, and what it must agree with; codes that are
// kept.
#include <gtest/gtest.h>

#include "toy_run.h"

namespace {

// A trained SAE; its run's id.
std::string train_one(const Workshop& here) {
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  return here.runs("toy").at(0).filename().string();
}

std::string use(const std::string& from, const std::string& rest) {
  return kRows + "local sae = run:sae { from = \"" + from + "\", on = rows }\n" + rest;
}

}  // namespace

TEST(From, takes_a_folder_or_the_beginning_of_a_runs_id) {
  const ToyWorkshop here;
  const std::string id = train_one(here);
  const std::string rest =
      "print(sae.type, sae.d_sae, sae.folder:match \"toy/.*\")\n"
      "print(run:encode { sae = sae, on = rows }.rows, run:train { sae = sae, on = rows, steps = "
      "1, "
      "batch = 16 }.steps)\n";
  const Outcome by_folder = here.script(use("runs/toy/" + id + "/sae", rest));
  EXPECT_EQ(by_folder.err, "");
  EXPECT_EQ(by_folder.out, "topk\t64\ttoy/" + id + "/sae\n" + "150\t1\n");
  EXPECT_EQ(here.script(use(id, rest)).out, by_folder.out);
  EXPECT_EQ(here.script(use(id.substr(0, 9), rest)).out, by_folder.out);
}

TEST(From, is_refused_when_it_disagrees_with_the_rows) {
  const ToyWorkshop here;
  const std::string id = train_one(here);
  const Outcome outcome = here.script(
      "local run = require(\"facet\").run { name = \"other\" }\n"
      "local host = run:host { type = \"toy\", seed = 9 }\n"
      "local data = run:data { type = \"fasta\", path = \"small.fasta\" }\n"
      "local rows = run:activations { host = host, data = data, hookpoints = \"layers.2\", rows = "
      "\"all\", normalize = \"layer_norm\" }\n"
      "run:sae { from = \"" +
      id + "\", on = rows }\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(
      outcome.err,
      "script.lua:5: sae.from: host weights: trained on toy d=32 blocks=2 heads=4 seed=0, `on` has "
      "toy d=32 blocks=2 heads=4 seed=9\n"
      "script.lua:5: sae.from: hookpoints: trained on blocks.0.out, `on` has final_norm.out\n"
      "script.lua:5: sae.from: rows: trained on content, `on` has all\n"
      "script.lua:5: sae.from: normalize: trained on none {}, `on` has layer_norm "
      "{\"eps\":1e-05,\"eps_back\":false,\"eps_outside\":true,\"in_host_dtype\":false,\"unbiased\":"
      "true}\n"
      "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:5: in main chunk\n");
}

TEST(From, is_refused_when_nothing_is_there) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(use("0123", ""));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(
      outcome.err,
      "script.lua:6: sae.from: \"0123\": no such folder (HERE/0123), and no run of this id has "
      "an SAE in HERE/runs\n"
      "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:6: in main chunk\n");
}

TEST(From, is_refused_for_a_folder_without_an_sae) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(use(".", ""));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err,
            "script.lua:6: sae.from: \".\": no SAE in HERE: neither it nor its folder sae has a "
            "cfg.json, nor what another program writes\n"
            "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:6: in main chunk\n");
}

TEST(From, is_refused_beside_what_the_sae_brings) {
  const ToyWorkshop here;
  const std::string id = train_one(here);
  here.edit_manifest("type  = \"topk\"", "from  = \"" + id + "\"");
  const std::string err =
      "toy.toml:18:1: sae.d_sae: cannot be set together with sae.from, which brings its own\n"
      "toy.toml:19:1: sae.k: cannot be set together with sae.from, which brings its own\n";
  for (const char* command : {"check", "run"})
    EXPECT_EQ(here.facet({command, "toy.toml"}).err, err) << command;
  const Outcome by_script =
      here.script(kRows + "run:sae { from = \"" + id + "\", on = rows, k = 3 }\n");
  EXPECT_EQ(by_script.err,
            "script.lua:6: sae.k: cannot be set together with sae.from, which brings its own\n"
            "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:6: in main chunk\n");
}

TEST(From, finds_a_run_whose_name_has_slashes) {
  const ToyWorkshop here;
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet", "--set", "name=a/b/toy"}).exit_code, 0);
  const std::string id = here.runs("a/b/toy").at(0).filename().string();
  EXPECT_EQ(here.script(use(id, "print(sae.d_sae)\n")).out, "64\n");
}

TEST(Encode, keeps_codes_that_another_run_finds) {
  const ToyWorkshop here;
  const std::string id = train_one(here);
  const auto codes = here.folder() / "store" / "codes";
  const auto stores = [&] {
    std::map<std::string, std::filesystem::file_time_type> out;
    for (const auto& entry : std::filesystem::directory_iterator(codes))
      if (entry.is_directory()) out[entry.path().filename()] = entry.last_write_time();
    return out;
  };
  const std::string rest = "print(run:encode { sae = sae, on = rows }.key)\n";
  const Outcome first = here.script(use(id, rest));
  const auto before = stores();
  EXPECT_EQ(before.size(), 2u);  // the held-out proteins' and these
  EXPECT_TRUE(before.contains(first.out.substr(0, 16)));
  const Outcome second = here.script(use(id, rest + "print \"another script\"\n"));
  EXPECT_EQ(second.out, first.out + "another script\n");
  EXPECT_EQ(stores(), before);
  EXPECT_EQ(here.runs("toy").size(), 3u);
}
