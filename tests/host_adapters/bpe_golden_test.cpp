// Byte-level BPE beside tokenizers 0.23.3: ids and decoded texts, equal everywhere.
#include <facet/value.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "ggml_tokenizer.h"
#include "host_adapters/packed_golden.h"
#include "tokenizer_json.h"

namespace facet {
namespace {

using layers::Bpe;

const std::string kSmall = FACET_TEST_DATA "/tokenizers/small.json";
const std::string kLlamaTiny = FACET_TEST_DATA "/llama_tiny/tokenizer.json";

void expect_ids_of_strings(const Bpe& bpe, const std::string& name) {
  PackedGolden strings("strings.zst"), golden(name + ".zst");
  int64_t count = 0, wrong = 0;
  for (; strings.more(); ++count) {
    const std::string text = strings.text();
    if (bpe.encode(text, "text") == golden.ids()) continue;
    if (++wrong < 5) ADD_FAILURE() << name << ", string " << count << ": \"" << text << "\"";
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(count, 10000);
  EXPECT_FALSE(golden.more());
}

void expect_texts_of_ids(const Bpe& bpe, const std::string& name) {
  for (PackedGolden golden(name + ".decoded.zst"); golden.more();) {
    const std::vector<int64_t> ids = golden.ids();
    EXPECT_EQ(bpe.decode(ids, "text"), golden.text());
  }
}

void expect_awkward_strings(const Bpe& bpe, const std::string& name) {
  const Value golden = parse_json(unpacked("awkward.json.zst"), "awkward.json");
  for (const Value& one : golden.at("tokenizers").array(name)) {
    std::vector<int64_t> ids = bpe.begin(), should;
    const std::vector<int64_t> inner = bpe.encode(one.text("text"), "text");
    ids.insert(ids.end(), inner.begin(), inner.end());
    ids.insert(ids.end(), bpe.end().begin(), bpe.end().end());
    for (const Value& id : one.array("ids")) should.push_back(*id.as<int64_t>());
    EXPECT_EQ(ids, should) << one.text("text");
    EXPECT_EQ(bpe.decode(inner, "text"), one.text("decoded"));
  }
}

TEST(BpeGolden, llama_3s_kind_equals_tokenizers) {
  const Bpe bpe = layers::read_tokenizer_json(kLlamaTiny);
  EXPECT_EQ(bpe.vocabulary(), 1030);
  EXPECT_EQ(bpe.begin(), std::vector<int64_t>{1024});
  EXPECT_TRUE(bpe.end().empty());
  expect_awkward_strings(bpe, "llama_tiny");
  expect_ids_of_strings(bpe, "llama_tiny");
  expect_texts_of_ids(bpe, "llama_tiny");
}

TEST(BpeGolden, smollm2s_kind_equals_tokenizers) {
  const Bpe bpe = layers::read_tokenizer_json(kSmall);
  EXPECT_TRUE(bpe.begin().empty());
  expect_ids_of_strings(bpe, "small");
  expect_texts_of_ids(bpe, "small");
}

TEST(BpeGolden, smollm2_equals_tokenizers) {
  const char* folder = std::getenv("FACET_SMOLLM2");
  if (!folder)
    GTEST_SKIP() << "FACET_SMOLLM2 is not set: it should name a folder with the tokenizer.json of "
                    "SmolLM2-135M-Instruct; scripts/fetch_smollm2 makes one";
  const auto bpe = layers::read_tokenizer_json(std::filesystem::path(folder) / "tokenizer.json");
  EXPECT_EQ(bpe.vocabulary(), 49152);
  expect_awkward_strings(bpe, "smollm2");
}

/// What a GGUF file says of the tokenizer in a tokenizer.json whose added tokens are plain.
layers::GgmlTokenizer ggml_of(const std::string& file, const std::string& pre) {
  const Value json = parse_json(read_file(file), file);
  layers::GgmlTokenizer out{.pre = pre};
  const Value::Array& added = json.array("added_tokens");
  const Value::Table& vocabulary = json.at("model").table("vocab");
  out.tokens.resize(vocabulary.size() + added.size());
  out.token_type.resize(out.tokens.size(), 1);
  for (const auto& [token, id] : vocabulary)
    out.tokens[static_cast<size_t>(*id.as<int64_t>())] = token;
  for (const Value& token : added) {
    out.tokens[static_cast<size_t>(token.integer("id"))] = token.text("content");
    out.token_type[static_cast<size_t>(token.integer("id"))] = 3;
  }
  for (const Value& merge : json.at("model").array("merges")) {
    const Value::Array& pair = *merge.as<Value::Array>();
    out.merges.push_back(*pair[0].as<std::string>() + " " + *pair[1].as<std::string>());
  }
  return out;
}

TEST(BpeGolden, gguf_metadata_make_the_same_tokenizer) {
  for (const char* pre : {"llama-bpe", "llama3", "llama-v3"}) {
    const Bpe bpe = layers::make_ggml_tokenizer(ggml_of(kLlamaTiny, pre), "tiny.gguf");
    EXPECT_TRUE(bpe.special(1024));
    expect_ids_of_strings(bpe, "llama_tiny");
  }
}

}  // namespace
}  // namespace facet
