// GGUF files beside the gguf package, and every way of refusing one.
#include "llama/gguf_file.h"

#include <facet/safetensors.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"
#include "host_adapters/gguf_bytes.h"

namespace facet {
namespace {

using llama::GgufFile;

const std::string kGguf = FACET_TEST_DATA "/gguf/tiny.gguf";

TEST(GgufFile, dequantises_every_type_as_the_gguf_package_does) {
  const GgufFile file(kGguf);
  const Safetensors golden(FACET_TEST_DATA "/gguf/tiny.safetensors");
  EXPECT_EQ(file.names(), golden.names());
  for (const std::string& name : golden.names()) {
    EXPECT_EQ(file.sizes(name), golden.sizes(name));
    EXPECT_TRUE(torch::equal(file.tensor(name), golden.tensor(name))) << name;
  }
  EXPECT_EQ(file.type("q4_1.weight"), "Q4_1");
  EXPECT_EQ(file.type("norm"), "F32");
}

TEST(GgufFile, reads_metadata_of_every_type) {
  const GgufFile file(kGguf);
  const Value& metadata = file.metadata();
  EXPECT_EQ(metadata.text("general.architecture"), "llama");
  EXPECT_EQ(metadata.integer("general.alignment"), 64);
  EXPECT_EQ(metadata.integer("one.uint8"), 200);
  EXPECT_EQ(metadata.integer("one.int8"), -100);
  EXPECT_EQ(metadata.integer("one.uint16"), 60000);
  EXPECT_EQ(metadata.integer("one.int16"), -30000);
  EXPECT_EQ(metadata.integer("one.uint32"), 4000000000);
  EXPECT_EQ(metadata.integer("one.int32"), -2000000000);
  EXPECT_EQ(metadata.number("one.uint64"), 9227875636482146304.0);
  EXPECT_EQ(metadata.integer("one.int64"), -(int64_t{1} << 62));
  EXPECT_EQ(metadata.number("one.float32"), 1e-5f);
  EXPECT_EQ(metadata.number("one.float64"), 0.1);
  EXPECT_TRUE(metadata.flag("one.bool"));
  EXPECT_EQ(metadata.text("one.string"), "Ġthe");
  EXPECT_EQ(file.strings("tokenizer.ggml.tokens"), (std::vector<std::string>{"Ġthe", "a", ""}));
  EXPECT_EQ(file.integers("tokenizer.ggml.token_type"), (std::vector<int64_t>{1, 3, 1}));
  EXPECT_EQ(file.numbers("tokenizer.ggml.scores"), (std::vector<double>{0.5, -1.5, 0}));
  EXPECT_TRUE(file.has_key("tokenizer.ggml.scores") && file.has_key("one.bool"));
  EXPECT_FALSE(file.has_key("tokenizer.ggml.pre"));
}

TEST(GgufFile, names_what_it_does_not_have) {
  const GgufFile file(kGguf);
  EXPECT_EQ(refusal_of([&] { file.metadata().integer("one.uint88"); }),
            kGguf + ": one.uint88: missing (did you mean \"one.uint8\"?)");
  EXPECT_EQ(refusal_of([&] { file.strings("tokenizer.ggml.merges"); }),
            kGguf + ": tokenizer.ggml.merges: missing");
  EXPECT_EQ(refusal_of([&] { file.strings("one.bool"); }),
            kGguf + ": one.bool: is no array of texts");
  EXPECT_EQ(refusal_of([&] { file.integers("tokenizer.ggml.tokens"); }),
            kGguf + ": tokenizer.ggml.tokens: is no array of integers");
  EXPECT_EQ(refusal_of([&] { file.numbers("tokenizer.ggml.tokens"); }),
            kGguf + ": tokenizer.ggml.tokens: is no array of floating-point numbers");
  EXPECT_EQ(refusal_of([&] { file.tensor("nork"); }),
            kGguf + ": no tensor \"nork\" (did you mean \"norm\"?)");
  EXPECT_EQ(refusal_of([&] {
              file.tensor("f32.weight", {64, 3});
            }),
            kGguf + ": f32.weight: is [3, 64], should be [64, 3]");
  EXPECT_EQ(refusal_of([] { GgufFile("nowhere.gguf"); }), "nowhere.gguf: no such file");
}

/// What reading a file of these bytes refuses, without its path in front.
class GgufRefusal {
 public:
  std::string of(const std::string& bytes) const {
    const std::string file = (folder_.path() / "x.gguf").string();
    std::ofstream(file, std::ios::binary) << bytes;
    const std::string said = refusal_of([&] { GgufFile gguf(file); });
    return said.starts_with(file + ": ") ? said.substr(file.size() + 2) : said;
  }
  std::string of(const GgufBytes& gguf) const { return of(gguf.bytes()); }

