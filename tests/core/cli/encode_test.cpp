// facet encode: codes of a file's rows, and whose rows it refuses.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "facet/codes.h"
#include "facet/safetensors.h"
#include "trained_toy.h"

using facet::Safetensors;
using facet::Tensor;

namespace {

constexpr char kRowsFile[] = "rows.safetensors";
constexpr char kCodesFile[] = "codes.safetensors";
/// Between a row that the SAE decodes and W_dec times its codes: rounding of float32 sums.
constexpr double kRounding = 1e-5;

std::vector<std::string> command(const std::vector<std::string>& more = {}) {
  std::vector<std::string> out = {"encode", "--sae", "sae", "--in", kRowsFile, "--out", kCodesFile};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::map<std::string, std::string> own_metadata() {
  return {{"format", "facet activations 1"},
          {"host", "toy"},
          {"host_weights", "toy d=32 blocks=2 heads=4 seed=0"},
          {"hookpoints", R"(["blocks.0.out"])"},
          {"rows", "content"},
          {"pool", "none"}};
}

void save(const Workshop& here, const Tensor& rows, const std::string& name,
          const std::map<std::string, std::string>& metadata) {
  facet::save_safetensors(here.folder() / kRowsFile, {{name, rows}}, metadata);
}

}  // namespace

TEST(Encode, writes_codes_as_csr_and_the_rows_as_they_come_back) {
  const TrainedWorkshop here;
  here.write_rows();
  const Outcome outcome = here.facet(command({"--reconstruct"}));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "codes.safetensors: 360 rows, 4 of 64 latents a row\n");
  const Safetensors codes(here.folder() / kCodesFile);
  const Tensor start = codes.tensor("indptr"), index = codes.tensor("index"),
               value = codes.tensor("value");
  ASSERT_EQ(start.scalar_type(), torch::kInt64);
  ASSERT_EQ(index.scalar_type(), torch::kInt32);
  ASSERT_EQ(value.scalar_type(), torch::kFloat32);
  ASSERT_EQ(start.size(0), 361);
  EXPECT_EQ(start[360].item<int64_t>(), value.size(0));
  EXPECT_EQ(codes.metadata().at("shape"), "[360, 64]");
  EXPECT_FALSE(value.eq(0).any().item<bool>());
  // No normaliser: a row comes back as its codes times W_dec, and b_dec.
  const Safetensors sae(here.folder() / "sae/sae_weights.safetensors");
  const Tensor dense = facet::Codes{start, index, value, 64}.dense();
  const Tensor back = torch::matmul(dense, sae.tensor("W_dec")) + sae.tensor("b_dec");
  const Tensor written = codes.tensor("reconstruction");
  EXPECT_LT((written - back).norm().item<double>(), kRounding * back.norm().item<double>());
}

