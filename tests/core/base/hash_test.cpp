// Known digests, and digests of folders.
#include "base/hash.h"

#include <gtest/gtest.h>

#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

// sha256 over "a.txt <sha256 of one>\nb/c.txt <sha256 of two>\n", made with Python 3.11's hashlib.
constexpr const char* kTwoFiles =
    "71def11094ffecf1894f95db1e6ae92358fe203bc096e5fca6eec68a34b56973";

}  // namespace

TEST(Sha256, has_the_digests_of_fips_180_4) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, does_not_depend_on_how_the_bytes_are_dealt_out) {
  EXPECT_EQ(Sha256().add("a").add("").add("bc").hex(), sha256("abc"));
}

TEST(Sha256, of_a_file_is_that_of_its_bytes) {
  const TestFolder folder;
  const std::string bytes =
      std::string(3 << 20, 'x') + std::string("\0y", 2);  // more than one block
  EXPECT_EQ(sha256_path(folder.write("big", bytes)), sha256(bytes));
  EXPECT_EQ(sha256_path(folder.write("empty", "")), sha256(""));
}

TEST(Sha256, of_a_folder_does_not_depend_on_where_it_lies_or_in_which_order_it_was_made) {
  const TestFolder one, other;
  one.write("a.txt", "one");
  one.write("b/c.txt", "two");
  other.write("b/c.txt", "two");
  other.write("a.txt", "one");
  EXPECT_EQ(sha256_path(one.path()), kTwoFiles);
  EXPECT_EQ(sha256_path(other.path()), kTwoFiles);
}

TEST(Sha256, of_a_folder_changes_with_names_and_contents) {
  const TestFolder folder;
  folder.write("a.txt", "one");
  folder.write("b/c.txt", "two");
  fs::rename(folder / "b" / "c.txt", folder / "b" / "d.txt");
  EXPECT_NE(sha256_path(folder.path()), kTwoFiles);
  fs::rename(folder / "b" / "d.txt", folder / "b" / "c.txt");
  EXPECT_EQ(sha256_path(folder.path()), kTwoFiles);
  folder.write("b/c.txt", "twp");
  EXPECT_NE(sha256_path(folder.path()), kTwoFiles);
}

TEST(Sha256, of_a_folder_sees_links_as_the_files_they_lead_to) {
  const TestFolder elsewhere, folder;
  folder.write("b/c.txt", "two");
  fs::create_symlink(elsewhere.write("blob-17", "one"), folder / "a.txt");
  EXPECT_EQ(sha256_path(folder.path()), kTwoFiles);
}

TEST(Sha256, refuses_what_is_not_there) {
  const TestFolder folder;
  EXPECT_EQ(refusal_of([&] { sha256_path(folder / "none"); }),
            (folder / "none").string() + ": cannot read: No such file or directory");
}
