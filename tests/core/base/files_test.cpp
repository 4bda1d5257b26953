// Whole files or nothing, logs that grow by whole lines, and folders that appear at once.
#include "base/files.h"

#include <gtest/gtest.h>

#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

std::string full(const fs::path& file) {
  return file.string() + ": cannot write: No space left on device";
}

}  // namespace

TEST(FileWriter, gives_the_file_its_name_on_commit_only) {
  const TestFolder folder;
  folder.write("x", "old");
  FileWriter out(folder / "x");
  out.write("ne");
  out.write("w", 1);
  EXPECT_EQ(read_file(folder / "x"), "old");
  out.commit();
  EXPECT_EQ(read_file(folder / "x"), "new");
  EXPECT_EQ(folder.list(), "x");
}

// Of more bytes than the disk is asked to take at once.
TEST(FileWriter, writes_large_files_as_they_are_given) {
  const TestFolder folder;
  std::string bytes((size_t{1} << 24) + 5, ' ');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7);
  write_file(folder / "whole", bytes);
  EXPECT_TRUE(read_file(folder / "whole") == bytes);
  FileWriter out(folder / "pieces");
  out.write_at(7, bytes.data() + 7, bytes.size() - 7);
  out.write_at(0, bytes.data(), 7);
  out.commit();
  EXPECT_TRUE(read_file(folder / "pieces") == bytes);
}

TEST(FileWriter, leaves_nothing_when_it_is_not_committed) {
  const TestFolder folder;
  { FileWriter(folder / "x").write("half"); }
  EXPECT_EQ(folder.list(), "");
}

TEST(FileWriter, leaves_the_old_file_whole_wherever_the_disk_is_full) {
  const TestFolder folder;
  write_file(folder / "x", "the old file");
  const std::string bytes(100, 'n');
  for (const int64_t room : {0, 1, 50, 99}) {
    fail_disk_after(room);
    EXPECT_EQ(refusal_of([&] { write_file(folder / "x", bytes); }), full(folder / "x")) << room;
    fail_disk_after(-1);
    EXPECT_EQ(read_file(folder / "x"), "the old file") << room;
    EXPECT_EQ(folder.list(), "x") << room;
  }
  fail_disk_after(100);
  EXPECT_EQ(refusal_of([&] { write_file(folder / "x", bytes); }), "(no refusal)");
  EXPECT_EQ(read_file(folder / "x"), bytes);
}

TEST(FileWriter, refuses_a_folder_that_is_not_there_and_a_name_that_is_a_folder) {
  const TestFolder folder;
  EXPECT_EQ(refusal_of([&] { write_file(folder / "none" / "x", "a"); }),
            (folder / "none" / "x").string() + ": cannot write: No such file or directory");
  fs::create_directory(folder / "taken");
  EXPECT_EQ(refusal_of([&] { write_file(folder / "taken", "a"); }),
            (folder / "taken").string() + ": cannot write: Is a directory");
  EXPECT_EQ(folder.list(), "taken/");
}

TEST(ReadFile, gives_every_byte_and_refuses_what_is_no_file) {
  const TestFolder folder;
  const std::string bytes("a\0\r\n\xff", 5);
  EXPECT_EQ(read_file(folder.write("x", bytes)), bytes);
  EXPECT_EQ(read_file(folder.write("empty", "")), "");
  EXPECT_EQ(refusal_of([&] { read_file(folder / "none"); }),
            (folder / "none").string() + ": cannot read: No such file or directory");
  EXPECT_EQ(refusal_of([&] { read_file(folder.path()); }),
            folder.path().string() + ": cannot read: Is a directory");
}

TEST(Appender, grows_by_lines_and_knows_its_size) {
  const TestFolder folder;
  {
    Appender lines(folder / "x");
    lines.line("one");
    lines.line("");
    EXPECT_EQ(lines.size(), 5);
  }
  Appender lines(folder / "x");
  EXPECT_EQ(lines.size(), 5);
  lines.line("two");
  lines.sync();
  EXPECT_EQ(read_file(folder / "x"), "one\n\ntwo\n");
}

TEST(Appender, cuts_to_what_is_to_be_kept_and_never_lengthens) {
  const TestFolder folder;
  folder.write("x", "one\ntwo\nthr");
  {
    Appender lines(folder / "x", 8);
    EXPECT_EQ(lines.size(), 8);
    lines.line("three");
  }
  EXPECT_EQ(read_file(folder / "x"), "one\ntwo\nthree\n");
  EXPECT_EQ(Appender(folder / "x", 100).size(), 14);
  EXPECT_EQ(Appender(folder / "x", 0).size(), 0);
  EXPECT_EQ(read_file(folder / "x"), "");
}

TEST(Appender, leaves_no_half_line_when_the_disk_is_full) {
  const TestFolder folder;
  Appender lines(folder / "x");
  lines.line("one");
  fail_disk_after(3);
  EXPECT_EQ(refusal_of([&] { lines.line("second"); }), full(folder / "x"));
  fail_disk_after(-1);
  EXPECT_EQ(lines.size(), 4);
  lines.line("three");
  EXPECT_EQ(read_file(folder / "x"), "one\nthree\n");
}

TEST(RenameFolder, gives_a_folder_its_name_and_replaces_what_had_it) {
  const TestFolder folder;
  folder.write("new.partial/a", "new");
  folder.write("new.partial/deep/b", "new");
  folder.write("new/a", "old");
  folder.write("new/gone", "old");
  folder.write("new.old/rubbish", "of a crash");
  rename_folder(folder / "new.partial", folder / "new");
  EXPECT_EQ(folder.list(), "new/");
  EXPECT_EQ(read_file(folder / "new" / "a"), "new");
  EXPECT_EQ(read_file(folder / "new" / "deep" / "b"), "new");
  EXPECT_FALSE(fs::exists(folder / "new" / "gone"));
}
