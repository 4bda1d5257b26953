// Extract: the files of a handful of codes, cell by cell, and what is refused.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <filesystem>
#include <fstream>

#include "expect_refusal.h"
#include "fake_context.h"
#include "tensor/npy_file.h"

using namespace facet;

namespace {

// Codes of whole proteins, each row with the entries that are given, zeros included.
class ProteinCodes : public CodesReader {
 public:
  using Entries = std::vector<std::pair<int32_t, float>>;
  ProteinCodes(const std::vector<Entries>& rows, std::vector<int64_t> sequence,
               std::string pool = "mean")
      : pool_(std::move(pool)) {
    std::vector<int64_t> start = {0};
    std::vector<int32_t> latent;
    std::vector<float> value;
    for (const Entries& row : rows) {
      for (const auto& [index, number] : row) {
        latent.push_back(index);
        value.push_back(number);
      }
      start.push_back(static_cast<int64_t>(latent.size()));
    }
    codes_ = {torch::tensor(start, torch::kInt64), torch::tensor(latent, torch::kInt32),
              torch::tensor(value, torch::kFloat32), 4};
    ids_.sequence = torch::tensor(sequence, torch::kInt64);
  }
  int64_t rows() const override { return codes_.rows(); }
  int64_t d_sae() const override { return 4; }
  Codes slice(int64_t begin, int64_t end) const override { return codes_.slice(begin, end); }
  Firing firing(int64_t) const override { throw Bug("not by latent"); }
  Tensor firing_counts() const override { throw Bug("not by latent"); }
  Rows ids() const override { return ids_; }
  const std::vector<SequenceInfo>& sequences() const override { return none_; }
  int64_t letter_offset() const override { return 0; }
  std::string pool() const override { return pool_; }
  std::string key() const override { return "memory"; }

 private:
  Codes codes_;
  Rows ids_;
  std::vector<SequenceInfo> none_;
  std::string pool_;
};

// Three records, of which the second has no row.
void give_records(FakeContext& context) {
  context.kept = {
      {"P1",
       "MKV",
       {},
       {{"Gene Ontology IDs", "GO:1; GO:2 ;"},
        {"Gene Ontology (GO)", "a, b [GO:1]; c [GO:2]"},
        {"Length", " 3 "},
        {"Organism", "Human"},
        {"Protein names", "Insulin \"long\""},
        {"Protein families", "F, one"}}},
      {"P2", "W", {}, {{"Length", "1"}}},
      {"P3", "AL", {}, {{"Length", "2"}, {"Organism", "Mouse"}, {"Gene Names", "x\ny"}}}};
}

Report extract(FakeContext& context, const CodesReader& codes, const Value& params = {}) {
  context.stored = &codes;
  return run_analysis("extract", params, context);
}

// A written array, read back as what core reads.
Tensor written(const FakeContext& context, const std::string& name) {
  const std::string& bytes = context.files.at("rep_saes/" + name);
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("facet_extract_" + std::to_string(::getpid()));
  std::ofstream(file, std::ios::binary) << bytes;
  const Tensor out = NpyFile(file).tensor().clone();
  std::filesystem::remove(file);
  return out;
}

const ProteinCodes& two() {
  static const ProteinCodes codes({{{1, 3.0f}, {2, 0.0f}, {3, 1.0f}}, {{0, 2.0f}}}, {0, 2});
  return codes;
}
const std::string kTwoTag = "time00000000_000000_ckptsae_maxsamples2";

}  // namespace

