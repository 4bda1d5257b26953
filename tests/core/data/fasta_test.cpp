// FASTA: what is read, and the text of every refusal.
#include "data/fasta.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

std::vector<Record> records_of(const std::filesystem::path& file) {
  const Fasta fasta({file.string(), "", "keep"});
  const auto reader = fasta.open();
  std::vector<Record> records;
  for (Record record; reader->next(record);) records.push_back(record);
  Record none;
  EXPECT_FALSE(reader->next(none));
  return records;
}

TEST(Fasta, reads_names_descriptions_and_sequences) {
  const TemporaryFolder folder;
  const auto records =
      records_of(folder.write("x.fasta", ">sp|P1|A first  one \nMKV\nAx*\n\n>B\n-.\n"));
  ASSERT_EQ(records.size(), 2);
  EXPECT_EQ(records[0].id, "sp|P1|A");
  EXPECT_EQ(records[0].columns.at("description"), "first  one");
  EXPECT_EQ(records[0].text, "MKVAx*");
  EXPECT_EQ(records[1].id, "B");
  EXPECT_EQ(records[1].columns.at("description"), "");
  EXPECT_EQ(records[1].text, "-.");
}

TEST(Fasta, takes_line_ends_of_windows_a_byte_order_mark_and_a_last_line_without_end) {
  const TemporaryFolder folder;
  const auto plain = records_of(folder.write("a.fasta", ">A one\nMK\nVL\n>B\nACD\n"));
  const auto other =
      records_of(folder.write("b.fasta", "\xEF\xBB\xBF>A one\r\nMK\r\nVL \r\n\r\n>B\r\nACD"));
  ASSERT_EQ(plain.size(), other.size());
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].id, other[i].id);
    EXPECT_EQ(plain[i].text, other[i].text);
    EXPECT_EQ(plain[i].columns, other[i].columns);
  }
}

TEST(Fasta, removes_the_stop_at_the_end_of_a_translation_when_asked) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.fasta", ">A\nMK*V*\n>B\nMKV\n>C\n*\n").string();
  const auto reader = Fasta({path, "", "remove"}).open();
  Record record;
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(record.text, "MK*V");
  ASSERT_TRUE(reader->next(record));
  EXPECT_EQ(record.text, "MKV");
  EXPECT_EQ(refusal_of([&] { reader->next(record); }), path + ":5: record \"C\": empty sequence");
}

TEST(Fasta, checks_the_hash_of_the_file) {
  const TemporaryFolder folder;
  const std::string text = ">A\nMK\n";
  const std::string path = folder.write("x.fasta", text).string();
  EXPECT_NO_THROW(Fasta({path, sha256(text), "keep"}));
  EXPECT_EQ(refusal_of([&] {
              Fasta({path, "0123", "keep"});
            }),
            path + ": sha256 is " + sha256(text) + ", should be 0123");
}

TEST(Fasta, names_file_line_and_record_in_each_refusal) {
  struct Case {
    std::string bytes, says;
  };
  const Case cases[] = {
      {"", ": no records"},
      {"\n \n", ": no records"},
      {"\nMKV\n>A\nMK\n",
       ":2: text before the first header: \"MKV\", should be a line that starts with \">\""},
      {">A\nMK\n>sp|P1|X\n>C\nMK\n", ":3: record \"sp|P1|X\": empty sequence"},
      {">A\nMK\n>B\n\n", ":3: record \"B\": empty sequence"},
      {">A\nMK\nV1K\n",
       ":3: record \"A\": letter \"1\" in column 2, should be a letter, \"*\", \"-\" or \".\""},
      {">A\nMK VL\n",
       ":2: record \"A\": byte 0x20 in column 3, should be a letter, \"*\", \"-\" or \".\""},
      {">A\nMK\xC3\x84\n",
       ":2: record \"A\": byte 0xc3 in column 3, should be a letter, \"*\", \"-\" or \".\""},
      {">A\nMK\n> \nMK\n", ":3: header without a name"},
      {">A\nMK\v\n",
       ":2: record \"A\": byte 0x0b in column 3, should be a letter, \"*\", \"-\" or \".\""},
      {">A\rMK\r", ":1: carriage return inside a line: lines should end in LF or CRLF"},
      {std::string("\x7f"
                   "ELF\x02\x00",
                   6),
       ":1: byte 0x7f in column 1: this is no text file"},
      {std::string(">A\nMK\n>B\0\nMK\n", 13), ":3: byte 0x00 in column 3: this is no text file"},
  };
  const TemporaryFolder folder;
  for (const Case& c : cases) {
    const auto path = folder.write("x.fasta", c.bytes);
    EXPECT_EQ(refusal_of([&] { records_of(path); }), path.string() + c.says);
  }
}

TEST(Fasta, refuses_files_that_cannot_be_read) {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(refusal_of([&] { records_of(path); }),
            path +
                ": no file in this folder ends in .fasta, .fa, .faa, .fna, .fas, or these with "
                ".gz or .zst");
  EXPECT_EQ(refusal_of([&] { records_of(path + "/none"); }),
            path + "/none: cannot read: No such file or directory");
}

}  // namespace
}  // namespace facet
