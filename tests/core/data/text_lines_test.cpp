// Lines of plain and packed files, and what is refused of them.
#include "data/text_lines.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "data/byte_source.h"
#include "expect_refusal.h"

namespace facet {
namespace {

using namespace std::string_literals;

const std::string kText = ">A one\nMKV\n>B two\nACDEFGHIKLMNPQRSTVWY\nACDEFGHIKLMNPQRSTVWY\n";
// kText by `zstd -19 --check`, and by `gzip -9n`.
const std::string kZstd =
    "\x28\xb5\x2f\xfd\x04\x68\x75\x01\x00\x64\x02\x3e\x41\x20\x6f\x6e\x65\x0a\x4d\x4b\x56\x0a\x3e"
    "\x42\x20\x74\x77\x6f\x0a\x41\x43\x44\x45\x46\x47\x48\x49\x4b\x4c\x4d\x4e\x50\x51\x52\x53\x54"
    "\x56\x57\x59\x01\x00\x46\x65\x3e\x01\x44\x06\x99\x9d"s;
const std::string kGzip =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\x73\x54\xc8\xcf\x4b\xe5\xf2\xf5\x0e\xe3\xb2\x73"
    "\x52\x28\x29\xcf\xe7\x72\x74\x76\x71\x75\x73\xf7\xf0\xf4\xf6\xf1\xf5\x0b\x08\x0c\x0a\x0e\x09"
    "\x0b\x8f\xc4\x2e\x08\x00\x28\xe3\x97\x51\x3c\x00\x00\x00"s;
const std::string kHuman = FACET_TEST_SOURCE "/experiments/data/human_2000.fasta.gz";

/// A zstd frame of stored blocks, as RFC 8878 describes them.
std::string stored_zstd(const std::string& text) {
  constexpr size_t kBlock = 100000;
  const auto little = [](uint64_t number, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i) & 0xff);
    return out;
  };
  std::string out = "\x28\xb5\x2f\xfd\x80"s;  // content size in four bytes
  out += '\x38' + little(text.size(), 4);     // a window of 128 KiB
  for (size_t at = 0; at < text.size(); at += kBlock) {
    const std::string block = text.substr(at, kBlock);
    out += little(block.size() << 3 | (at + kBlock >= text.size() ? 1 : 0), 3) + block;
  }
  return out;
}

std::string all_of(const std::filesystem::path& file) {
  TextLines lines(file);
  std::string out, line;
  while (lines.next(line)) out += line + "\n";
  return out;
}

class TextLinesTest : public testing::Test {
 protected:
  std::string all(const std::string& bytes) const { return all_of(folder_.write("x", bytes)); }
  /// The refusal, without the name of the file in front.
  std::string refusal(const std::string& bytes) const {
    const auto file = folder_.write("x", bytes);
    return refusal_of([&] { all_of(file); }).substr(file.string().size());
  }

  TemporaryFolder folder_;
};

TEST_F(TextLinesTest, see_from_the_content_how_a_file_is_packed) {
  EXPECT_EQ(all(kText), kText);
  EXPECT_EQ(all(kGzip), kText);
  EXPECT_EQ(all(kZstd), kText);
  EXPECT_EQ(all_of(folder_.write("misnamed.gz", kZstd)), kText);
}

TEST_F(TextLinesTest, join_packed_parts_that_follow_one_another) {
  EXPECT_EQ(all(kGzip + kGzip), kText + kText);
  EXPECT_EQ(all(kZstd + stored_zstd(kText) + kZstd), kText + kText + kText);
}

TEST_F(TextLinesTest, are_read_across_buffers_and_blocks) {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += std::to_string(i * 7919) + "\n";
  text.append(700000, 'A');
  text += "\n";
  EXPECT_EQ(all(text), text);
  EXPECT_EQ(all(stored_zstd(text)), text);
}

TEST_F(TextLinesTest, may_end_in_crlf_or_not_at_all_and_begin_with_a_byte_order_mark) {
  EXPECT_EQ(all("\xEF\xBB\xBFone\r\ntwo\n\nlast"), "one\ntwo\n\nlast\n");
  EXPECT_EQ(all("last\r"), "last\n");
  EXPECT_EQ(all(""), "");
  EXPECT_EQ(all("\n"), "\n");
}

