// Plain text: what a record is, and its name.
#include "data/text.h"

#include <gtest/gtest.h>

#include "core/data/records.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

constexpr char kNotes[] = "\n one \ntwo\n\n \t\nthree\r\n\nfour\n\n";

std::string read_as(const std::string& record, const std::filesystem::path& path) {
  TextParams params;
  params.path = path.string();
  params.record = record;
  return shown(records_of<Text>(params));
}

TEST(Text, makes_a_record_of_each_line_paragraph_or_file) {
  const TemporaryFolder folder;
  const auto path = folder.write("notes.txt", kNotes);
  EXPECT_EQ(read_as("line", path),
            "notes.txt:2= one  notes.txt:3=two notes.txt:6=three notes.txt:8=four ");
  EXPECT_EQ(read_as("paragraph", path),
            "notes.txt:2= one \ntwo notes.txt:6=three notes.txt:8=four ");
  EXPECT_EQ(read_as("file", path), "notes.txt= one \ntwo\n\n \t\nthree\n\nfour ");
}

TEST(Text, of_a_folder_is_named_by_its_files) {
  const TemporaryFolder folder;
  folder.write("b.txt.gz", "b");
  folder.write("a.txt", "a1\na2\n");
  EXPECT_EQ(read_as("file", folder.path()), "a.txt=a1\na2 b.txt=b ");
  EXPECT_EQ(read_as("line", folder.path()), "a.txt:1=a1 a.txt:2=a2 b.txt:1=b ");
}

TEST(Text, without_a_word_is_refused) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.txt", "\n \t\n");
  for (const char* record : {"line", "paragraph", "file"})
    EXPECT_EQ(refusal_of([&] { read_as(record, path); }), path.string() + ": no records");
}

}  // namespace
}  // namespace facet
