// What a person sees of a training: evaluations, the best SAE, SAEs kept, the history, TensorBoard.
#include <gtest/gtest.h>

#include "facet/table.h"
#include "facet/value.h"
#include "toy_run.h"

namespace {

namespace fs = std::filesystem;

// toy.toml with evaluations of all held-out rows; toy.lua hands them over.
class WatchedWorkshop : public ToyWorkshop {
 public:
  explicit WatchedWorkshop(const std::string& more = "best = \"nmse\"\nkeep_at = [5]\n") {
    edit_manifest("log_every = 1\n", "log_every = 5\neval_every = 4\neval_batches = 1000\n" + more);
    write("toy.lua", R"(-- Trains, is watched, and measures.
local run = require("facet").run()
local host = run:host()
local data = run:data()
local rows = run:activations { host = host, data = data.train }
local held_out = run:activations { host = host, data = data.eval }
local sae = run:sae { on = rows }
local evaluated = {}
local last = run:train {
  sae = sae, on = rows, eval_on = held_out,
  on_step = function(m) if m.eval then evaluated[#evaluated + 1] = m.step end end,
}
print(last.eval and last.eval.nmse, last.best and last.best.step, table.concat(evaluated, " "))
local codes = run:encode { sae = sae, on = held_out }
run:analyze_all { on = codes }
)");
  }
  fs::path run() const { return folder() / runs("toy").at(0); }
  facet::Value json(const std::string& name) const {
    return facet::parse_json(read(run() / name), name);
  }
};

std::vector<facet::Value> events_of(const Workshop& here, const fs::path& run,
                                    const std::string& name) {
  std::vector<facet::Value> out;
  std::istringstream lines(here.read(run / "events.jsonl"));
  for (std::string line; std::getline(lines, line);)
    if (facet::Value event = facet::parse_json(line, "events"); event.text("event") == name)
      out.push_back(event);
  return out;
}

std::map<std::string, std::string> files_under(const Workshop& here, const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) out[fs::relative(entry.path(), folder)] = here.read(entry.path());
  return out;
}

// What a run of toy.toml with this in place of `log_every = 1` is refused with.
std::string refused(const std::string& train, const std::string& script = kScript) {
  const ToyWorkshop here;
  here.edit_manifest("log_every = 1", train);
  here.write("toy.lua", script);
  const std::string err = here.facet({"run", "toy.toml", "--quiet"}).err;
  return err.substr(0, std::min(err.find("\nstack traceback"), err.size() - 1));
}

// The first steps (of the scalars) in the one file of a folder, in order.
std::vector<int64_t> steps_in(const fs::path& folder, const std::string& tag) {
  std::vector<int64_t> out;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
  EXPECT_EQ(found.size(), 1u);
  std::ifstream file(found.at(0), std::ios::binary);
  for (uint64_t size = 0; file.read(reinterpret_cast<char*>(&size), 8);) {
    std::string data(size, '\0');
    file.ignore(4).read(data.data(), static_cast<std::streamsize>(size));
    file.ignore(4);
    // wall_time is the first field (9 bytes), step the second (one byte for small steps).
    if (data.find(tag) != std::string::npos) out.push_back(static_cast<unsigned char>(data.at(10)));
  }
  return out;
}

}  // namespace

TEST(Watching, evaluations_have_the_figures_of_metrics_on_the_same_rows) {
  const WatchedWorkshop here;
  const Outcome outcome = here.facet({"run", "toy.toml", "--quiet"});
  EXPECT_EQ(outcome.err, "");
  const auto evals = events_of(here, here.run(), "train.eval");
  ASSERT_EQ(evals.size(), 3u);  // after steps 4, 8 and 12 of 12
  const facet::Value metrics = here.json("record.json").at("figures").at("metrics");
  for (const char* name : {"nmse", "mse", "l0", "explained_variance", "fvu", "cosine"})
    // Other numbers of rows at once: the last bits of float32 products may differ.
    EXPECT_NEAR(evals.back().number(name) / metrics.number(name), 1, 1e-6) << name;
  EXPECT_EQ(evals.back().number("dead"), metrics.number("dead"));
  EXPECT_LT(evals.back().number("nmse"), evals.front().number("nmse"));
  EXPECT_EQ(outcome.out.substr(0, 6), facet::emit_json(evals.back().at("nmse")).substr(0, 6));
  EXPECT_TRUE(outcome.out.ends_with("\t12\t4 8 12\n")) << outcome.out;
}

