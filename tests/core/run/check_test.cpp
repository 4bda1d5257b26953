// A manifest is refused before anything is loaded, with all that is wrong in it.
#include "run/check.h"

#include <gtest/gtest.h>

#include "core/base/test_folder.h"
#include "core/run/small_parts.h"
#include "expect_refusal.h"
#include "run/manifest.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

class CheckManifest : public testing::Test {
 protected:
  CheckManifest() {
    add_small_parts(registry_);
    folder_.write("train.lua", "local run = require 'facet'.run()\n");
    folder_.write("x.fasta", ">a\nM\n");
  }

  /// The refusal of script and text, with FILE for the manifest's path.
  std::string refusal(const std::string& text,
                      const std::string& head = "script = \"train.lua\"\n") {
    const fs::path file = folder_.write("x.toml", head + text);
    std::string out = refusal_of([&] { check_manifest(load_manifest(file), registry_); });
    for (size_t at; (at = out.find(file.string())) != std::string::npos;)
      out.replace(at, file.string().size(), "FILE");
    return out;
  }

  TestFolder folder_;
  Registry registry_;
};

}  // namespace

TEST_F(CheckManifest, accepts_a_manifest_with_every_section) {
  EXPECT_EQ(
      refusal("facet = 1\nname = \"a\"\nseed = 3\nnotes = \"n\"\n"
              "[data]\ntype = \"fasta\"\npath = \"x.fasta\"\nlimit = 5\nsplit = { eval = 0.5 }\n"
              "[activations]\nhookpoints = \"layers.1\"\nnormalize = \"layer_norm\"\n"
              "[sae]\ntype = \"topk\"\nd_sae = 64\n"
              "[train]\nsteps = 10\n[encode]\n"
              "[[analysis]]\ntype = \"count\"\n[[analysis]]\ntype = \"count\"\nname = \"again\"\n"),
      "(no refusal)");
}

TEST_F(CheckManifest, reports_the_problems_of_all_sections_together) {
  EXPECT_EQ(refusal("seed = \"x\"\n"
                    "[data]\ntype = \"fasta\"\npath = \"none.fasta\"\n"
                    "[sae]\ntype = \"topk\"\nd_sea = 10240\nk = \"32\"\n"
                    "[train]\nsteps = 0\n"
                    "[[analysis]]\ntype = \"count\"\n[[analysis]]\ntype = \"count\"\nalpha = 2\n"),
            "FILE:2:1: manifest.seed: expected integer, got string \"x\"\n"
            "FILE:5:1: data.path: \"none.fasta\" does not exist (" +
                (folder_ / "none.fasta").string() +
                ")\n"
                "FILE:8:1: sae.d_sea: unknown key (did you mean \"d_sae\"?)\n"
                "FILE:6:1: sae.d_sae: required\n"
                "FILE:9:1: sae.k: expected integer, got string \"32\"\n"
                "FILE:11:1: train.steps: integer 0, must be at least 1\n"
                "FILE:16:1: analysis[2].alpha: integer 2, must be between 0 and 1");
}

TEST_F(CheckManifest, refuses_sections_and_keys_that_do_not_exist) {
  EXPECT_EQ(refusal("sed = 3\n[trian]\nsteps = 3\n[elsewhere]\n"),
            "FILE:5:1: elsewhere: unknown section\n"
            "FILE:2:1: sed: unknown key (did you mean \"seed\"?)\n"
            "FILE:3:1: trian: unknown section (did you mean \"train\"?)");
}

TEST_F(CheckManifest, refuses_relations_that_do_not_hold) {
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\nd_sae = 65536\nk = 70000\n"),
            "FILE:5:1: sae.k: 70000 exceeds d_sae (65536)");
  EXPECT_EQ(refusal("[train]\nsteps = 10\nepochs = 1\n"),
            "FILE:2:1: train: exactly one of steps, total_rows, epochs must be set");
}

TEST_F(CheckManifest, refuses_parts_that_no_plugin_has) {
  EXPECT_EQ(refusal("[sae]\ntype = \"topkk\"\n"),
            "FILE:3:1: sae.type: no sae \"topkk\" (did you mean \"topk\"?)");
  EXPECT_EQ(refusal("[host]\ntype = \"esm2\"\n"),
            "FILE:3:1: host.type: no host \"esm2\" (no plugin with one is loaded)");
  EXPECT_EQ(refusal("[[analysis]]\ntype = \"count\"\n[[analysis]]\ntype = \"kl\"\n"),
            "FILE:5:1: analysis[2].type: no analysis \"kl\" (known: count)");
}

TEST_F(CheckManifest, refuses_sections_without_a_type) {
  EXPECT_EQ(refusal("[sae]\nd_sae = 8\n"),
            "FILE:2:1: sae.type: required, should be one of \"topk\"");
  EXPECT_EQ(refusal("[data]\ntype = 3\n"),
            "FILE:3:1: data.type: integer 3, should be one of \"fasta\", \"jsonl\", \"synthetic\", "
            "\"text\", \"tsv\"");
  EXPECT_EQ(refusal("[[analysis]]\nalpha = 1\n"),
            "FILE:2:1: analysis[1].type: required, should be one of \"count\"");
  EXPECT_EQ(refusal("sae = 3\ntrain = \"long\"\nanalysis = [\"count\"]\n"),
            "FILE:2:1: sae: expected table, got integer 3\n"
            "FILE:4:13: analysis[1]: expected table, got string \"count\"\n"
            "FILE:3:1: train: expected table, got string \"long\"");
}

