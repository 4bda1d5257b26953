// SAEs that other programs saved give the codes and reconstructions that these programs gave.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "base/files.h"
#include "facet/safetensors.h"
#include "plugins/architectures.h"
#include "train/sae_export.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// Every folder with a golden.json under tests/golden/sae, and under each folder named in
// FACET_GOLDEN (separated by ":").
std::vector<fs::path> sae_goldens() {
  std::vector<fs::path> bases = {FACET_TEST_DATA "/sae"};
  if (const char* more = std::getenv("FACET_GOLDEN")) {
    std::istringstream folders(more);
    for (std::string folder; std::getline(folders, folder, ':');) bases.emplace_back(folder);
  }
  std::vector<fs::path> out;
  for (const fs::path& base : bases)
    if (fs::is_directory(base))
      for (const auto& entry : fs::directory_iterator(base))
        if (fs::exists(entry.path() / "golden.safetensors") &&
            Safetensors(entry.path() / "golden.safetensors").has("features"))
          out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

double farthest(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

// The SAE in `folder` on the rows of `golden`.
void expect_golden(const fs::path& folder, const fs::path& golden) {
  SCOPED_TRACE(folder.string());
  const at::NoGradGuard no_grad;
  const Safetensors said(golden / "golden.safetensors");
  const Value tolerance =
      parse_json(read_file(golden / "golden.json"), "golden.json").at("tolerance");
  const LoadedSae loaded = load_sae(folder, architectures());
  Rows rows;
  rows.x = said.tensor("x").unsqueeze(1);
  const Batch batch = make_batch(*loaded.normaliser, rows);
  const Pass pass = loaded.sae->pass(batch, Mode::infer);
  const Tensor codes = pass.codes.dense(), features = said.tensor("features");
  EXPECT_TRUE(torch::equal(codes != 0, features != 0));
  EXPECT_LE(farthest(codes, features), tolerance.number("features_abs"));
  const bool skips = loaded.record.params.find("skip") && loaded.record.params.flag("skip");
  const Tensor output = loaded.normaliser->invert(pass.output, batch.stats).select(1, 0);
  EXPECT_LE(farthest(output, said.tensor(skips ? "forward" : "decoded")),
            tolerance.number("decoded_abs"));
  if (!skips) return;
  auto& plain = dynamic_cast<PlainSae&>(*loaded.sae);
  EXPECT_LE(farthest(plain.decode(pass.codes), said.tensor("decoded")),
            tolerance.number("decoded_abs"));
}

TEST(SaeGolden, gives_the_codes_and_reconstructions_of_each_program) {
  const std::vector<fs::path> all = sae_goldens();
  ASSERT_GE(all.size(), 35u);
  for (const fs::path& folder : all) expect_golden(folder, folder);
}

class Foreign : public testing::Test {
 protected:
  Foreign() { fs::remove_all(base_); }
  ~Foreign() override { fs::remove_all(base_); }

  // A golden folder that may be changed.
  fs::path copy(const std::string& name) {
    fs::remove_all(base_);
    fs::create_directories(base_);
    for (const auto& entry : fs::directory_iterator(fs::path(FACET_TEST_DATA) / "sae" / name))
      fs::copy_file(entry.path(), base_ / entry.path().filename());
    return base_;
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_foreign_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Foreign, a_pickle_of_dictionary_learning_gives_what_its_safetensors_give) {
  for (const char* name : {"relu", "jumprelu", "topk", "batchtopk"}) {
    const fs::path folder = copy("dictlearn_" + std::string(name));
    fs::remove(folder / "ae.safetensors");
    expect_golden(folder, folder);
  }
}

TEST_F(Foreign, an_exported_one_gives_the_same_codes) {
  for (const char* name :
       {"saelens_topk_decoder_norm", "saelens_jumprelu_layer_norm", "dictlearn_batchtopk"}) {
    const fs::path folder = copy(name), out = folder.string() + "_out";
    fs::remove_all(out);
    export_sae(folder, out, architectures());
    const Safetensors said(folder / "golden.safetensors");
    const LoadedSae loaded = load_sae(out, architectures());
    Rows rows;
    rows.x = said.tensor("x").unsqueeze(1);
    const at::NoGradGuard no_grad;
    const Batch batch = make_batch(*loaded.normaliser, rows);
    const Tensor codes = loaded.sae->pass(batch, Mode::infer).codes.dense();
    EXPECT_TRUE(torch::equal(codes != 0, said.tensor("features") != 0)) << name;
    EXPECT_EQ(loaded.record.program,
              std::string(name).starts_with("saelens") ? "SAELens" : "dictionary_learning");
    fs::remove_all(out);
  }
}

}  // namespace
}  // namespace facet