TEST(Encode, gives_the_codes_that_a_run_would_with_its_normaliser) {
  const TrainedWorkshop here;
  here.edit_manifest("[activations]\n", "[activations]\nnormalize = \"layer_norm\"\n");
  ASSERT_EQ(here.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  const std::string sae = (here.runs("toy").at(0) / "sae").string();
  here.write_rows();
  ASSERT_EQ(here.facet({"encode", "--sae", sae, "--in", kRowsFile, "--out", kCodesFile}).err, "");
  const Safetensors codes(here.folder() / kCodesFile), rows(here.folder() / kRowsFile),
      weights(here.folder() / sae / "sae_weights.safetensors");
  const Tensor x = rows.tensor("blocks.0.out");
  const Tensor centred = x - x.mean(1, true);
  const Tensor normal = centred / (centred.square().sum(1, true).div(31).sqrt() + 1e-5);
  const Tensor pre = torch::matmul(normal - weights.tensor("b_dec"), weights.tensor("W_enc")) +
                     weights.tensor("b_enc");
  const Tensor best = std::get<0>(pre.max(1));
  const Tensor start = codes.tensor("indptr"), value = codes.tensor("value");
  for (int64_t row = 0; row < 360; ++row)
    EXPECT_NEAR(value.slice(0, start[row].item<int64_t>(), start[row + 1].item<int64_t>())
                    .max()
                    .item<float>(),
                best[row].item<float>(), kRounding * 10);
}

TEST(Encode, refuses_rows_that_are_not_what_the_sae_was_trained_on) {
  const TrainedWorkshop here;
  const Tensor rows = torch::ones({3, 32});
  const auto other = [&](const std::string& key, const std::string& value) {
    auto metadata = own_metadata();
    metadata[key] = value;
    save(here, rows, "blocks.0.out", metadata);
    const Outcome outcome = here.facet(command());
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.err;
  };
  const std::string file = "rows.safetensors: ";
  EXPECT_EQ(other("host", "esm2"), file + "host: is esm2, the SAE was trained on toy\n");
  EXPECT_EQ(other("host_weights", "toy d=32 blocks=2 heads=4 seed=1"),
            file +
                "host weights: is toy d=32 blocks=2 heads=4 seed=1, the SAE was trained on toy "
                "d=32 blocks=2 heads=4 seed=0\n");
  EXPECT_EQ(other("rows", "all"), file + "rows: is all, the SAE was trained on content\n");
  EXPECT_EQ(other("pool", "mean"), file + "pool: is mean, the SAE was trained on none\n");
  EXPECT_EQ(other("hookpoints", "3"),
            file + "metadata.hookpoints: expected list of string, got integer 3\n");
  save(here, rows, "final_norm.out", own_metadata());
  EXPECT_EQ(here.facet(command({"--tensor", "final_norm.out"})).err,
            file + "hookpoint: is final_norm.out, the SAE was trained on blocks.0.out\n");
  EXPECT_FALSE(std::filesystem::exists(here.folder() / kCodesFile));
}

TEST(Encode, refuses_tensors_that_are_no_rows_of_the_sae) {
  const TrainedWorkshop here;
  const auto refused = [&](const Tensor& rows, const std::string& name) {
    save(here, rows, name, {});
    const Outcome outcome = here.facet(command());
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.err;
  };
  const std::string file = "rows.safetensors: ";
  EXPECT_EQ(refused(torch::ones({3, 32}), "blocks.0.outt"),
            file +
                "no tensor \"blocks.0.out\" (did you mean \"blocks.0.outt\"?), has "
                "blocks.0.outt\n");
  EXPECT_EQ(refused(torch::ones({3, 31}), "blocks.0.out"),
            file + "blocks.0.out: rows have width 31, should have the SAE's d_in, 32\n");
  EXPECT_EQ(refused(torch::ones({3, 32}, torch::kInt32), "blocks.0.out"),
            file +
                "blocks.0.out: is Int with 2 axes, should be rows of numbers, [n, d] Float, Half "
                "or BFloat16\n");
  EXPECT_EQ(refused(torch::ones({96}), "blocks.0.out"),
            file +
                "blocks.0.out: is Float with 1 axes, should be rows of numbers, [n, d] Float, "
                "Half or BFloat16\n");
  EXPECT_EQ(refused(torch::full({3, 32}, NAN), "blocks.0.out").substr(0, 70),
            file + "does not say where its rows come from: not compared ");
  EXPECT_NE(refused(torch::full({3, 32}, NAN), "blocks.0.out")
                .find("\nrows.safetensors: row 0: a code is not finite\n"),
            std::string::npos);
  here.write(kRowsFile, "no tensors");
  EXPECT_EQ(here.facet(command()).err.substr(0, file.size()), file);
  EXPECT_EQ(here.facet({"encode", "--sae", "nowhere", "--in", kRowsFile, "--out", kCodesFile})
                .err.substr(0, 30),
            "nowhere: not an SAE: has none ");
  EXPECT_FALSE(std::filesystem::exists(here.folder() / kCodesFile));
}

TEST(Encode, takes_a_strangers_file_and_says_so) {
  const TrainedWorkshop here;
  here.write_rows();
  ASSERT_EQ(here.facet(command()).exit_code, 0);
  const Tensor own = Safetensors(here.folder() / kCodesFile).tensor("value").clone();
  const Tensor rows = Safetensors(here.folder() / kRowsFile).tensor("blocks.0.out").clone();
  save(here, rows, "x", {});
  const Outcome outcome = here.facet(command({"--tensor", "x"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err,
            "rows.safetensors: does not say where its rows come from: not compared with the SAE's "
            "host, hookpoint, rows and pool\n");
  EXPECT_TRUE(torch::equal(Safetensors(here.folder() / kCodesFile).tensor("value"), own));
}