TEST(Extract, writes_indices_and_values_with_zeros_where_a_row_has_fewer) {
  FakeContext context;
  give_records(context);
  context.x = torch::tensor({{{1.0f, 2.0f}}, {{3.0f, 4.0f}}}).to(torch::kBFloat16);
  context.sequence = torch::tensor({0, 2}, torch::kInt64);
  const Report report = extract(context, two());
  EXPECT_TRUE(torch::equal(written(context, "POOLING_embeddings_" + kTwoTag + ".npy"),
                           torch::tensor({{1.0f, 2.0f}, {3.0f, 4.0f}})));
  EXPECT_TRUE(torch::equal(written(context, "POOLING_activations_" + kTwoTag + ".npy"),
                           torch::tensor({{3.0f, 0.0f, 1.0f}, {2.0f, 0.0f, 0.0f}})));
  EXPECT_TRUE(torch::equal(written(context, "POOLING_indices_" + kTwoTag + ".npy"),
                           torch::tensor({{1, 2, 3}, {0, 0, 0}}, torch::kInt64)));
  EXPECT_EQ(number(report, "rows"), 2);
  EXPECT_EQ(number(report, "d_in"), 2);
  EXPECT_EQ(number(report, "k"), 3);
  EXPECT_EQ(number(report, "zeros"), 3);
  EXPECT_EQ(emit_tsv(context.tables.at("extract.tsv")),
            "file\tholds\trows\tcolumns\n"
            "rep_saes/POOLING_embeddings_" +
                kTwoTag +
                ".npy\t<f4\t2\t2\n"
                "rep_saes/POOLING_activations_" +
                kTwoTag +
                ".npy\t<f4\t2\t3\n"
                "rep_saes/POOLING_indices_" +
                kTwoTag +
                ".npy\t<i8\t2\t3\n"
                "rep_saes/POOLING_metadata_" +
                kTwoTag + ".csv\ttext\t2\t15\n");
}

TEST(Extract, writes_the_table_as_pandas_does) {
  FakeContext context;
  give_records(context);
  context.x = torch::ones({2, 1, 2});
  context.sequence = torch::tensor({0, 2}, torch::kInt64);
  extract(context, two(),
          Value::Table{{"time", "20260101_000000"}, {"ckpt", "k64=best"}, {"max_samples", 20000}});
  EXPECT_EQ(context.files.at("rep_saes/POOLING_metadata_time20260101_000000_ckptk64=best_"
                             "maxsamples20000.csv"),
            "sample_idx,sequence_id,sequence,sequence_length,go_ids,go_terms,length,go_biological,"
            "go_cellular,go_molecular,entry_name,protein_names,gene_names,organism,"
            "protein_families\n"
            "0,P1,MKV,3,\"GO:1,GO:2,\",\"a, b [GO:1],c [GO:2]\",3,,,,None,"
            "\"Insulin \"\"long\"\"\",None,Human,\"F, one\"\n"
            "1,P3,AL,2,,,2,,,,None,None,\"x\ny\",Mouse,\n");
}

TEST(Extract, takes_cells_from_the_columns_that_it_is_told) {
  FakeContext context;
  give_records(context);
  context.x = torch::ones({2, 1, 2});
  context.sequence = torch::tensor({0, 2}, torch::kInt64);
  extract(context, two(), Value::Table{{"columns", Value::Table{{"protein_names", "Organism"}}}});
  const std::string& csv = context.files.at("rep_saes/POOLING_metadata_" + kTwoTag + ".csv");
  EXPECT_NE(csv.find(",None,Mouse,\"x\ny\",Mouse,"), std::string::npos) << csv;
}

TEST(Extract, writes_a_dense_matrix_and_mean_rows_of_residues) {
  FakeContext context;
  give_records(context);
  context.x = torch::tensor({{{1.0f, 2.0f}}, {{2.0f, 6.0f}}, {{3.0f, 4.0f}}});
  context.sequence = torch::tensor({0, 0, 2}, torch::kInt64);
  const Report report = extract(context, two(), Value::Table{{"layout", "meanpool"}});
  const std::string base = "MEANPOOL_concatenated_" + kTwoTag;
  EXPECT_TRUE(torch::equal(written(context, base + "_embeddings.npy"),
                           torch::tensor({{1.5f, 4.0f}, {3.0f, 4.0f}})));
  EXPECT_TRUE(
      torch::equal(written(context, base + "_sparse.npy"),
                   torch::tensor({{0.0, 3.0, 0.0, 1.0}, {2.0, 0.0, 0.0, 0.0}}, torch::kFloat64)));
  const std::string& csv = context.files.at("rep_saes/MEANPOOL_metadata_" + kTwoTag + ".csv");
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "sample_idx,sequence_id,sequence,sequence_length,go_ids,go_terms,entry,reviewed,"
            "entry_name,protein_names,gene_names,organism,length,go_biological,go_cellular,"
            "go_molecular,protein_families");
  EXPECT_NE(csv.find("\n1,P3,AL,2,,,P3,,None,None,\"x\ny\",Mouse,2,,,,\n"), std::string::npos);
  EXPECT_EQ(number(report, "latents"), 4);
  EXPECT_EQ(context.files.size(), 4u);
}

