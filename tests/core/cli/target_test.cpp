// Transcoders and SAEs of all layers from a manifest to the commands that use them.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "facet/safetensors.h"
#include "facet/value.h"
#include "toy_run.h"

namespace {

using facet::Safetensors;
using facet::Tensor;

const std::string kPoint = "hookpoints = \"layers.1\"\n";
constexpr char kRowTensors[] = "rows.safetensors";

// The toy manifest with other lines in [activations], evaluated while it trains.
class Streams : public ToyWorkshop {
 public:
  explicit Streams(const std::string& activations) {
    edit_manifest(kPoint, activations);
    edit_manifest("log_every = 1\n", "log_every = 1\neval_every = 6\n");
    std::string script = kScript;
    const std::string train = "run:train { sae = sae, on = rows }\n";
    const std::string held_out =
        "local held_out = run:activations { host = host, data = data.eval }\n";
    script.erase(script.find(held_out), held_out.size());
    script.replace(script.find(train), train.size(),
                   held_out + "run:train { sae = sae, on = rows, eval_on = held_out }\n");
    write("toy.lua", script);
  }
  std::string sae() const { return (runs("toy").at(0) / "sae").string(); }
  void expect_runs() const {
    const Outcome outcome = facet({"run", "toy.toml", "--quiet"});
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.exit_code, 0);
  }
  Outcome write_rows(const std::string& hookpoints) const {
    return facet({"activations", "--host", "toy", "--input", "small.fasta", "--hookpoints",
                  hookpoints, "--out", kRowTensors});
  }
  Outcome encode(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"encode",    "--sae", sae(),          "--in",
                                      kRowTensors, "--out", "c.safetensors"};
    words.insert(words.end(), more.begin(), more.end());
    return facet(words);
  }
};

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST(Transcoder, of_the_next_layer_is_trained_evaluated_and_shown) {
  const Streams here(kPoint + "target = \"next\"\nnormalize = \"rep_saes\"\n");
  here.expect_runs();
  const std::string report = here.read(here.runs("toy").at(0) / "report.md");
  EXPECT_NE(report.find("blocks.1.out"), std::string::npos);
  const Outcome shown = here.facet({"sae", "show", here.sae()});
  EXPECT_TRUE(has_line(shown.out, "  hookpoint    blocks.0.out")) << shown.out;
  EXPECT_TRUE(has_line(shown.out, "  target       blocks.1.out")) << shown.out;
  EXPECT_TRUE(has_line(shown.out, "  of target    none")) << shown.out;
  const Outcome seen = here.facet({"inspect", "--sae", here.sae(), "MKTAYIAKQR", "--top", "1"});
  EXPECT_EQ(seen.err, "");
  EXPECT_NE(seen.out.find("error is |y - output| / |y|, y = blocks.1.out\n"), std::string::npos)
      << seen.out;
}

// The predicted target, in the host's units, from rows of the input alone.
TEST(Transcoder, codes_rows_of_its_input_from_a_file) {
  const Streams here(kPoint + "target = \"difference\"\nnormalize_target = \"mean\"\n");
  here.expect_runs();
  EXPECT_EQ(here.write_rows("layers.1").err, "");
  const Outcome outcome = here.encode({"--reconstruct"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "c.safetensors: 360 rows, 4 of 64 latents a row\n");
  const Safetensors codes(here.folder() / "c.safetensors");
  const Safetensors sae(here.folder() / here.sae() / "sae_weights.safetensors");
  const auto start = codes.tensor("indptr"), value = codes.tensor("value");
  const Tensor index = codes.tensor("index").slice(0, 0, 4).to(torch::kInt64);
  const Tensor first =  // of the codes of row 0, less the mean that the target's normaliser found
      torch::matmul(value.slice(0, 0, 4), sae.tensor("W_dec").index_select(0, index)) +
      sae.tensor("b_dec");
  const facet::Value record =
      facet::parse_json(here.read(here.sae() + "/facet.json"), "facet.json");
  std::vector<double> mean;
  for (const facet::Value& number :
       *record.at("normaliser_state").at("target").array("mean")[0].as<facet::Value::Array>())
    mean.push_back(*number.as<double>());
  const Tensor wanted = first + torch::tensor(mean).to(torch::kFloat32);
  EXPECT_TRUE(torch::allclose(codes.tensor("reconstruction")[0], wanted, 1e-4, 1e-5));
}

TEST(Transcoder, gives_codes_but_no_target_where_that_needs_the_targets_row) {
  const Streams here(kPoint + "target = \"next\"\nnormalize_target = \"layer_norm\"\n");
  here.expect_runs();
  EXPECT_EQ(here.write_rows("layers.1").err, "");
  EXPECT_EQ(here.encode({"--reconstruct"}).err,
            "activations.normalize_target: it takes a row back to the host's units by figures of "
            "the row itself, and the target's rows are not given\n");
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "c.safetensors"));
  EXPECT_EQ(here.encode({}).err, "");
}

