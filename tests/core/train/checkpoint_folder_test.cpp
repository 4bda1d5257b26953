// A checkpoint appears whole or not at all.
#include "train/checkpoint_folder.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

class CheckpointFolder : public testing::Test {
 protected:
  CheckpointFolder() {
    fs::remove_all(base_);
    fs::create_directories(base_);
  }
  ~CheckpointFolder() override {
    fail_disk_after(-1);
    fs::remove_all(base_);
  }

  static Checkpoint sample(int64_t step) {
    return {
        step,
        {{"first/b_enc", torch::full({8}, 0.1f * step)}, {"fired_rows", torch::arange(8)}},
        Value::Table{{"source", Value::Table{{"row", step}}}, {"third", 1.0 / 3}, {"two", 2.0}}};
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_checkpoint_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(CheckpointFolder, gives_back_every_bit) {
  const auto sae = small_sae();
  save_checkpoint(base_ / "7", sample(7), *sae);
  const auto other = small_sae({}, 99);
  const Checkpoint back = load_checkpoint(base_ / "7", *other);
  EXPECT_EQ(back.step, 7);
  EXPECT_EQ(back.cursor, sample(7).cursor);
  ASSERT_EQ(back.tensors.size(), 2u);
  for (const auto& [name, tensor] : sample(7).tensors)
    for (const auto& [other_name, read] : back.tensors)
      EXPECT_EQ(torch::equal(tensor, read), name == other_name) << name;
  for (size_t i = 0; i < sae->params().size(); ++i)
    EXPECT_TRUE(torch::equal(sae->params()[i].second, other->params()[i].second));
}

TEST_F(CheckpointFolder, a_full_disk_leaves_the_one_before_whole_and_says_so) {
  const auto sae = small_sae();
  save_checkpoint(base_ / "7", sample(7), *sae);
  const fs::path partial = base_ / "14.partial";
  const auto size = [&](const char* name) {
    return static_cast<int64_t>(fs::file_size(base_ / "7" / name));
  };
  const int64_t weights = size("sae_weights.safetensors") + size("facet_buffers.safetensors");
  const int64_t state = size("state.safetensors");
  const struct {
    int64_t room;  // bytes
    fs::path file;
  } cases[] = {{0, partial / "sae_weights.safetensors"},
               {400, partial / "sae_weights.safetensors"},
               {weights + 100, partial / "state.safetensors"},
               {weights + state + 20, partial / "cursor.json"}};
  for (const auto& [room, file] : cases) {
    fail_disk_after(room);
    const std::string text = refusal_of([&] { save_checkpoint(base_ / "14", sample(14), *sae); });
    fail_disk_after(-1);
    EXPECT_EQ(text, file.string() +
                        ": cannot write: No space left on device\n"
                        "the checkpoint of step 14 is not written; earlier ones are whole");
    EXPECT_FALSE(fs::exists(base_ / "14"));
    EXPECT_FALSE(fs::exists(base_ / "14.partial"));
    EXPECT_EQ(load_checkpoint(base_ / "7", *sae).step, 7);
  }
}

TEST_F(CheckpointFolder, what_an_earlier_process_left_half_written_is_replaced) {
  fs::create_directories(base_ / "7.partial");
  write_file(base_ / "7.partial" / "rubbish", "x");
  const auto sae = small_sae();
  save_checkpoint(base_ / "7", sample(7), *sae);
  EXPECT_FALSE(fs::exists(base_ / "7.partial"));
  EXPECT_FALSE(fs::exists(base_ / "7" / "rubbish"));
}

TEST_F(CheckpointFolder, refuses_one_of_another_sae) {
  save_checkpoint(base_ / "7", sample(7), *small_sae());
  const auto wider = small_sae({16, 2, true});
  EXPECT_EQ(refusal_of([&] { load_checkpoint(base_ / "7", *wider); }),
            (base_ / "7" / "sae_weights.safetensors").string() +
                ": W_dec: is Float [8, 4], should be Float [16, 4]");
  write_file(base_ / "7" / "cursor.json", "{\"format\": 2}");
  EXPECT_EQ(refusal_of([&] { load_checkpoint(base_ / "7", *wider); }),
            (base_ / "7" / "cursor.json").string() + ": format: is 2, should be 1");
}

}  // namespace
}  // namespace facet