TEST(Watching, changes_nothing_of_what_is_trained_nor_the_id_without_best) {
  const ToyWorkshop plain;
  const WatchedWorkshop watched(""), never("");
  plain.write("toy.lua", watched.read("toy.lua"));
  never.edit_manifest("eval_every = 4\neval_batches = 1000\n", "");
  for (const ToyWorkshop* here :
       {&plain, static_cast<const ToyWorkshop*>(&watched), static_cast<const ToyWorkshop*>(&never)})
    EXPECT_EQ(here->facet({"run", "toy.toml", "--quiet"}).err, "");
  EXPECT_EQ(watched.runs("toy").at(0), never.runs("toy").at(0));
  EXPECT_EQ(plain.runs("toy").at(0), never.runs("toy").at(0));
  EXPECT_TRUE(files_under(watched, watched.run() / "sae") ==
              files_under(plain, plain.folder() / plain.runs("toy").at(0) / "sae"));
  const WatchedWorkshop best;
  EXPECT_EQ(best.facet({"run", "toy.toml", "--quiet"}).err, "");
  EXPECT_NE(best.runs("toy").at(0), never.runs("toy").at(0));
  EXPECT_EQ(best.read(best.run() / "sae/sae_weights.safetensors"),
            plain.read(plain.folder() / plain.runs("toy").at(0) / "sae/sae_weights.safetensors"));
}

TEST(Watching, writes_a_row_for_each_recorded_step_and_a_picture) {
  const WatchedWorkshop here;
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).err, "");
  const facet::Table history =
      facet::parse_tsv(here.read(here.run() / "artefacts/training_history.tsv"), "history");
  std::string names;
  for (const facet::Column& column : history.columns()) names += column.name + " ";
  EXPECT_EQ(
      names,
      "step rows loss auxk mse l0 dead lr eval_nmse eval_fvu eval_explained_variance eval_mse "
      "eval_cosine eval_l2_ratio eval_relative_reconstruction_bias eval_l0 eval_l0_nonzero "
      "eval_sparsity eval_l1 eval_dead ");
  std::vector<int64_t> steps;
  for (const auto& row : history.rows()) steps.push_back(*row[0].as<int64_t>());
  EXPECT_EQ(steps, (std::vector<int64_t>{1, 4, 5, 8, 10, 12}));
  const auto event = events_of(here, here.run(), "train.step").back();
  EXPECT_EQ(*history.rows().back()[2].as<double>(), event.number("loss"));
  EXPECT_FALSE(history.rows()[2][8].is<double>());  // step 5 was not evaluated
  EXPECT_TRUE(history.rows()[3][8].is<double>());

  const std::string svg = here.read(here.run() / "artefacts/training_history.svg");
  for (const char* text : {">step</text>", ">loss</text>", ">latents</text>",
                           ">share of the latents</text>", ">nmse</text>", ">held-out rows</text>"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  const std::string report = here.read(here.run() / "report.md");
  for (const char* text :
       {"![Loss, L0 and dead latents over the training.](artefacts/training_history.svg)",
        "[artefacts/training_history.tsv](artefacts/training_history.tsv)"})
    EXPECT_NE(report.find(text), std::string::npos) << text;
  const facet::Value outputs = here.json("record.json").at("outputs");
  for (const char* name : {"artefacts/training_history.tsv", "artefacts/training_history.svg"})
    EXPECT_TRUE(outputs.find(name)) << name;
}

TEST(Watching, keeps_saes_that_from_takes) {
  const WatchedWorkshop here;
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).err, "");
  const std::string run = here.runs("toy").at(0).string();
  const facet::Value said = here.json("record.json").array("trainings").at(0);
  EXPECT_EQ(said.at("best").text("figure"), "nmse");
  EXPECT_EQ(said.text("best_folder"), "kept/best");
  EXPECT_EQ(said.at("kept"), facet::Value(facet::Value::Array{5}));
  EXPECT_EQ(here.json("kept/000000005/facet.json").integer("step"), 5);
  EXPECT_EQ(here.json("kept/best/facet.json").integer("step"), said.at("best").integer("step"));
  EXPECT_FALSE(fs::exists(here.run() / "checkpoints/best-call-6"));
  const std::string report = here.read(here.run() / "report.md");
  EXPECT_NE(report.find("- Best SAE: nmse 0."), std::string::npos);
  EXPECT_NE(report.find(" after step 12, in kept/best/\n"), std::string::npos);
  EXPECT_NE(report.find("- SAEs kept: after steps 5, in kept/\n"), std::string::npos);
  // The last evaluation was the best one here: it is the finished SAE.
  EXPECT_EQ(here.read(run + "/kept/best/sae_weights.safetensors"),
            here.read(run + "/sae/sae_weights.safetensors"));
  for (const char* folder : {"kept/best", "kept/000000005"}) {
    const Outcome outcome = here.script(kRows + "local sae = run:sae { from = \"" + run + "/" +
                                        folder + "\", on = rows }\nprint(sae.type, sae.d_sae)\n");
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, "topk\t64\n");
  }
}