TEST(Transcoder, is_compared_with_the_rows_that_it_is_given) {
  const Streams here(kPoint + "target = \"next\"\n");
  here.expect_runs();
  const std::string id = here.runs("toy").at(0).filename().string();
  const Outcome outcome = here.script(
      kHost +
      "local rows = run:activations { host = host, data = data.train, hookpoints = \"layers.1\", "
      "target = \"difference\", normalize_target = \"mean\" }\n"
      "print(rows.target[1])\n"
      "run:sae { from = \"" +
      id + "\", on = rows }\n");
  EXPECT_EQ(outcome.out, "blocks.1.out\n");
  EXPECT_EQ(outcome.err,
            "script.lua:7: sae.from: target: trained on blocks.1.out, `on` has blocks.1.out less "
            "the input\n"
            "script.lua:7: sae.from: normalize_target: trained on none {}, `on` has mean {}\n"
            "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:7: in main chunk\n");
  const Outcome plain = here.script(kRows + "run:sae { from = \"" + id + "\", on = rows }\n");
  EXPECT_EQ(plain.err,
            "script.lua:6: sae.from: target: trained on blocks.1.out, `on` has none\n"
            "stack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:6: in main chunk\n");
}

TEST(Transcoder, is_refused_by_what_is_of_the_input_alone) {
  const ToyWorkshop here;
  const std::string rows =
      kHost +
      "local rows = run:activations { host = host, data = data.train, hookpoints = \"layers.1\", "
      "target = \"next\", rows = \"all\" }\n"
      "local sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = 4 }\n";
  const Outcome through = here.script(
      rows + "run:train { sae = sae, on = rows, steps = 2, batch = 64, end_to_end = \"kl\" }\n");
  EXPECT_EQ(through.err,
            "script.lua:7: train.end_to_end: needs the input as its own target: activations.target "
            "is set\nstack traceback:\n\t[C]: in method 'train'\n\tscript.lua:7: in main chunk\n");
  EXPECT_EQ(here.facet({"activations", "--host", "toy", "--input", "small.fasta", "--hookpoints",
                        "layers.1", "--out", kRowTensors, "--set", "activations.target=next"})
                .err,
            "--set: activations.target and layers_as say how an SAE learns; a file of rows has a "
            "tensor of each hookpoint: name them all in --hookpoints\n");
}

TEST(LayersAs, turns_go_on_after_a_stop_with_the_same_bits) {
  const std::string turns =
      "hookpoints = [\"layers.1\", \"layers.2\"]\nlayers_as = \"turns\"\nnormalize = \"mean\"\n";
  const Streams whole(turns), cut(turns);
  whole.expect_runs();
  EXPECT_EQ(cut.facet({"run", "toy.toml", "--quiet", "--stop-after", "3"}).exit_code, 75);
  EXPECT_EQ(cut.facet({"run", "toy.toml", "--quiet", "--stop-after", "2"}).exit_code, 75);
  cut.expect_runs();
  for (const char* file : {"/sae_weights.safetensors", "/facet.json", "/sparsity.safetensors"})
    EXPECT_TRUE(whole.read(whole.sae() + file) == cut.read(cut.sae() + file)) << file;
}

TEST(LayersAs, one_sae_of_all_layers_reads_each_of_them) {
  const Streams here("hookpoints = [\"layers.1\", \"layers.2\"]\nlayers_as = \"rows\"\n");
  here.expect_runs();
  EXPECT_EQ(here.write_rows("layers.2").err, "");
  EXPECT_EQ(here.encode({"--tensor", "final_norm.out"}).err, "");
  const Outcome seen = here.facet({"inspect", "--sae", here.sae(), "MK", "--top", "1"});
  for (const char* place : {"1 M blocks.0.out ", "1 M final_norm.out ", "2 K final_norm.out "})
    EXPECT_NE(seen.out.find(place), std::string::npos) << seen.out;
  const std::string id = here.runs("toy").at(0).filename().string();
  const auto codes = [&](const std::string& rows) {
    return here.script(kHost + "local rows = run:activations { host = host, data = data.train, " +
                       rows + " }\nlocal sae = run:sae { from = \"" + id +
                       "\", on = rows }\nprint(run:encode { sae = sae, on = rows }.rows)\n");
  };
  EXPECT_EQ(codes("hookpoints = { \"layers.1\", \"layers.2\" }, layers_as = \"rows\"").out,
            "300\n");
  EXPECT_EQ(codes("hookpoints = \"layers.2\"").out, "150\n");
  EXPECT_EQ(
      codes("hookpoints = \"layers.0\"").err,
      "script.lua:6: sae.from: hookpoints: trained on blocks.0.out, final_norm.out, `on` has "
      "embeddings\nstack traceback:\n\t[C]: in method 'sae'\n\tscript.lua:6: in main chunk\n");
}

TEST(LayersAs, rows_of_several_hookpoints_are_not_pooled_together) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(
      kHost +
      "local rows = run:activations { host = host, data = data.train, hookpoints = { \"layers.1\", "
      "\"layers.2\" }, layers_as = \"rows\" }\n"
      "local sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = 4 }\n"
      "run:encode { sae = sae, on = rows, pool = \"mean\" }\n");
  EXPECT_EQ(outcome.err,
            "script.lua:7: encode.pool: is \"mean\", should be \"none\": these rows are of several "
            "hookpoints each token (activations.layers_as): encode each hookpoint by itself\n"
            "stack traceback:\n\t[C]: in method 'encode'\n\tscript.lua:7: in main chunk\n");
}
