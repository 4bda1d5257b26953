// Hashes of inputs are remembered as long as the inputs look the same.
#include "run/input_hash.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/hash.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

// A file of some age: one that has just changed may change again without a trace.
fs::path old_file(const TestFolder& folder, const std::string& name, const std::string& bytes) {
  const fs::path file = folder.write(name, bytes);
  fs::last_write_time(file, fs::file_time_type::clock::now() - 1h);
  return file;
}

// Other bytes of the same length under the same stamp: what only reading can tell.
void change_unseen(const fs::path& file, const std::string& bytes) {
  const auto time = fs::last_write_time(file);
  std::ofstream(file, std::ios::binary) << bytes;
  fs::last_write_time(file, time);
}

}  // namespace

TEST(InputHash, is_that_of_the_contents) {
  const TestFolder folder;
  InputHash hash(folder / "hashes.json");
  EXPECT_EQ(hash.of(old_file(folder, "x", "abc")), sha256("abc"));
  old_file(folder, "d/y", "y");
  EXPECT_EQ(hash.of(folder / "d"), sha256_path(folder / "d"));
  EXPECT_EQ(refusal_of([&] { hash.of(folder / "none"); }),
            (folder / "none").string() + ": cannot read: No such file or directory");
}

TEST(InputHash, does_not_read_again_what_looks_the_same) {
  const TestFolder folder;
  const fs::path file = old_file(folder, "x", "abc");
  {
    InputHash hash(folder / "store" / "hashes.json");
    hash.of(file);
    hash.remember();
  }
  change_unseen(file, "abd");
  InputHash hash(folder / "store" / "hashes.json");
  EXPECT_EQ(hash.of(file), sha256("abc"));
  EXPECT_EQ(hash.of(folder / "store" / ".." / "x"), sha256("abc"));
}

TEST(InputHash, reads_again_what_looks_otherwise) {
  const TestFolder folder;
  InputHash hash(folder / "hashes.json");
  const fs::path file = old_file(folder, "d/x", "abc");
  hash.of(file);
  const std::string whole = hash.of(folder / "d");
  folder.write("d/x", "abcd");
  EXPECT_EQ(hash.of(file), sha256("abcd"));
  EXPECT_NE(hash.of(folder / "d"), whole);
  folder.write("d/y", "");
  EXPECT_EQ(hash.of(folder / "d"), sha256_path(folder / "d"));
}

TEST(InputHash, does_not_trust_the_stamp_of_a_file_that_has_just_changed) {
  const TestFolder folder;
  InputHash hash(folder / "hashes.json");
  const fs::path file = folder.write("x", "abc");
  EXPECT_EQ(hash.of(file), sha256("abc"));
  change_unseen(file, "abd");
  EXPECT_EQ(hash.of(file), sha256("abd"));
}

TEST(InputHash, goes_on_without_its_memory) {
  const TestFolder folder;
  const fs::path file = old_file(folder, "x", "abc");
  for (const char* damaged : {"", "{", "[1]", "3", "{\"x\": 1}"}) {
    InputHash hash(folder.write("hashes.json", damaged));
    EXPECT_EQ(hash.of(file), sha256("abc")) << damaged;
  }
  const fs::path key = fs::weakly_canonical(file);
  InputHash odd(
      folder.write("hashes.json", "{\"" + key.string() + "\": {\"stamp\": 1, \"sha256\": 2}}"));
  EXPECT_EQ(odd.of(file), sha256("abc"));
  InputHash nowhere("/proc/none/hashes.json");
  EXPECT_EQ(nowhere.of(file), sha256("abc"));
  nowhere.remember();
}
