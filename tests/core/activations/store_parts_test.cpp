// Parts of a store: written piece by piece, whole or not at all.
#include "activations/store_parts.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"

namespace facet {
namespace {

TEST(StorePart, of_pieces_has_the_bytes_of_them_joined) {
  const TestFolder folder;
  const Tensor x = torch::randn({9, 2, 3}), flag = torch::arange(9).to(torch::kUInt8);
  const PartEnd end{"the key", 4, 11, 9};
  save_part(folder / "pieces", {{"x", x.split({4, 0, 5})}, {"flag", flag.split(2)}}, end);
  save_safetensors(folder / "whole", {{"x", x}, {"flag", flag}},
                   {{"key", "the key"}, {"next_item", "4"}, {"read", "11"}, {"rows", "9"}});
  EXPECT_EQ(read_file(folder / "pieces"), read_file(folder / "whole"));
}

TEST(StorePart, that_fails_within_a_piece_leaves_no_file) {
  const TestFolder folder;
  const Tensor x = torch::ones({8, 2});
  fail_disk_after(40);  // of the 64 bytes of x
  const std::string text = refusal_of([&] {
    save_part(folder / "part", {{"x", x.split(4)}}, {"the key", 1, 8, 8});
  });
  fail_disk_after(-1);
  EXPECT_EQ(text, (folder / "part").string() +
                      ": cannot write: No space left on device\nwhat is finished stays: make room, "
                      "then run the same command again");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace facet