TEST(Extract, refuses_codes_that_are_not_one_for_each_protein) {
  FakeContext context;
  give_records(context);
  context.x = torch::ones({3, 1, 2});
  context.sequence = torch::tensor({0, 0, 2}, torch::kInt64);
  const ProteinCodes tokens({{{1, 1.0f}}}, {0}, "none"), largest({{{1, 1.0f}}}, {0}, "max");
  const ProteinCodes nothing({}, {}), first({{{1, 1.0f}}}, {0});
  EXPECT_EQ(refusal_of([&] { extract(context, nothing); }), "extract: there are no rows to write");
  EXPECT_EQ(refusal_of([&] { extract(context, tokens); }),
            "extract: these codes are one for each token, should be one for each protein: set "
            "activations.pool = \"mean\", or for an SAE of residues run:encode { pool = \"mean\" "
            "} and layout = \"meanpool\"");
  EXPECT_EQ(refusal_of([&] { extract(context, two()); }),
            "extract: these codes were pooled from rows of residues: layout = \"meanpool\" writes "
            "them; or set activations.pool = \"mean\" for an SAE of proteins");
  const Value meanpool = Value::Table{{"layout", "meanpool"}};
  EXPECT_EQ(refusal_of([&] { extract(context, largest, meanpool); }),
            "extract: layout: is \"meanpool\", but these codes were pooled by \"max\"");
  EXPECT_EQ(refusal_of([&] { extract(context, first, meanpool); }),
            "extract: sequence 2 has rows, but no codes");
  context.x = torch::ones({2, 1, 2});
  context.sequence = torch::tensor({0, 0}, torch::kInt64);
  EXPECT_EQ(refusal_of([&] { extract(context, two(), meanpool); }),
            "extract: the rows end after 1 proteins, should after 2");
  context.x = torch::ones({2, 3, 2});
  EXPECT_EQ(refusal_of([&] { extract(context, two()); }),
            "extract: the rows are of 3 hookpoints, should be of one");
}

TEST(Extract, refuses_codes_without_records) {
  class WithoutRecords : public FakeContext {
    std::unique_ptr<RecordReader> records() override { return nullptr; }
  } context;
  EXPECT_EQ(refusal_of([&] { extract(context, two()); }),
            "extract: these codes have no records: they were read from a folder, or their rows "
            "were made");
  FakeContext few;
  few.x = torch::ones({2, 1, 2});
  few.sequence = torch::tensor({0, 2}, torch::kInt64);
  EXPECT_EQ(refusal_of([&] { extract(few, two()); }),
            "extract: the records end after 0 proteins, should after 2");
}

TEST(Extract, refuses_large_files_and_names_that_leave_the_folder) {
  FakeContext context;
  give_records(context);
  context.x = torch::ones({3, 1, 2});
  context.sequence = torch::tensor({0, 0, 2}, torch::kInt64);
  EXPECT_EQ(refusal_of([&] {
              extract(context, two(),
                      Value::Table{{"layout", "meanpool"}, {"largest_file", 32.0 / (1 << 30)}});
            }),
            "extract: MEANPOOL_concatenated_" + kTwoTag +
                "_sparse.npy: 2 rows of 4 numbers of 8 bytes are 5.96e-08 GiB, more than "
                "largest_file (2.98e-08): a file is made in memory; raise it, or draw fewer "
                "records (data.sample)");
  const auto named = [&](const char* field, const char* word) {
    return refusal_of([&] { extract(context, two(), Value::Table{{field, word}}); });
  };
  EXPECT_EQ(named("ckpt", "../../x"),
            "extract.ckpt: is \"../../x\", should be letters, digits and . _ - = only: it is part "
            "of file names");
  EXPECT_EQ(named("time", ""),
            "extract.time: is \"\", should be letters, digits and . _ - = only: it is part of file "
            "names");
}
