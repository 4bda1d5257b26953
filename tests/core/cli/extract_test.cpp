// Files of Rep_SAEs_PLMs written and read back: against its own script, and round the two.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "activations/codes_store.h"
#include "base/files.h"
#include "tensor/npy_file.h"
#include "toy_run.h"

namespace {

namespace fs = std::filesystem;

const fs::path kGoldenExtract = FACET_TEST_DATA "/extract";
const std::string kGoldenTag = "time20260101_000000_ckptsae_maxsamples20000";
constexpr double kEmbeddingTolerance = 2e-5, kActivationTolerance = 1e-4;  // the golden's README

// The options of tests/golden/extract/plan.json, as facet has them.
const std::string kExtraction =
    "local facet = require \"facet\"\n"
    "local run = facet.run { name = \"out\" }\n"
    "local golden = \"" FACET_TEST_DATA
    "\"\n"
    "local host = run:host { type = \"esm2\", weights = golden .. \"/esm2_tiny\" }\n"
    "local data = run:data { type = \"tsv\", path = golden .. \"/extract/swissprot.tsv\",\n"
    "  max_length = 160, where = { column = \"Organism\", is = \"Homo sapiens (Human)\" } }\n"
    "local rows = run:activations { host = host, data = data, hookpoints = \"layers.3\",\n"
    "  pool = \"mean\", normalize = \"rep_saes\" }\n"
    "local sae = run:sae { from = golden .. \"/extract\", on = rows }\n"
    "local codes = run:encode { sae = sae, on = rows }\n"
    "local found = run:analyze { type = \"extract\", on = codes, time = \"20260101_000000\",\n"
    "  max_samples = 20000 }\n"
    "print(found.rows, found.d_in, found.k, found.zeros)\n";

// Rows 0 and 1 of a script that reads the golden's own folder.
const std::string kFromGolden =
    "local run = require(\"facet\").run { name = \"back\" }\n"
    "local codes = run:encode { from = \"" FACET_TEST_DATA "/extract\", format = \"rep_saes\" }\n";

torch::Tensor array(const fs::path& folder, const std::string& name) {
  return facet::NpyFile(folder / (name + kGoldenTag + ".npy")).tensor();
}

// The values by their indices: the order inside a row is free.
std::map<int64_t, float> by_index(const fs::path& folder, int64_t row) {
  const torch::Tensor value = array(folder, "POOLING_activations_")[row],
                      index = array(folder, "POOLING_indices_")[row];
  std::map<int64_t, float> out;
  for (int64_t i = 0; i < index.size(0); ++i)
    out[index[i].item<int64_t>()] = value[i].item<float>();
  return out;
}

// The codes stores of the workshop by where their rows come from: "stream" or "from".
std::map<std::string, std::shared_ptr<const facet::CodesReader>> stores(const Workshop& here) {
  std::map<std::string, std::shared_ptr<const facet::CodesReader>> out;
  for (const auto& entry : fs::directory_iterator(here.folder() / "store/codes")) {
    if (!entry.is_directory()) continue;
    const facet::Value record =
        facet::parse_json(facet::read_file(entry.path() / "codes.json"), "codes.json");
    out[record.find("from") ? "from" : "stream"] = facet::open_codes(entry.path());
  }
  return out;
}

std::string said_of(const std::string& more, const std::string& before = kFromGolden) {
  const Workshop here;
  const Outcome outcome = here.script(before + more);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
  return outcome.err.substr(0, outcome.err.find("stack traceback"));
}

}  // namespace

