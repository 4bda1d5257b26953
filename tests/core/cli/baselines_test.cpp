// run:baselines: something plain, trained and measured beside the SAE, in the same table.
#include <gtest/gtest.h>

#include "toy_run.h"

namespace {

constexpr char kBaselines[] =
    "\n[[baseline]]\ntype = \"topk\"\nname = \"few\"\nd_sae = 8\n\n[[baseline]]\ntype = \"topk\"\n";
constexpr char kMeasure[] =
    "for _, plain in ipairs(run:baselines { like = sae, on = rows }) do\n"
    "  local figures = run:analyze_all { on = run:encode { sae = plain, on = held_out } }\n"
    "  print(plain.name, plain.d_sae, figures.metrics.l0 <= 4)\n"
    "end\n";

// The toy's manifest with two baselines, and its script that measures them.
class BaselinesWorkshop : public ToyWorkshop {
 public:
  BaselinesWorkshop() {
    write("toy.toml", read("toy.toml") + kBaselines);
    write("toy.lua", read("toy.lua") + kMeasure);
  }
  std::string report(const std::string& runs = "runs") const {
    return read(runs + "/toy/" + facet_id() + "/report.md");
  }
  std::string facet_id() const { return this->runs("toy").at(0).filename().string(); }
};

std::string refused(const std::string& rest) {
  const ToyWorkshop here;
  const std::string err = here.script(rest).err;
  return err.substr(0, err.find("\nstack traceback"));
}

}  // namespace

TEST(Baselines, stand_beside_the_sae_in_one_table_with_files_of_their_own) {
  const BaselinesWorkshop here;
  const Outcome outcome = here.facet({"run", "toy.toml", "--quiet"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("few\t8\ttrue\ntopk\t64\ttrue\n"), std::string::npos) << outcome.out;
  const std::string report = here.report();
  EXPECT_NE(report.find("| figure | value | few | topk |"), std::string::npos) << report;
  EXPECT_NE(report.find("- Baseline: few: 8 latents, from 150 rows\n"), std::string::npos);
  EXPECT_NE(report.find("(artefacts/few/latents.tsv)"), std::string::npos);
  EXPECT_NE(report.find("![Loss over the training; lower is better.](loss.svg)"),
            std::string::npos);
  const std::string run = "runs/toy/" + here.facet_id() + "/";
  for (const char* file : {"sae/cfg.json", "sae/few/cfg.json", "sae/topk/sae_weights.safetensors",
                           "artefacts/latents.tsv", "artefacts/topk/latents.tsv", "loss.svg"})
    EXPECT_NE(here.read(run + file), "") << file;
  const std::string record = here.read(run + "record.json");
  for (const char* key : {"\"few/metrics\"", "\"topk/latents\"", "\"metrics\""})
    EXPECT_NE(record.find(key), std::string::npos) << key;
}

TEST(Baselines, of_a_stopped_run_end_as_those_of_a_whole_one) {
  const BaselinesWorkshop here;
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  here.edit_manifest("d_sae = 8", "d_sae = 8\nrows = 40");  // smaller steps are no other run's
  const Outcome whole = here.facet({"run", "toy.toml", "--quiet", "--runs", "whole"});
  const Outcome stopped =
      here.facet({"run", "toy.toml", "--quiet", "--runs", "cut", "--stop-after", "5"});
  EXPECT_EQ(stopped.exit_code, 75);
  const Outcome again = here.facet({"run", "toy.toml", "--quiet", "--runs", "cut"});
  EXPECT_EQ(again.out, whole.out);
  EXPECT_EQ(again.exit_code, 0);
}

TEST(Baselines, may_be_given_by_the_script) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(
      kTrained +
      "local all = run:baselines { like = sae, on = rows, baseline = { { type = \"topk\", name = "
      "\"x\", k = 2 } } }\nprint(#all, all[1].name, all[1].d_sae, #run:baselines { like = sae, on "
      "= rows })\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "1\tx\t64\t0\n");
}

TEST(Baselines, are_refused_with_every_problem_at_its_place) {
  EXPECT_EQ(refused(kTrained + "run:baselines { on = rows }\n"),
            "script.lua:8: baselines.like: required, a handle from run:sae");
  EXPECT_EQ(refused(kTrained + "run:baselines { like = sae }\n"),
            "script.lua:8: baselines.on: required, a handle from run:activations");
  EXPECT_EQ(refused(kSae + "run:baselines { like = sae, on = rows }\n"),
            "script.lua:7: baselines.like: not trained yet, should be after run:train");
  EXPECT_EQ(refused(kTrained + "run:baselines { like = sae, on = rows, type = \"topk\" }\n"),
            "script.lua:8: baselines.type: unknown key");
  EXPECT_EQ(
      refused(kTrained +
              "run:baselines { like = sae, on = rows, baseline = { { type = \"topk\", k = 65 }, { "
              "type = \"tpok\" }, { type = \"topk\", row = 3 } } }\n"),
      "script.lua:8: baseline[2].type: no sae \"tpok\" (did you mean \"topk\"?)\n"
      "script.lua:8: baseline[1].k: 65 exceeds d_sae (64)\n"
      "script.lua:8: baseline[3].row: unknown key (did you mean \"rows\"?)\n"
      "script.lua:8: baseline[3].name: \"topk\" is trained already in this run; give each its own "
      "name");
}

TEST(Baselines, of_a_manifest_are_checked_with_what_the_sae_lends_them) {
  const BaselinesWorkshop here;
  EXPECT_TRUE(here.facet({"check", "toy.toml"}).out.ends_with("\ntoy.toml: no problem found\n"));
  here.edit_manifest("d_sae = 8", "d_sae = 3");
  EXPECT_EQ(here.facet({"check", "toy.toml"}).err,
            "toy.toml:19:1: baseline[1].k: 4 exceeds d_sae (3)\n");
}
