// facet run: identity, reuse, --set, and one fact in one place.
#include <gtest/gtest.h>

#include "toy_run.h"

TEST(Run, writes_its_folder_and_is_found_again) {
  const ToyWorkshop here;
  const Outcome first = here.facet({"run", "toy.toml"});
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.err,
            "run: HERE/runs/toy/ID: begins\nHERE/runs/toy/ID: done; read report.md there\n");
  EXPECT_EQ(first.out.substr(0, 7), "nmse 0.");
  const auto runs = here.runs("toy");
  ASSERT_EQ(runs.size(), 1u);
  for (const char* file :
       {"manifest.toml", "resolved.toml", "script.lua", "record.json", "report.md", "events.jsonl",
        "log.txt", "DONE", "sae/cfg.json", "sae/sae_weights.safetensors",
        "sae/sparsity.safetensors", "sae/facet.json", "artefacts/latents.tsv",
        "artefacts/latent_examples.tsv"})
    EXPECT_TRUE(std::filesystem::exists(here.folder() / runs[0] / file)) << file;
  EXPECT_EQ(here.read(runs[0] / "script.lua"), kScript);
  const std::string record = here.read(runs[0] / "record.json");

  const Outcome again = here.facet({"run", "toy.toml"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.err,
            "HERE/runs/toy/ID: done before, nothing to do; delete the folder to run it again\n");
  EXPECT_EQ(again.out, "");
  EXPECT_EQ(here.read(runs[0] / "record.json"), record);
  const std::string listed = here.facet({"runs"}).out;
  EXPECT_EQ(listed.substr(0, 22), runs[0].lexically_relative("runs").string() + "  done");
}

TEST(Run, is_the_same_from_its_frozen_manifest_and_another_with_set) {
  const ToyWorkshop here;
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).err, "");
  const std::string frozen = (here.runs("toy").at(0) / "manifest.toml").string();
  EXPECT_EQ(here.facet({"run", frozen, "--set", "name=toy"}).err,
            "HERE/runs/toy/ID: done before, nothing to do; delete the folder to run it again\n");
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet", "--set", "sae.k=5"}).exit_code, 0);
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet", "--set", "train.log_every=2"}).exit_code, 0);
  EXPECT_EQ(here.runs("toy").size(), 2u);
  here.write("small.fasta", small_fasta() + ">more\nMKV\n");
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  EXPECT_EQ(here.runs("toy").size(), 3u);
}

TEST(Run, says_what_its_data_left_out_and_records_the_file) {
  const ToyWorkshop here;
  here.write("seen.fasta", small_fasta().substr(0, 45));  // the first protein, whole
  here.edit_manifest("[data]\n", "[data]\nexclude = \"seen.fasta\"\n");
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).err, "");
  const auto folder = here.runs("toy").at(0);
  const std::string report = here.read(folder / "report.md");
  EXPECT_NE(report.find("1 excluded, of 12 read"), std::string::npos) << report;
  EXPECT_NE(here.read(folder / "record.json").find("/seen.fasta\""), std::string::npos);
  here.write("seen.fasta", small_fasta());
  const Outcome emptied = here.facet({"run", "toy.toml", "--quiet"});
  EXPECT_EQ(emptied.err.substr(0, emptied.err.find('\n')),
            "toy.lua:7: activations: no rows: the data has no records, or none with a token that "
            "is kept");
}

TEST(Run, keeps_the_files_of_analyses_of_one_type_apart) {
  const ToyWorkshop here;
  const std::string twice = kTrained +
                            "local codes = run:encode { sae = sae, on = rows }\n"
                            "run:analyze { type = \"latents\", on = codes }\n"
                            "run:analyze { type = \"latents\", name = \"again\", on = codes }\n";
  EXPECT_EQ(here.script(twice).err, "");
  const auto artefacts = here.folder() / here.runs("toy").at(0) / "artefacts";
  EXPECT_TRUE(std::filesystem::exists(artefacts / "latents.tsv"));
  EXPECT_TRUE(std::filesystem::exists(artefacts / "again/latents.tsv"));
  for (const char* name : {"again", "latents"}) {
    const std::string err = here.script(twice + "run:analyze { type = \"latents\", name = \"" +
                                        name + "\", on = codes }\n")
                                .err;
    EXPECT_EQ(err.substr(0, err.find('\n')),
              "script.lua:11: analysis.name: \"" + std::string(name) +
                  "\" was written already in this run; give each analysis its own name");
  }
}

TEST(Run, goes_where_it_is_told) {
  const ToyWorkshop here;
  const std::vector<std::string> command = {"run", "toy.toml", "--set", "train.steps=1"};
  EXPECT_EQ(here.facet(command, {{"FACET_RUNS", "by_name"}}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(here.folder() / "by_name/toy"));
  EXPECT_EQ(here.facet({"run", "toy.toml", "--set", "train.steps=1", "--runs", "by_option"},
                       {{"FACET_RUNS", "by_name"}})
                .exit_code,
            0);
  EXPECT_TRUE(std::filesystem::exists(here.folder() / "by_option/toy"));
  EXPECT_EQ(here.facet({"runs", "--runs", "nowhere"}).out, "no runs in HERE/nowhere\n");
}

TEST(Run, refuses_one_fact_in_two_places_and_names_both) {
  const ToyWorkshop here;
  const std::string in_main = "\tt.lua:1: in main chunk\n";
  const std::pair<const char*, const char*> cases[] = {
      {"require('facet').run():sae { type = 'topk', k = 6 }",
       "t.lua:1: sae.k: integer 6, is integer 4 at toy.toml:19:1; one fact, one place\n"
       "stack traceback:\n\t[C]: in method 'sae'\n"},
      {"require('facet').run { seed = 4 }",
       "t.lua:1: seed: also set at toy.toml:3:1\n"
       "stack traceback:\n\t[C]: in function 'facet.run'\n"},
  };
  here.edit_manifest("toy.lua", "t.lua");
  for (const auto& [text, err] : cases) {
    here.write("t.lua", text);
    const Outcome outcome = here.facet({"run", "toy.toml", "--quiet"});
    EXPECT_EQ(outcome.err, err + in_main);
    EXPECT_EQ(outcome.exit_code, 1);
  }
}

TEST(Run, may_be_given_the_same_fact_twice) {
  const ToyWorkshop here;
  here.edit_manifest("toy.lua", "t.lua");
  here.write("t.lua", "print(require('facet').run { seed = 3 }.seed)");
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).out, "3\n");
}

TEST(Run, that_failed_is_marked_and_can_be_run_again) {
  const ToyWorkshop here;
  EXPECT_EQ(here.script(kTrained + "error \"enough\"\n").exit_code, 1);
  const auto folder = here.runs("toy").at(0);
  EXPECT_EQ(here.read(folder / "FAILED").substr(0, 20), "script.lua:8: enough");
  EXPECT_EQ(here.facet({"runs"}).out.substr(18, 6), "failed");
  EXPECT_EQ(here.script(kTrained + "error \"enough\"\n").exit_code, 1);
  EXPECT_EQ(here.runs("toy").size(), 1u);
}

TEST(Run, of_a_script_without_a_run_is_only_lua) {
  const Workshop here;
  const Outcome outcome = here.script("print(1 + 1)\n");
  EXPECT_EQ(outcome.out, "2\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "runs"));
}
