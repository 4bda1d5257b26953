// Checkpoints in shards: one set of names, and what is refused of an index.
#include <gtest/gtest.h>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "core/tensor/numbers.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"
#include "facet/torch.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr char kIndex[] = "model.safetensors.index.json";

/// Two shards that hold a, b and b, c.
void write_shards(const TemporaryFolder& folder) {
  save_safetensors(folder.path() / "1.safetensors", {{"a", at::full({2}, 1)}, {"b", at::ones({3})}},
                   {{"format", "pt"}, {"part", "1"}});
  save_safetensors(folder.path() / "2.safetensors", {{"b", at::ones({4})}, {"c", at::full({}, 3)}},
                   {{"part", "2"}});
}

std::string refusal_of_index(const TemporaryFolder& folder, const std::string& index) {
  folder.write(kIndex, index);
  return refusal_of([&] { Safetensors read(folder.path()); });
}

TEST(Shards, present_one_set_of_names) {
  const TemporaryFolder folder;
  write_shards(folder);
  const fs::path index = folder.write(kIndex, R"({"metadata": {"total_size": 24}, "weight_map":
                  {"a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors"}})");
  for (const fs::path& path : {folder.path(), index}) {
    const Safetensors read(path);
    EXPECT_EQ(read.names(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(read.sizes("b"), std::vector<int64_t>{4});
    EXPECT_TRUE(read.tensor("a").equal(at::full({2}, 1)));
    EXPECT_EQ(read.tensor("c").item<float>(), 3);
    EXPECT_EQ(read.metadata().at("part"), "1");
    EXPECT_EQ(read.file(), index);
    EXPECT_EQ(read.files().size(), 2u);
  }
}

TEST(Shards, tensors_outlive_the_checkpoint) {
  const TemporaryFolder folder;
  write_shards(folder);
  folder.write(kIndex, R"({"weight_map": {"c": "2.safetensors"}})");
  const Tensor c = Safetensors(folder.path()).tensor("c");
  fs::remove(folder.path() / "2.safetensors");
  EXPECT_EQ(c.item<float>(), 3);
}

TEST(Shards, a_whole_file_in_the_folder_comes_first) {
  const TemporaryFolder folder;
  write_shards(folder);
  folder.write(kIndex, R"({"weight_map": {"a": "1.safetensors"}})");
  save_safetensors(folder.path() / "model.safetensors", {{"whole", at::ones({1})}});
  EXPECT_EQ(Safetensors(folder.path()).names(), std::vector<std::string>{"whole"});
}

TEST(Shards, name_the_file_of_a_shape_that_is_not_the_needed_one) {
  const TemporaryFolder folder;
  write_shards(folder);
  folder.write(kIndex, R"({"weight_map": {"a": "1.safetensors", "c": "2.safetensors"}})");
  const Safetensors read(folder.path());
  EXPECT_EQ(refusal_of([&] { read.tensor("a", {5}); }),
            (folder.path() / "1.safetensors").string() + ": a: shape is [2], should be [5]");
  EXPECT_EQ(refusal_of([&] { read.tensor("b"); }),
            (folder.path() / kIndex).string() + ": tensor \"b\" is missing");
}

TEST(Shards, a_folder_without_a_checkpoint_is_refused) {
  const TemporaryFolder folder;
  EXPECT_EQ(
      refusal_of([&] { Safetensors read(folder.path()); }),
      folder.path().string() + ": holds no model.safetensors and no model.safetensors.index.json");
}

TEST(Shards, an_index_that_lies_is_refused) {
  const TemporaryFolder folder;
  write_shards(folder);
  const std::string index = (folder.path() / kIndex).string();
  EXPECT_EQ(
      refusal_of_index(folder, R"({"weight_map": {"a": "3.safetensors", "b": "3.safetensors"}})"),
      index + ": shard \"3.safetensors\" is missing");
  EXPECT_EQ(refusal_of_index(folder, R"({"weight_map": {"c": "1.safetensors"}})"),
            index + ": tensor \"c\" is missing in shard \"1.safetensors\"");
  EXPECT_EQ(refusal_of_index(folder, R"({"weight_map": {"a": 1}})"),
            index + ": weight_map.a is integer 1, should be the name of a shard");
  EXPECT_EQ(refusal_of_index(folder, R"({"weight_map": []})"),
            index + ": weight_map is list of 0, should be a table of tensor = \"shard\"");
  EXPECT_EQ(refusal_of_index(folder, "{}"),
            index + ": weight_map is missing, should be a table of tensor = \"shard\"");
  EXPECT_EQ(refusal_of_index(folder, "[]"),
            index + ": weight_map is missing, should be a table of tensor = \"shard\"");
  EXPECT_EQ(refusal_of_index(folder, "{\n \"weight_map"), index + ":2:13: not valid JSON");
}

TEST(Shards, that_leave_the_folder_are_refused) {
  const TemporaryFolder folder;
  write_shards(folder);
  fs::create_directories(folder.path() / "in");
  for (const std::string shard : {"../1.safetensors", "/etc/passwd", "in/../../x", "", "in/", "."})
    EXPECT_EQ(refusal_of_index(folder, R"({"weight_map": {"a": ")" + shard + R"("}})"),
              (folder.path() / kIndex).string() + ": shard \"" + shard +
                  "\" is no file in the folder of the index");
}

TEST(Shards, all_problems_of_an_index_are_told_together) {
  const TemporaryFolder folder;
  write_shards(folder);
  folder.write("cut.safetensors", "12345");
  const std::string index = (folder.path() / kIndex).string();
  EXPECT_EQ(refusal_of_index(folder, R"({"weight_map": {"a": "gone", "b": "cut.safetensors",
                                         "c": "1.safetensors", "d": "../x"}})"),
            index + ": shard \"gone\" is missing\n" + (folder.path() / "cut.safetensors").string() +
                ": cut short: is 5 bytes, should be at least 8\n" + index +
                ": tensor \"c\" is missing in shard \"1.safetensors\"\n" + index +
                ": shard \"../x\" is no file in the folder of the index");
}

}  // namespace
}  // namespace facet