TEST(Extraction, agrees_with_the_published_script) {
  const Workshop here;
  const Outcome outcome = here.script(kExtraction);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "20\t64\t12\t69\n");
  const fs::path made = here.folder() / here.runs("out").at(0) / "artefacts/rep_saes";
  const std::string table = "POOLING_metadata_" + kGoldenTag + ".csv";
  EXPECT_TRUE(facet::read_file(made / table) == facet::read_file(kGoldenExtract / table));
  const torch::Tensor embeddings = array(made, "POOLING_embeddings_");
  EXPECT_LE((embeddings - array(kGoldenExtract, "POOLING_embeddings_")).abs().max().item<double>(),
            kEmbeddingTolerance);
  for (int64_t row = 0; row < 20; ++row) {
    const auto is = by_index(made, row), should = by_index(kGoldenExtract, row);
    ASSERT_EQ(is.size(), should.size()) << row;
    for (const auto& [index, value] : should) {
      ASSERT_TRUE(is.contains(index)) << row << " " << index;
      EXPECT_NEAR(is.at(index), value, kActivationTolerance) << row << " " << index;
    }
  }
}

TEST(Extraction, is_read_back_as_the_same_codes) {
  const Workshop here;
  ASSERT_EQ(here.script(kExtraction).exit_code, 0);
  const std::string folder = here.runs("out").at(0).string() + "/artefacts/rep_saes";
  const Outcome outcome = here.script(
      "local run = require(\"facet\").run { name = \"back\" }\n"
      "local codes = run:encode { from = \"" +
      folder + "\", format = \"rep_saes\", d_sae = 256 }\nprint(codes.rows, codes.d_sae)\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "20\t256\n");
  const auto both = stores(here);
  ASSERT_EQ(both.size(), 2u);
  const auto &made = both.at("stream"), &read = both.at("from");
  EXPECT_TRUE(torch::equal(made->slice(0, 20).dense(), read->slice(0, 20).dense()));
  EXPECT_TRUE(torch::equal(made->firing_counts(), read->firing_counts()));
  EXPECT_EQ(made->pool(), read->pool());
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(made->sequences()[i].id, read->sequences()[i].id);
    EXPECT_EQ(made->sequences()[i].text, read->sequences()[i].text);
    EXPECT_NE(read->sequences()[i].description.find(" OS=Homo sapiens (Human)"), std::string::npos);
  }
}

TEST(Extraction, of_residues_is_read_back_from_its_matrix) {
  const ToyWorkshop here;
  const Outcome made =
      here.script(kTrained +
                  "local codes = run:encode { sae = sae, on = rows, pool = \"mean\" }\n"
                  "run:analyze { type = \"extract\", on = codes, layout = \"meanpool\" }\n");
  EXPECT_EQ(made.err.substr(0, 35), "warning: extract.columns: no record") << made.err;
  const Outcome read = here.script(
      "local run = require(\"facet\").run { name = \"back\" }\n"
      "local codes = run:encode { format = \"rep_saes\",\n  from = \"" +
      here.runs("toy").at(0).string() +
      "/artefacts/rep_saes\" }\nprint(codes.rows, codes.d_sae)\n");
  EXPECT_EQ(read.err, "");
  EXPECT_EQ(read.out, "5\t64\n");
  const auto both = stores(here);
  EXPECT_TRUE(
      torch::equal(both.at("stream")->slice(0, 5).dense(), both.at("from")->slice(0, 5).dense()));
}

TEST(Extraction, may_be_named_by_a_manifest) {
  const Workshop here;
  fs::copy(kGoldenExtract, here.folder() / "theirs", fs::copy_options::recursive);
  here.write("back.toml",
             "script = \"back.lua\"\n[encode]\nfrom = \"theirs\"\nformat = \"rep_saes\"\n");
  here.write("back.lua",
             "local codes = require(\"facet\").run():encode()\nprint(codes.rows, codes.d_sae)\n");
  EXPECT_EQ(here.facet({"check", "back.toml"}).exit_code, 0);
  EXPECT_EQ(here.facet({"run", "back.toml", "--quiet"}).out, "20\t253\n");
  // The contents count, not their place; other contents are another run.
  fs::rename(here.folder() / "theirs", here.folder() / "moved");
  EXPECT_EQ(here.facet({"run", "back.toml", "--quiet", "--set", "encode.from=moved"}).exit_code, 0);
  EXPECT_EQ(here.runs("back").size(), 1u);
  const std::string report = here.read(here.runs("back").at(0) / "report.md");
  EXPECT_NE(report.find("- Codes: 20 rows of 253 latents, from "), std::string::npos) << report;
  here.write("moved/other.txt", "x");
  here.facet({"run", "back.toml", "--quiet", "--set", "encode.from=moved"});
  EXPECT_EQ(here.runs("back").size(), 2u);
  EXPECT_EQ(stores(here).size(), 1u) << "its codes are the same";
}

