// The commands on an SAE of another program: a TopK of SAELens, d_in 32 as the toy host has.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "facet/safetensors.h"
#include "trained_toy.h"

namespace {

class SaeLensWorkshop : public ToyWorkshop {
 public:
  SaeLensWorkshop() {
    std::filesystem::create_directories(folder() / "lens");
    for (const char* file : {"cfg.json", "sae_weights.safetensors"})
      std::filesystem::copy_file(FACET_TEST_DATA "/sae/saelens_topk/" + std::string(file),
                                 folder() / "lens" / file);
  }
};

const std::string kNotCompared = "lens: an SAE of SAELens: ";

}  // namespace

TEST(ForeignSae, is_shown_as_facet_reads_it) {
  const SaeLensWorkshop here;
  const Outcome outcome = here.facet({"sae", "show", "lens"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find("  files")),
            "lens\n"
            "  program      SAELens\n"
            "  type         topk\n"
            "  parameters   centre = true, d_sae = 128, k = 8, select_by_norm = false\n"
            "  d_in         32\n"
            "  host         esm2_t12_35M_UR50D\n"
            "  hookpoint    blocks.6.hook_resid_post\n"
            "  normaliser   \"none\"\n");
}

TEST(ForeignSae, encodes_rows_of_a_file) {
  const SaeLensWorkshop here;
  const facet::Safetensors golden(FACET_TEST_DATA "/sae/saelens_topk/golden.safetensors");
  facet::save_safetensors(here.folder() / "x.safetensors", {{"x", golden.tensor("x")}});
  const Outcome outcome = here.facet(
      {"encode", "--sae", "lens", "--in", "x.safetensors", "--out", "codes.safetensors"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(
      outcome.err,
      kNotCompared + "not compared with the host, hookpoint, rows and pool of x.safetensors\n");
  const facet::Safetensors codes(here.folder() / "codes.safetensors");
  EXPECT_EQ(codes.tensor("value").numel(), golden.tensor("features").ne(0).sum().item<int64_t>());
}

TEST(ForeignSae, is_inspected_at_a_hookpoint_of_a_host) {
  const SaeLensWorkshop here;
  EXPECT_EQ(here.facet({"inspect", "--sae", "lens", "MKT"}).err,
            kNotCompared + "the host is not known: say which with --set host.type=NAME\n");
  const Outcome none = here.facet({"inspect", "--sae", "lens", "--set", "host.type=toy", "MKT"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_NE(none.err.find("lens: hookpoint: "), std::string::npos) << none.err;
  EXPECT_NE(none.err.find("blocks.6.out"), std::string::npos) << none.err;
  const Outcome outcome = here.facet(
      {"inspect", "--sae", "lens", "--set", "host.type=toy", "--hookpoint", "blocks.1.out", "MKT"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err,
            kNotCompared + "its host (esm2_t12_35M_UR50D) cannot be compared with the one given\n");
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find('\n')),
            "topk, 128 latents at blocks.1.out of toy; error is |x - reconstruction| / |x|");
}

TEST(ForeignSae, is_exported_with_where_it_came_from) {
  const SaeLensWorkshop here;
  EXPECT_EQ(here.facet({"sae", "export", "lens", "out"}).out, "out: topk\n  SAELens loads it\n");
  const std::string shown = here.facet({"sae", "show", "out"}).out;
  for (const char* line : {"\n  program      SAELens\n", "\n  its host     esm2_t12_35M_UR50D\n",
                           "\n  host         not known\n"})
    EXPECT_NE(shown.find(line), std::string::npos) << shown;
  EXPECT_EQ(here.json("out/cfg.json").at("metadata").text("model_name"), "esm2_t12_35M_UR50D");
}

TEST(ForeignSae, is_measured_by_a_script) {
  const SaeLensWorkshop here;
  const Outcome outcome = here.script(kRows +
                                      "local sae = run:sae { from = \"lens\", on = rows }\n"
                                      "print(run:encode { sae = sae, on = rows }.rows)\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "150\n");
  EXPECT_NE(outcome.err.find("script.lua:6: sae.from: an SAE of SAELens: its host "
                             "(esm2_t12_35M_UR50D), the host's weights and the rows that it was "
                             "trained on cannot be compared"),
            std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("its hookpoint is blocks.6.hook_resid_post, `on` has blocks.0.out"),
            std::string::npos)
      << outcome.err;
}

TEST(ForeignSae, of_another_width_is_refused) {
  const SaeLensWorkshop here;
  std::filesystem::remove_all(here.folder() / "lens");
  std::filesystem::create_directories(here.folder() / "lens");
  for (const char* file : {"cfg.json", "sae_weights.safetensors"})
    std::filesystem::copy_file(
        FACET_TEST_DATA "/sae/saelens_topk_decoder_norm/" + std::string(file),
        here.folder() / "lens" / file);
  const Outcome outcome =
      here.script(kRows + "local sae = run:sae { from = \"lens\", on = rows }\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("script.lua:6: sae.from: d_in: trained on 10, `on` has 32"),
            std::string::npos)
      << outcome.err;
}