TEST(Watching, ends_early_and_says_so) {
  const WatchedWorkshop here("best = \"nmse\"\nbest_is = \"greatest\"\npatience = 1\n");
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet"}).err, "");
  const auto ended = events_of(here, here.run(), "train.ended");
  ASSERT_EQ(ended.size(), 1u);
  const std::string why = ended[0].text("message");
  EXPECT_EQ(why.substr(0, 70),
            "ended after step 8 of 12: nmse has not improved for 1 evaluation; its ");
  const facet::Value record = here.json("record.json");
  EXPECT_EQ("ended " + record.array("trainings").at(0).text("ended"), why);
  EXPECT_EQ(record.text("status"), "done");
  EXPECT_NE(here.read(here.run() / "report.md").find("- Ended early: after step 8 of 12: nmse"),
            std::string::npos);
  EXPECT_EQ(here.json("sae/facet.json").integer("step"), 8);
  EXPECT_EQ(here.json("kept/best/facet.json").integer("step"), 4);
}

TEST(Watching, of_a_run_that_was_cut_ends_with_the_same_bytes) {
  const std::string more = "best = \"nmse\"\nkeep_checkpoints = 2\ncheckpoint_every = 3\n";
  const WatchedWorkshop calm(more);
  EXPECT_EQ(calm.facet({"run", "toy.toml", "--quiet"}).err, "");
  const WatchedWorkshop rough(more);
  while (rough.facet({"run", "toy.toml", "--quiet", "--stop-after", "1"}).exit_code == 75) {
  }
  for (const char* part : {"sae", "kept", "artefacts", "checkpoints"}) {
    const auto is = files_under(rough, rough.run() / part);
    for (const auto& [name, bytes] : files_under(calm, calm.run() / part))
      if (name.find("facet.json") == std::string::npos && part != std::string("checkpoints"))
        EXPECT_TRUE(is.contains(name) && is.at(name) == bytes) << part << "/" << name;
  }
  EXPECT_EQ(rough.json("record.json").at("trainings"), calm.json("record.json").at("trainings"));
  EXPECT_EQ(rough.json("kept/best/facet.json").integer("step"),
            calm.json("kept/best/facet.json").integer("step"));
}

TEST(Watching, gives_tensorboard_each_step_once_however_often_it_was_cut) {
  const WatchedWorkshop here("checkpoint_every = 3\n");
  here.write("toy.toml", "tensorboard = true\n" + here.read("toy.toml"));
  here.edit_manifest("log_every = 5", "log_every = 1");
  const WatchedWorkshop without("checkpoint_every = 3\n");
  while (here.facet({"run", "toy.toml", "--quiet", "--stop-after", "5"}).exit_code == 75) {
  }
  const fs::path run = here.run();
  EXPECT_EQ(steps_in(run / "tensorboard", "train/loss"),
            (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(steps_in(run / "tensorboard", "eval/nmse"), (std::vector<int64_t>{4, 8, 12}));
  EXPECT_NE(here.read(run / "report.md").find("[tensorboard/](tensorboard/)"), std::string::npos);
  EXPECT_EQ(without.facet({"run", "toy.toml", "--quiet", "--set", "tensorboard=true"}).err, "");
  EXPECT_EQ(here.runs("toy").at(0), without.runs("toy").at(0));  // outside the id
  EXPECT_TRUE(fs::exists(without.run() / "tensorboard"));
}

TEST(Watching, is_refused_where_it_cannot_be_done) {
  EXPECT_EQ(refused("eval_every = 2"),
            "toy.lua:7: train.eval_on: required with train.eval_every, a handle from "
            "run:activations on held-out data: eval_on = held_out");
  EXPECT_EQ(refused("best = \"nmse\""),
            "toy.toml:24:1: train.best: needs eval_every, how often it is looked at");
  EXPECT_EQ(refused("keep_at = [13]"), "toy.toml:24:11: train.keep_at: 13 exceeds steps (12)");
  EXPECT_EQ(refused("keep_checkpoints = 12"),
            "toy.lua:7: train.keep_checkpoints: 12 exceeds the steps between start and end (11)");
  const std::string other = R"(local run = require("facet").run()
local host = run:host()
local data = run:data()
local rows = run:activations { host = host, data = data.train }
local other = run:activations { host = host, data = data.eval, rows = "all" }
local sae = run:sae { on = rows }
run:train { sae = sae, on = rows, eval_on = other }
)";
  EXPECT_EQ(refused("eval_every = 2", other),
            "toy.lua:7: train.sae: rows: trained on content, `eval_on` has all");
}