TEST(Extraction, serves_analyses_that_need_codes_and_is_refused_by_others) {
  EXPECT_EQ(said_of("run:analyze { type = \"metrics\", on = codes }\n"),
            "script.lua:3: analysis: \"metrics\" needs an SAE: sae = run:sae { ... }; these codes "
            "came from a folder, which has none\n"
            "script.lua:3: analysis: \"metrics\" needs rows: on = run:activations { ... }; these "
            "codes came from a folder, which has none\n");
  EXPECT_EQ(said_of("run:analyze { type = \"extract\", on = codes }\n"),
            "script.lua:3: facet.analysis.extract: extract: these codes have no records: they were "
            "read from a folder, or their rows were made\n");
  const std::string sae =
      "local sae = run:sae { from = \"" FACET_TEST_DATA
      "/extract\" }\n"
      "print(run:analyze { type = \"latents\", on = codes, sae = sae }.latents)\n";
  EXPECT_EQ(said_of(sae),
            "script.lua:4: analysis.sae: has 256 latents, these codes have 253; encode.d_sae says "
            "how many where the files of encode.from do not\n");
  std::string wide = kFromGolden;
  wide.insert(wide.rfind(" }"), ", d_sae = 256");
  const Workshop here;
  EXPECT_EQ(here.script(wide + sae).out, "256\n");
}

TEST(Extraction, is_refused_beside_what_makes_codes) {
  const std::string from = "from = \"" FACET_TEST_DATA "/extract\"";
  const std::string golden = FACET_TEST_DATA "/extract";
  const std::string run = "local run = require(\"facet\").run { name = \"back\" }\n";
  const auto encode = [&](const std::string& keys) {
    return said_of("run:encode { " + keys + " }\n", run);
  };
  EXPECT_EQ(encode(from),
            "script.lua:2: encode.format: required beside from, should be "
            "\"rep_saes\"\n");
  EXPECT_EQ(encode(from + ", format = \"numpy\""),
            "script.lua:2: encode.format: string \"numpy\", must be one of \"rep_saes\"\n");
  EXPECT_EQ(encode(from + ", format = \"rep_saes\", pool = \"mean\""),
            "script.lua:2: encode.pool: is \"mean\", should be \"none\": the codes of `from` are "
            "there already\n");
  EXPECT_EQ(encode("from = \"nowhere\", format = \"rep_saes\""),
            "script.lua:2: encode.from: \"nowhere\" does not exist (HERE/nowhere)\n");
  EXPECT_EQ(said_of("local sae = run:sae { " + from + " }\nrun:encode { sae = sae, " + from +
                        ", format = \"rep_saes\" }\n",
                    run),
            "script.lua:3: encode.sae: is set beside encode.from (script.lua:3: string \"" +
                golden + "\"), whose codes are there already\n");
  const ToyWorkshop here;
  const auto toy = [&](const std::string& keys) {
    const Outcome outcome =
        here.script(kSae + "run:encode { sae = sae, on = rows, " + keys + " }\n");
    return outcome.err.substr(0, outcome.err.find("stack traceback"));
  };
  EXPECT_EQ(toy("format = \"rep_saes\""), "script.lua:7: encode.format: is set, but from is not\n");
  EXPECT_EQ(toy("d_sae = 64"),
            "script.lua:7: encode.d_sae: is set, but from is not; an SAE has its own\n");
}
