// Codes that Rep_SAEs_PLMs extracted, as a store; and every folder that is refused.
#include "activations/rep_saes_codes.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include <map>

#include "activations/codes_store.h"
#include "base/files.h"
#include "base/sinks.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"
#include "npy_bytes.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

const std::string kTag = "time20260101_000000_ckptsae_maxsamples5";
const std::string kColumns = "sample_idx,sequence_id,sequence,protein_names,organism\n";
const std::string kThree =
    "0,P1,MKV,\"Insulin, long\",Homo sapiens (Human)\n1,P2,AL,None,Mouse\n2,P3,W,Titin,\n";

class RepSaes : public testing::Test {
 protected:
  ~RepSaes() override { fail_disk_after(-1); }

  // Three proteins, three latents each: of the second one is 0, of the third all but one.
  void write_pooling() {
    put("POOLING_activations_" + kTag + ".npy",
        npy(header_of("<f4", "(3, 3)"), raw_bytes<float>({3, 1, 2, 0, 5, 4, 0, 0, 7})));
    put("POOLING_indices_" + kTag + ".npy",
        npy(header_of("<i8", "(3, 3)"), raw_bytes<int64_t>({4, 0, 2, 3, 1, 2, 0, 0, 0})));
    put("POOLING_metadata_" + kTag + ".csv", kColumns + kThree);
  }
  void write_meanpool() {
    put("MEANPOOL_concatenated_" + kTag + "_sparse.npy",
        npy(header_of("<f8", "(3, 5)"),
            raw_bytes<double>({1, 0, 2, 0, 3, 0, 5, 4, 0, 0, 7, 0, 1e-60, 0, 0})));
    put("MEANPOOL_metadata_" + kTag + ".csv", kColumns + kThree);
  }
  void put(const std::string& name, const std::string& bytes) { base_.write("in/" + name, bytes); }
  std::shared_ptr<const CodesReader> build(
      const std::string& store, int64_t d_sae = 0, int64_t part_entries = 1000,
      const std::function<void()>& breathe = [] {}) {
    NoSink events;
    build_rep_saes_codes(base_ / store, find_rep_saes(base_ / "in"), d_sae, "the key", events,
                         breathe, part_entries);
    return open_codes(base_ / store);
  }
  // Without the folder, which begins every name.
  std::string refusal(int64_t d_sae = 0) {
    std::string text = refusal_of([&] { build("refused", d_sae); });
    const std::string folder = (base_ / "in").string();
    for (size_t at; (at = text.find(folder)) != std::string::npos;)
      text.replace(at, folder.size(), "IN");
    fs::remove_all(base_ / "refused");
    return text;
  }

  TestFolder base_;
  const Tensor dense_ = torch::tensor({{1.0f, 0.0f, 2.0f, 0.0f, 3.0f},
                                       {0.0f, 5.0f, 4.0f, 0.0f, 0.0f},
                                       {7.0f, 0.0f, 0.0f, 0.0f, 0.0f}});
};

TEST_F(RepSaes, pairs_of_index_and_value_become_codes_without_zeros) {
  write_pooling();
  const auto codes = build("store");
  EXPECT_TRUE(torch::equal(codes->slice(0, 3).dense(), dense_));
  EXPECT_EQ(codes->slice(0, 3).nonzeros(), 6);
  EXPECT_TRUE(torch::equal(codes->firing_counts(), dense_.gt(0).sum(0)));
  EXPECT_TRUE(torch::equal(codes->firing(2).row, torch::tensor({1, 0}, torch::kInt64)));
  EXPECT_EQ(codes->key(), "the key");
  EXPECT_EQ(build("wide", 9)->d_sae(), 9);
}

TEST_F(RepSaes, rows_are_whole_sequences_that_the_table_names) {
  write_pooling();
  const auto codes = build("store");
  EXPECT_EQ(codes->pool(), "mean");
  EXPECT_EQ(codes->letter_offset(), 0);
  EXPECT_TRUE(torch::equal(codes->ids().sequence, torch::arange(3)));
  EXPECT_TRUE(torch::equal(codes->ids().position, torch::zeros({3}, torch::kInt32)));
  std::string all;
  for (const SequenceInfo& one : codes->sequences())
    all += one.id + "|" + one.text + "|" + one.description + "\n";
  EXPECT_EQ(all, "P1|MKV|Insulin, long OS=Homo sapiens (Human)\nP2|AL| OS=Mouse\nP3|W|Titin\n");
}

TEST_F(RepSaes, a_matrix_becomes_the_same_codes) {
  write_meanpool();
  const auto codes = build("store", 5);
  EXPECT_TRUE(torch::equal(codes->slice(0, 3).dense(), dense_));
  EXPECT_EQ(codes->slice(0, 3).nonzeros(), 6) << "1e-60 is 0 in float32";
  EXPECT_EQ(codes->sequences().size(), 3u);
}

TEST_F(RepSaes, a_build_cut_between_parts_ends_with_the_same_bytes) {
  // Rows of as many numbers as a block has: each row is a block, and with 3 entries a part.
  constexpr int64_t kWidth = 1 << 22;
  put("MEANPOOL_metadata_" + kTag + ".csv", kColumns + kThree);
  std::vector<float> numbers(3 * kWidth);
  for (int64_t at = 0; at < 3 * kWidth; at += 500000) numbers[static_cast<size_t>(at)] = 1;
  put("MEANPOOL_concatenated_" + kTag + "_sparse.npy",
      npy(header_of("<f4", "(3, " + std::to_string(kWidth) + ")"), raw_bytes(numbers)));
  const auto bytes = [&](const std::string& store) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(base_ / store))
      if (entry.is_regular_file())
        out[fs::relative(entry.path(), base_ / store)] = read_file(entry.path());
    return out;
  };
  build("whole", 0, 3);
  const auto whole = bytes("whole");
  EXPECT_EQ(whole.size(), 6u);  // three parts
  int breaths = 0;
  EXPECT_THROW(build("cut", 0, 3,
                     [&] {
                       if (++breaths == 2) throw Stopped("enough");
                     }),
               Stopped);
  EXPECT_FALSE(fs::exists(base_ / "cut/codes.json"));
  build("cut", 0, 3, [&] { ++breaths; });
  EXPECT_EQ(breaths, 4) << "the finished part is not made again";
  EXPECT_TRUE(bytes("cut") == whole);
}