TEST_F(TextLinesTest, have_numbers) {
  TextLines lines(folder_.write("x", "a\nb\n"));
  std::string line;
  EXPECT_EQ(lines.number(), 0);
  lines.next(line);
  lines.next(line);
  EXPECT_EQ(lines.number(), 2);
  EXPECT_FALSE(lines.next(line));
  EXPECT_EQ(lines.where(), (folder_.path() / "x").string() + ":2");
}

TEST_F(TextLinesTest, of_packed_data_that_is_cut_short_are_refused) {
  const std::string cut = ": cut short: the compressed data ends before its end mark";
  const std::string human = read_file(kHuman);
  EXPECT_EQ(refusal(human.substr(0, human.size() / 2)), cut);
  EXPECT_EQ(refusal(human.substr(0, human.size() - 3)), cut);
  EXPECT_EQ(refusal(kGzip.substr(0, 2)), cut);
  for (const size_t size : {4, 5, 20, 58}) EXPECT_EQ(refusal(kZstd.substr(0, size)), cut) << size;
  const std::string stored = stored_zstd(std::string(500000, 'A'));
  EXPECT_EQ(refusal(stored.substr(0, 300000)), cut);
  EXPECT_EQ(refusal(kZstd + kZstd.substr(0, 30)), cut);
}

TEST_F(TextLinesTest, of_packed_data_that_is_damaged_are_refused) {
  std::string human = read_file(kHuman);
  human[human.size() - 8] ^= 1;  // the checksum
  EXPECT_EQ(refusal(human), ": damaged: incorrect data check");
  std::string zstd = kZstd;
  zstd.back() ^= 1;
  EXPECT_EQ(refusal(zstd), ": damaged: Restored data doesn't match checksum");
  EXPECT_EQ(refusal(kZstd + "more"), ": damaged: Unknown frame descriptor");
}

TEST_F(TextLinesTest, of_packed_data_with_one_wrong_byte_are_refused_or_the_same) {
  const auto file = folder_.path() / "x";
  for (const std::string& bytes : {kGzip, kZstd})
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string wrong = bytes;
      wrong[i] = static_cast<char>(~wrong[i]);
      std::ofstream(file, std::ios::binary) << wrong;
      std::string text = kText;
      refusal_of([&] { text = all_of(file); });
      EXPECT_EQ(text, kText) << i;
    }
}

TEST_F(TextLinesTest, of_a_zstd_window_that_would_fill_the_memory_are_refused) {
  EXPECT_EQ(refusal("\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00"s),
            ": damaged: Frame requires too much memory for decoding");
}

TEST_F(TextLinesTest, of_other_packings_are_refused_by_name) {
  const std::string should = ", should be plain, gzip or zstd";
  EXPECT_EQ(refusal("BZh91AY&SY"), ": cannot read: packed as bzip2" + should);
  EXPECT_EQ(refusal("\xfd\x37\x7a\x58\x5a\x00\x00"s), ": cannot read: packed as xz" + should);
  EXPECT_EQ(refusal("PK\x03\x04"), ": cannot read: packed as zip" + should);
}

TEST_F(TextLinesTest, of_what_is_no_text_are_refused) {
  EXPECT_EQ(refusal("ab\nc\0d\n"s), ":2: byte 0x00 in column 2: this is no text file");
  EXPECT_EQ(refusal("\x7f"
                    "ELF"),
            ":1: byte 0x7f in column 1: this is no text file");
  std::string late(300000, 'A');
  late += '\x1b';
  EXPECT_EQ(refusal(late), ":1: byte 0x1b in column 300001: this is no text file");
  EXPECT_EQ(refusal("ab\rcd\n"),
            ":1: carriage return inside a line: lines should end in LF or CRLF");
  EXPECT_EQ(all("a\tb\fc\vd\xC3\xA4\n"), "a\tb\fc\vd\xC3\xA4\n");
}

TEST_F(TextLinesTest, that_would_fill_the_memory_are_refused) {
  const auto file = folder_.write("x", "abc\nabcd\n");
  TextLines lines(file, 3);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(refusal_of([&] { lines.next(line); }),
            file.string() + ":2: line is longer than 3 bytes");
}

TEST_F(TextLinesTest, of_what_cannot_be_opened_are_refused) {
  const std::string path = folder_.path().string();
  EXPECT_EQ(refusal_of([&] { all_of(path); }), path + ": cannot read: Is a directory");
  EXPECT_EQ(refusal_of([&] { all_of(path + "/none"); }),
            path + "/none: cannot read: No such file or directory");
}

}  // namespace
}  // namespace facet