 private:
  TemporaryFolder folder_;
};

const std::string kTaken = "(no refusal)";

/// One tensor "w" after no metadata, and `data` bytes of data.
GgufBytes one_tensor(const std::vector<uint64_t>& sizes, uint32_t type, uint64_t offset,
                     size_t data) {
  return GgufBytes().header(3, 1, 0).tensor("w", sizes, type, offset).data(data);
}

TEST(GgufFile, names_what_makes_a_file_none_of_its_versions) {
  const GgufRefusal refusal;
  EXPECT_EQ(refusal.of(""), "does not begin with \"GGUF\"");
  EXPECT_EQ(refusal.of("GGU"), "does not begin with \"GGUF\"");
  EXPECT_EQ(refusal.of("PK\x03\x04, and more"), "does not begin with \"GGUF\"");
  for (const uint32_t version : {0, 1, 4})
    EXPECT_EQ(refusal.of(GgufBytes().header(version, 0, 0)),
              "is GGUF of version " + std::to_string(version) + ", should be 2 or 3");
  EXPECT_EQ(refusal.of(GgufBytes().header(0x03000000, 0, 0)),
            "is big-endian, should be little-endian");
  EXPECT_EQ(refusal.of(GgufBytes().header(2, 0, 0)), kTaken);
}

TEST(GgufFile, names_counts_and_lengths_beyond_the_file) {
  const GgufRefusal refusal;
  const std::string huge = "18446744073709551615";
  EXPECT_EQ(refusal.of(GgufBytes().header(3, UINT64_MAX, 0)),
            "cut short: header has " + huge + " tensors, and 8 bytes are left");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1)),
            "cut short: header has 1 metadata entries, and 0 bytes are left");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).put(UINT64_MAX).data(0, 64)),
            "cut short: a key of the metadata has " + huge + " bytes, and 32 bytes are left");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 8).put(UINT64_MAX)),
            "cut short: k has " + huge + " bytes, and 0 bytes are left");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 9).put(8u).put(UINT64_MAX)),
            "cut short: k has " + huge + " elements, and 0 bytes are left");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 12).put(1.0f)),
            "cut short: k needs 8 bytes, and 4 are left");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 1, 0).put(UINT64_MAX).data(0, 64)),
            "cut short: the name of a tensor has " + huge + " bytes, and 32 bytes are left");
}

TEST(GgufFile, names_metadata_that_make_no_sense) {
  const GgufRefusal refusal;
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 13).put(0)),
            "k: type 13 is unknown, should be 0 to 12");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 9).put(99u).put(uint64_t{0})),
            "k: type 99 is unknown, should be 0 to 12");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 9).put(9u).put(uint64_t{0})),
            "k: is an array of arrays, should be one of numbers or texts");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("k", 7).put(uint8_t{2})),
            "k: is 2, should be 0 or 1");
  EXPECT_EQ(
      refusal.of(GgufBytes().header(3, 0, 1).key("k", 9).put(10u).put(uint64_t{1}).put(UINT64_MAX)),
      "k: element 0 exceeds the largest int64");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 2).key("k", 4).put(1u).key("k", 8).text("again")),
            "key \"k\" stands twice");
  for (const uint32_t alignment : {0u, 4u, 48u, 1u << 31})
    EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("general.alignment", 4).put(alignment)),
              "general.alignment: integer " + std::to_string(alignment) +
                  ", should be a power of 2 from 8 to 2^30");
  EXPECT_EQ(refusal.of(GgufBytes().header(3, 0, 1).key("general.alignment", 8).text("32")),
            "general.alignment: string \"32\", should be a power of 2 from 8 to 2^30");
}

