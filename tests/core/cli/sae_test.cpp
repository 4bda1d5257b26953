// facet sae show: the card of an SAE.
#include <gtest/gtest.h>

#include "trained_toy.h"

TEST(SaeShow, says_what_the_sae_is_and_where_it_comes_from) {
  const TrainedWorkshop here;
  const Outcome outcome = here.facet({"sae", "show", "sae"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.substr(0, 4), "sae\n");
  for (const char* line :
       {"\n  type         topk\n", "d_sae = 64", "k = 4", "\n  d_in         32\n",
        "\n  d_sae        64\n", "\n  host         toy\n",
        "\n  host weights toy d=32 blocks=2 heads=4 seed=0\n", "\n  hookpoint    blocks.0.out\n",
        "\n  rows         content\n", "\n  normaliser   none\n",
        "\n  trained      12 steps, seed 3\n", "\n  run          ",
        " of 64 latents never fired at the end of the training (", "\n  files        cfg.json, ",
        "sae_weights.safetensors, ", "W_dec [64, 32], W_enc [32, 64]"})
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << "\n" << outcome.out;
}

TEST(SaeShow, finds_the_sae_of_a_run) {
  const TrainedWorkshop here;
  here.write("run/note", "");
  std::filesystem::rename(here.folder() / "sae", here.folder() / "run/sae");
  EXPECT_EQ(here.facet({"sae", "show", "run"}).out.substr(0, 8), "run/sae\n");
}

TEST(SaeShow, shows_an_sae_of_saelens) {
  const Workshop here;
  here.write("lens/cfg.json",
             R"({"architecture": "jumprelu", "d_in": 768, "d_sae": 24576,
                 "normalize_activations": "none",
                 "metadata": {"model_name": "gpt2", "hook_name": "blocks.8.hook_resid_pre"}})");
  const Outcome outcome = here.facet({"sae", "show", "lens"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "lens\n"
            "  type         jumprelu\n"
            "  d_in         768\n"
            "  d_sae        24576\n"
            "  host         gpt2\n"
            "  hookpoint    blocks.8.hook_resid_pre\n"
            "  normaliser   none\n"
            "  note         facet cannot load it: lens/sae_weights.safetensors: cannot read: No "
            "such file or directory\n"
            "  files        cfg.json, 200 B\n");
}

TEST(SaeShow, refuses_what_is_no_sae) {
  const Workshop here;
  here.write("list/cfg.json", "[1]");
  here.write("cut/cfg.json", "{");
  const std::pair<std::string, std::string> cases[] = {
      {"nowhere",
       "nowhere: not an SAE: has none of facet.json (facet), cfg.json and sae.safetensors "
       "(sparsify), cfg.json and sae_weights.safetensors (SAELens), config.json and ae.pt or "
       "ae.safetensors (dictionary_learning), one .pt or .ckpt (Rep_SAEs_PLMs or "
       "SAE_Helix_mRNA)\n"},
      {"list", "list/cfg.json: is list of 1, should be a table\n"},
      {"cut", "cut/cfg.json:1:"},
  };
  for (const auto& [folder, err] : cases) {
    const Outcome outcome = here.facet({"sae", "show", folder});
    EXPECT_EQ(outcome.err.substr(0, err.size()), err);
    EXPECT_EQ(outcome.exit_code, 1);
  }
}

TEST(SaeExport, writes_a_folder_for_raw_rows) {
  const TrainedWorkshop here;
  const Outcome outcome = here.facet({"sae", "export", "sae", "out"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "out: topk\n  SAELens loads it\n");
  for (const char* file : {"cfg.json", "facet.json", "fingerprint.safetensors",
                           "sae_weights.safetensors", "sparsity.safetensors"})
    EXPECT_TRUE(std::filesystem::exists(here.folder() / "out" / file)) << file;
  const Outcome again = here.facet({"sae", "export", "sae", "out"});
  EXPECT_EQ(again.err, "out: is there already, should be a new folder\n");
  EXPECT_EQ(again.exit_code, 1);
  const Outcome none = here.facet({"sae", "export", "nowhere", "new"});
  EXPECT_EQ(none.err.substr(0, 30), "nowhere: not an SAE: has none ");
}

TEST(SaeExport, says_what_became_of_the_normaliser) {
  const std::pair<std::string, std::string> cases[] = {
      {"expected_average", "  normaliser expected_average: in the weights\n  SAELens loads it\n"},
      {"layer_norm",
       "  normaliser layer_norm stays: it looks at each row by itself, which no weights do\n"
       "  SAELens loads it\n"},
      {"rep_saes",
       "  normaliser layer_norm stays: it looks at each row by itself, which no weights do\n"
       "  SAELens has no form for it: facet loads it\n"},
  };
  for (const auto& [normaliser, said] : cases) {
    const ToyWorkshop here;
    ASSERT_EQ(
        here.facet({"run", "toy.toml", "--quiet", "--set", "activations.normalize=" + normaliser})
            .err,
        "");
    const Outcome outcome = here.facet({"sae", "export", here.runs("toy").at(0), "out"});
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, "out: topk\n" + said);
  }
}
