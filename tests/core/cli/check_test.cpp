// facet check: manifests, scripts and plugins, before anything is loaded or computed.
#include <gtest/gtest.h>

#include "run/kernel.h"
#include "toy_run.h"

namespace {

// Of all that are built here: "latents", "metrics".
std::string known_analyses() {
  facet::Kernel kernel;
  facet::load_kernel(kernel, {FACET_TEST_PLUGINS});
  std::string out;
  for (const facet::Part* part : kernel.registry.parts())
    if (part->kind == "analysis") out += (out.empty() ? "\"" : ", \"") + part->name + "\"";
  return out;
}

}  // namespace

TEST(Check, finds_no_problem_where_there_is_none) {
  const ToyWorkshop here;
  const Outcome manifest = here.facet({"check", "toy.toml"});
  EXPECT_EQ(manifest.exit_code, 0);
  EXPECT_TRUE(manifest.out.ends_with("\ntoy.toml: no problem found\n")) << manifest.out;
  EXPECT_EQ(here.facet({"check", "toy.lua"}).out, "toy.lua: no problem found\n");
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "runs"));
}

TEST(Check, says_all_problems_of_a_manifest_at_once) {
  const ToyWorkshop here;
  here.write("bad.toml", R"(script = "nowhere.lua"
nmae = "m"
seed = "x"
[hots]
type = "toy"
[host]
type = "tyo"
[data]
type = "fasta"
path = "nowhere.fasta"
split = { evla = 0.5 }
[sae]
type = "topk"
d_sae = 64
k = 70
kk = 3
[train]
steps = 12.5
lr = "x"
[[analysis]]
type = "metrix"
[[analysis]]
name = "latents"
)");
  const std::string err =
      "bad.toml:4:1: hots: unknown section (did you mean \"host\"?)\n"
      "bad.toml:2:1: nmae: unknown key (did you mean \"name\"?)\n"
      "bad.toml:1:1: manifest.script: \"nowhere.lua\" does not exist (HERE/nowhere.lua)\n"
      "bad.toml:3:1: manifest.seed: expected integer, got string \"x\"\n"
      "bad.toml:7:1: host.type: no host \"tyo\" (did you mean \"toy\"?)\n"
      "bad.toml:21:1: analysis[1].type: no analysis \"metrix\" (did you mean \"metrics\"?)\n"
      "bad.toml:22:1: analysis[2].type: required, should be one of " +
      known_analyses() +
      "\n"
      "bad.toml:11:11: data.split.evla: unknown key (did you mean \"eval\"?)\n"
      "bad.toml:10:1: data.path: \"nowhere.fasta\" does not exist (HERE/nowhere.fasta)\n"
      "bad.toml:16:1: sae.kk: unknown key\n"
      "bad.toml:15:1: sae.k: 70 exceeds d_sae (64)\n"
      "bad.toml:18:1: train.steps: expected integer, got number 12.5\n"
      "bad.toml:19:1: train.lr: expected number, got string \"x\"\n";
  for (const char* command : {"check", "run"}) {
    const Outcome outcome = here.facet({command, "bad.toml"});
    EXPECT_EQ(outcome.err, err);
    EXPECT_EQ(outcome.exit_code, 1);
  }
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "runs"));
}

TEST(Check, refuses_what_is_no_toml_or_no_lua_with_its_line) {
  const ToyWorkshop here;
  here.write("cut.toml", "script = \"toy.lua\"\nname =\n");
  here.write("twice.toml", "seed = 1\nseed = 2\n");
  here.write("cut.lua", "local x = 1\nlocal y = = 2\n");
  here.write("by_cut.toml", "script = \"cut.lua\"\n");
  const std::pair<const char*, const char*> cases[] = {
      {"cut.toml",
       "cut.toml:2:7: not valid TOML: Error while parsing key-value pair: expected value, saw "
       "'\\n'\n"},
      {"twice.toml",
       "twice.toml:2:8: not valid TOML: Error while parsing key-value pair: cannot redefine "
       "existing integer 'seed'\n"},
      {"cut.lua", "cut.lua:2: unexpected symbol near '='\n"},
      {"by_cut.toml", "cut.lua:2: unexpected symbol near '='\n"},
  };
  for (const auto& [file, err] : cases) {
    const Outcome outcome = here.facet({"check", file});
    EXPECT_EQ(outcome.err, err);
    EXPECT_EQ(outcome.exit_code, 1);
  }
}

TEST(Check, says_what_a_manifest_needs_of_the_machine) {
  const ToyWorkshop here;
  const std::string out = here.facet({"check", "toy.toml"}).out;
  for (const char* line : {"estimated, not measured:\n", "\nmemory: about ", "\n  host batch ",
                           "  8192 tokens of width 32\n",
                           "  65536 rows of width 32, three copies and those made ahead\n",
                           "  64 latents on rows of width 32, four copies\n", "\ndisk: about ",
                           "\n  codes store ", "\ntime: ", "\n  SAE, to train ", "  192 rows\n"})
    EXPECT_NE(out.find(line), std::string::npos) << line << "\n" << out;
}

TEST(Check, refuses_what_the_machine_cannot_hold) {
  const ToyWorkshop here;
  const Outcome outcome = here.facet({"check", "toy.toml", "--set", "sae.d_sae=1000000000000"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(std::regex_match(
      outcome.err,
      std::regex("toy\\.toml: memory: about 1[0-9.]+ PiB are needed, should be at most the [0-9.]+ "
                 "[GM]iB that can be had\nlower sae\\.d_sae \\([0-9]+ TiB\\), train\\.batch "
                 "\\([0-9]+ TiB\\)\n")))
      << outcome.err;
}

TEST(Check, refuses_hookpoints_that_the_host_does_not_have) {
  const ToyWorkshop here;
  here.edit_manifest("layers.1", "layers.9");
  const Outcome outcome = here.facet({"check", "toy.toml"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err.substr(0, 39), "toy.toml:14:1: activations.hookpoints: ");
}

TEST(Check, tries_a_plugin_and_says_what_it_saw) {
  const Outcome outcome = Workshop().facet({"check", FACET_TEST_PLUGINS "/topk.so"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out.substr(0, 30), "sae abs_topk: documented: pass");
  EXPECT_EQ(outcome.out.find(": fail"), std::string::npos) << outcome.out;
}

TEST(Check, refuses_a_broken_plugin_before_it_is_loaded) {
  const Workshop here;
  const std::filesystem::path bad = FACET_TEST_BAD_PLUGINS;
  const std::string no_entry = (bad / "no_entry.so").string();
  const Outcome outcome = here.facet({"check", no_entry});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err.substr(0, no_entry.size() + 2), no_entry + ": ");
  EXPECT_EQ(here.facet({"list", "--plugin-path", no_entry}).err, outcome.err);
  EXPECT_EQ(here.facet({"list"}, {{"FACET_PLUGIN_PATH", no_entry}}).err, outcome.err);
  here.write("text.so", "not a library\n");
  EXPECT_EQ(here.facet({"check", "text.so"}).exit_code, 1);
}