TEST(GgufFile, names_tensors_that_make_no_sense) {
  const GgufRefusal refusal;
  const std::string read = " is not read, should be one of F32, F16, BF16, Q8_0, Q4_0, Q4_1";
  EXPECT_EQ(refusal.of(one_tensor({4, 2}, 0, 0, 32)), kTaken);
  EXPECT_EQ(refusal.of(one_tensor({256}, 12, 0, 144)), "w: type Q4_K" + read);
  EXPECT_EQ(refusal.of(one_tensor({256}, 4, 0, 144)), "w: type 4" + read);
  EXPECT_EQ(refusal.of(one_tensor({256}, 4000000000, 0, 144)), "w: type 4000000000" + read);
  EXPECT_EQ(refusal.of(one_tensor({}, 0, 0, 32)), "w: has 0 dimensions, should have 1 to 4");
  EXPECT_EQ(refusal.of(one_tensor({1, 1, 1, 1, 1}, 0, 0, 32)),
            "w: has 5 dimensions, should have 1 to 4");
  EXPECT_EQ(refusal.of(one_tensor({4, 0}, 0, 0, 32)), "w: dimension 1 is 0, should be at least 1");
  EXPECT_EQ(refusal.of(one_tensor({1ull << 32, 1ull << 31}, 0, 0, 32)),
            "w: has more elements than an int64 counts");
  EXPECT_EQ(refusal.of(one_tensor({1ull << 31, 1ull << 31}, 0, 0, 23)),
            "w: its 4611686018427387904 blocks of 4 bytes at 0 exceed the file's 119");
  EXPECT_EQ(refusal.of(one_tensor({4}, 0, UINT64_MAX - 31, 32)),
            "w: its 4 blocks of 4 bytes at 18446744073709551584 exceed the file's 96");
  EXPECT_EQ(refusal.of(one_tensor({48, 2}, 8, 0, 102)),
            "w: has rows of 48, should be a multiple of 32 for Q8_0");
  EXPECT_EQ(refusal.of(one_tensor({4}, 0, 16, 64)), "w: begins at 16, should be a multiple of 32");
  EXPECT_EQ(refusal.of(one_tensor({4, 2}, 0, 32, 63)), "w: ends at byte 160, the file has 159");
}

TEST(GgufFile, names_tensors_that_stand_twice_or_overlap) {
  const GgufRefusal refusal;
  const auto two = [](const std::string& second, uint64_t offset) {
    return GgufBytes()
        .header(3, 2, 0)
        .tensor("w", {16}, 0, 0)
        .tensor(second, {8}, 0, offset)
        .data(96);
  };
  EXPECT_EQ(refusal.of(two("v", 64)), kTaken);
  EXPECT_EQ(refusal.of(two("v", 32)), "v: overlaps w");
  EXPECT_EQ(refusal.of(two("w", 64)), "tensor \"w\" stands twice");
}

/// A file with something of everything; its header ends at kHeader.
constexpr size_t kHeader = 204;
std::string something_of_everything() {
  const GgufBytes header = GgufBytes()
                               .header(3, 2, 4)
                               .key("a", 8)
                               .text("text")
                               .key("b", 9)
                               .put(8u)
                               .put(uint64_t{2})
                               .text("x")
                               .text("y")
                               .key("c", 9)
                               .put(5u)
                               .put(uint64_t{1})
                               .put(7)
                               .key("d", 4)
                               .put(1u)
                               .tensor("w", {8}, 0, 0)
                               .tensor("v", {32}, 8, 32);
  EXPECT_EQ(header.bytes().size(), kHeader);
  return GgufBytes(header).data(66).bytes();
}

TEST(GgufFile, refuses_a_file_that_is_cut_at_any_byte) {
  const GgufRefusal refusal;
  const std::string whole = something_of_everything();
  EXPECT_EQ(refusal.of(whole), kTaken);
  for (size_t size = 0; size < whole.size(); size += size < kHeader ? 1 : 5) {
    const std::string said = refusal.of(whole.substr(0, size));
    if (size < 4)
      EXPECT_EQ(said, "does not begin with \"GGUF\"");
    else if (size < kHeader)
      EXPECT_TRUE(said.starts_with("cut short: ") || said.find(" exceed the file's ") + 1) << said;
    else
      EXPECT_TRUE(said.find(": ends at byte ") + 1) << said;
  }
}

TEST(GgufFile, survives_any_byte_of_its_header) {
  const GgufRefusal refusal;
  const std::string whole = something_of_everything();
  for (size_t at = 0; at < kHeader; ++at) {
    std::string spoiled = whole;
    spoiled[at] = at % 2 ? '\xFF' : '\x7F';
    refusal.of(spoiled);  // taken or a UserError; anything else ends the test
  }
}

}  // namespace
}  // namespace facet