TEST_F(CheckManifest, reads_a_baseline_with_what_the_sae_lends_it) {
  const std::string sae = "[sae]\ntype = \"topk\"\nd_sae = 64\n";
  EXPECT_EQ(refusal(sae + "[[baseline]]\ntype = \"topk\"\n[[baseline]]\ntype = \"topk\"\nk = 65\n"),
            "FILE:9:1: baseline[2].k: 65 exceeds d_sae (64)");
  EXPECT_EQ(refusal(sae + "[[baseline]]\ntype = \"topk\"\nd_sae = 1\n[[baseline]]\nrows = 0\n"),
            "FILE:8:1: baseline[2].type: required, should be one of \"topk\"\n"
            "FILE:5:1: baseline[1].k: 2 exceeds d_sae (1)");
  EXPECT_EQ(refusal("[[baseline]]\ntype = \"topk\"\nrows = 0\n"),
            "FILE:4:1: baseline[1].rows: integer 0, must be at least 1");
  EXPECT_EQ(refusal("[sae]\nfrom = \"earlier\"\n[[baseline]]\ntype = \"topk\"\n"), "(no refusal)");
}

TEST_F(CheckManifest, wants_a_script_that_is_there) {
  EXPECT_EQ(refusal("", ""), "FILE: script: required, the Lua script that the manifest is for");
  EXPECT_EQ(refusal("", "script = \"\"\n"),
            "FILE:1:1: script: required, the Lua script that the manifest is for");
  EXPECT_EQ(refusal("", "script = 3\n"),
            "FILE:1:1: manifest.script: expected string, got integer 3");
  EXPECT_EQ(refusal("", "script = \"tarin.lua\"\n"),
            "FILE:1:1: manifest.script: \"tarin.lua\" does not exist (" +
                (folder_ / "tarin.lua").string() + ")");
}

TEST_F(CheckManifest, refuses_another_format) {
  EXPECT_EQ(refusal("facet = 2\n"), "FILE:2:1: manifest.facet: integer 2, must be between 1 and 1");
}

TEST_F(CheckManifest, leaves_required_keys_to_a_script_that_sets_them) {
  folder_.write("train.lua", "local sae = run:sae { on = rows, d_sae = 8 * rows.d_in }\n");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\n"), "(no refusal)");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\nk = 0\n"),
            "FILE:4:1: sae.k: integer 0, must be at least 1");
  folder_.write("train.lua", "run:train { sae = sae, on = rows, steps = 10 }\n");
  EXPECT_EQ(refusal("[train]\nlr = 1e-3\n"), "(no refusal)");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\n"), "FILE:2:1: sae.d_sae: required");
}

TEST_F(CheckManifest, does_not_take_a_comparison_or_the_name_of_a_run_for_a_key) {
  folder_.write("train.lua", "local run = facet.run { name = 'x' }\nif d_sae == 3 then end\n");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\n"), "FILE:2:1: sae.d_sae: required");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\nd_sae = 8\nk = 9\n"),
            "FILE:5:1: sae.k: 9 exceeds d_sae (8)");
}

TEST_F(CheckManifest, still_wants_what_neither_the_manifest_nor_the_script_has) {
  folder_.write("train.lua", "run:sae { k = 16 }\n");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\n"), "FILE:2:1: sae.d_sae: required");
}

TEST_F(CheckManifest, names_the_command_line_for_what_stands_there) {
  const fs::path file =
      folder_.write("x.toml", "script = \"train.lua\"\n[sae]\ntype = \"topk\"\nd_sae = 8\n");
  Value manifest = load_manifest(file);
  for (const char* set : {"sae.k=9x", "train={ steps = 0 }", "sede=1"}) lay_set(manifest, set);
  EXPECT_EQ(refusal_of([&] { check_manifest(manifest, registry_); }),
            "--set: sede: unknown key (did you mean \"seed\"?)\n"
            "--set: sae.k: expected integer, got string \"9x\"\n"
            "--set: train.steps: integer 0, must be at least 1");
}

TEST(CheckKeys, refuses_what_a_script_by_itself_is_set_and_no_manifest_has) {
  Value manifest;
  for (const char* set : {"sea.k=64", "sed=1", "sae.k=1", "seed=2"}) lay_set(manifest, set);
  EXPECT_EQ(refusal_of([&] { check_keys(manifest); }),
            "--set: sea: unknown section (did you mean \"sae\"?)\n"
            "--set: sed: unknown key (did you mean \"seed\"?)");
  EXPECT_EQ(refusal_of([&] { check_keys(Value(Value::Table())); }), "(no refusal)");
}

TEST_F(CheckManifest, lets_a_loaded_sae_bring_all_but_its_name) {
  EXPECT_EQ(refusal("[sae]\nfrom = \"0123\"\nname = \"old\"\n"), "(no refusal)");
  EXPECT_EQ(refusal("[sae]\ntype = \"topk\"\nfrom = \"0123\"\nk = 8\nd_sae = 64\nseed = 1\n"
                    "nmae = \"x\"\n"),
            "FILE:6:1: sae.d_sae: cannot be set together with sae.from, which brings its own\n"
            "FILE:5:1: sae.k: cannot be set together with sae.from, which brings its own\n"
            "FILE:7:1: sae.seed: cannot be set together with sae.from, which brings its own\n"
            "FILE:3:1: sae.type: cannot be set together with sae.from, which brings its own\n"
            "FILE:8:1: sae.nmae: unknown key (did you mean \"name\"?)");
}
