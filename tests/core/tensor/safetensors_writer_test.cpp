// SafetensorsWriter: tensors that grow by rows give the file that a whole one would.
#include "tensor/safetensors_writer.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "core/base/test_folder.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"

using namespace facet;

namespace {

const Tensor kWide = torch::arange(30, torch::kFloat32).reshape({5, 6});
const Tensor kCount = torch::arange(5, torch::kInt64);
const Tensor kLetters = torch::arange(7, torch::kUInt8);

std::vector<GrowingTensor> planned(int64_t rows) {
  return {{"letters", torch::kUInt8, {}},
          {"wide", torch::kFloat32, {6}, rows},
          {"count", torch::kInt64, {}, rows}};
}

void add_in_pieces(SafetensorsWriter& writer) {
  for (const auto& [begin, end] : {std::pair(0, 2), std::pair(2, 2), std::pair(2, 5)}) {
    writer.add("wide", kWide.slice(0, begin, end));
    writer.add("count", kCount.slice(0, begin, end));
    writer.add("letters", kLetters.slice(0, begin + 1, end + 1));
  }
}

}  // namespace

TEST(SafetensorsWriter, gives_back_what_was_added_in_pieces) {
  const TestFolder folder;
  SafetensorsWriter writer(folder / "x.safetensors", planned(5), {{"made", "in pieces"}});
  add_in_pieces(writer);
  writer.commit();
  const Safetensors file(folder / "x.safetensors");
  EXPECT_TRUE(torch::equal(file.tensor("wide"), kWide));
  EXPECT_TRUE(torch::equal(file.tensor("count"), kCount));
  EXPECT_TRUE(torch::equal(file.tensor("letters"), kLetters.slice(0, 1, 6)));
  EXPECT_EQ(file.metadata().at("made"), "in pieces");
  EXPECT_EQ(folder.list(), "x.safetensors");
}

TEST(SafetensorsWriter, takes_a_length_that_is_not_known_before) {
  const TestFolder folder;
  SafetensorsWriter writer(folder / "x.safetensors", planned(kRowsUnknown), {});
  add_in_pieces(writer);
  writer.commit();
  const Safetensors file(folder / "x.safetensors");
  EXPECT_TRUE(torch::equal(file.tensor("wide"), kWide));
  EXPECT_TRUE(torch::equal(file.tensor("count"), kCount));
}

TEST(SafetensorsWriter, keeps_tensors_without_a_row) {
  const TestFolder folder;
  SafetensorsWriter writer(folder / "x.safetensors", planned(0), {});
  writer.commit();
  const Safetensors file(folder / "x.safetensors");
  EXPECT_EQ(file.sizes("wide"), (std::vector<int64_t>{0, 6}));
  EXPECT_EQ(file.sizes("letters"), (std::vector<int64_t>{0}));
}

TEST(SafetensorsWriter, leaves_nothing_when_it_is_not_committed_or_the_disk_is_full) {
  const TestFolder folder;
  {
    SafetensorsWriter writer(folder / "x.safetensors", planned(5), {});
    add_in_pieces(writer);
  }
  EXPECT_EQ(folder.list(), "");
  const std::string file = (folder / "x.safetensors").string();
  for (const int64_t bytes : {0, 40, 200}) {
    EXPECT_EQ(refusal_of([&] {
                SafetensorsWriter writer(file, planned(5), {});
                fail_disk_after(bytes);
                add_in_pieces(writer);
                writer.commit();
              }).find(file),
              0u);
    fail_disk_after(-1);
    EXPECT_EQ(folder.list(), "");
  }
}

TEST(SafetensorsWriter, is_not_committed_with_rows_missing) {
  const TestFolder folder;
  SafetensorsWriter writer(folder / "x.safetensors", planned(5), {});
  EXPECT_THROW(writer.commit(), Bug);
  EXPECT_THROW(writer.add("wide", kCount), Bug);
  EXPECT_THROW(writer.add("other", kCount), Bug);
}