TEST_F(RepSaes, a_folder_of_none_or_several_is_refused_with_what_is_there) {
  const auto says = [](const std::string& count, const std::string& has) {
    return "IN: holds " + count +
           " extractions of Rep_SAEs_PLMs, should be one: POOLING_activations_*.npy, "
           "POOLING_indices_*.npy and POOLING_metadata_*.csv of one name, or "
           "MEANPOOL_concatenated_*_sparse.npy and MEANPOOL_metadata_*.csv; has " +
           has;
  };
  put("other.npy", "");
  EXPECT_EQ(refusal(), says("0", "none of them"));
  put("POOLING_indices_a.npy", "");
  put("POOLING_activations_b.npy", "");
  EXPECT_EQ(refusal(),
            says("0", "2 of such names:\n  POOLING_activations_b.npy\n  POOLING_indices_a.npy"));
  fs::remove_all(base_ / "in");
  write_pooling();
  write_meanpool();
  EXPECT_EQ(
      refusal(),
      says("2", "5 of such names:\n  POOLING_activations_" + kTag + ".npy\n  POOLING_indices_" +
                    kTag + ".npy\n  POOLING_metadata_" + kTag + ".csv\n  MEANPOOL_concatenated_" +
                    kTag + "_sparse.npy\n  MEANPOOL_metadata_" + kTag + ".csv"));
  EXPECT_EQ(refusal_of([] { find_rep_saes("/nowhere/at/all"); }),
            "/nowhere/at/all: cannot read: No such file or directory");
}

TEST_F(RepSaes, arrays_that_do_not_fit_are_refused) {
  const std::string values = "POOLING_activations_" + kTag + ".npy",
                    indices = "POOLING_indices_" + kTag + ".npy",
                    table = "POOLING_metadata_" + kTag + ".csv";
  const auto after = [&](const std::string& name, const std::string& bytes, int64_t d_sae = 0) {
    write_pooling();
    put(name, bytes);
    return refusal(d_sae);
  };
  const auto floats = [](const std::string& shape, const std::vector<float>& numbers) {
    return npy(header_of("<f4", shape), raw_bytes(numbers));
  };
  const auto wholes = [](const std::string& shape, const std::vector<int64_t>& numbers) {
    return npy(header_of("<i8", shape), raw_bytes(numbers));
  };
  EXPECT_EQ(
      after(values, floats("(3, 3)", {1, 2})),
      "IN/" + values + ": cut short: has 8 bytes of numbers, should have 36 for [3, 3] of 4 bytes");
  EXPECT_EQ(after(values, wholes("(1, 1)", {1})),
            "IN/" + values + ": should hold float32 or float64");
  EXPECT_EQ(after(values, floats("(2,)", {1, 2})),
            "IN/" + values + ": is [2], should be [rows, columns]");
  EXPECT_EQ(after(values, floats("(0, 3)", {})),
            "IN/" + values + ": is [0, 3], should be at least one row and one column");
  EXPECT_EQ(after(indices, floats("(3, 3)", std::vector<float>(9))),
            "IN/" + indices + ": should hold int64 or int32");
  EXPECT_EQ(after(indices, wholes("(3, 2)", {1, 2, 3, 4, 5, 6})),
            "IN/" + indices + ": is [3, 2], should be [3, 3] as " + values);
  EXPECT_EQ(after(values, floats("(3, 3)", {1, 1, 1, 1, NAN, 1, 1, 1, 1})),
            "IN/" + values + ": row 1: is not finite");
  EXPECT_EQ(after(indices, wholes("(3, 3)", {0, 1, 2, 0, 1, 2, 0, -1, 2})),
            "IN/" + indices + ": row 2: index -1, should be from 0 to 2");
  EXPECT_EQ(after(indices, wholes("(3, 3)", {0, 1, 2, 0, 1, 4, 0, 1, 2}), 4),
            "IN/" + indices + ": row 1: index 4, should be from 0 to 3");
  EXPECT_EQ(after(indices, wholes("(3, 3)", {0, 1, 1, 0, 1, 2, 0, 1, 2})),
            "IN/" + indices + ": row 0: index 1 stands twice");
  EXPECT_EQ(after(indices, wholes("(3, 3)", {0, 1, 1, 0, 1, 2, 0, 1, 1 << 25})),
            "IN/" + indices + ": its largest index is 33554432, should be below 16777216");
  EXPECT_EQ(after(table, kColumns + kThree + "3,P4,K,,\n"),
            "IN/" + table + ": has 4 rows, should have 3 as " + values);
  EXPECT_EQ(after(table, "sample_idx,sequence,protein_names,organism\n0,1,2,3\n"),
            "IN/" + table + ":1: column \"sequence_id\" is missing (did you mean \"sequence\"?)");
  write_pooling();
  fs::remove_all(base_ / "in");
  write_meanpool();
  EXPECT_EQ(refusal(256), "IN/MEANPOOL_concatenated_" + kTag +
                              "_sparse.npy: is [3, 5], should be [rows, 256], as encode.d_sae "
                              "says");
}

}  // namespace
}  // namespace facet
