// What reading a tokenizer refuses, and in which words.
#include "tokenizer_json.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"
#include "ggml_tokenizer.h"

namespace facet {
namespace {

using layers::Bpe;

const std::string kGood =
    R"({"added_tokens": [{"id": 4, "content": "<e>", "special": true, "normalized": false}],)"
    R"( "normalizer": null, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [)"
    R"({"type": "Split", "pattern": {"Regex": "b+"}, "behavior": "Isolated", "invert": false},)"
    R"( {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},)"
    R"( "post_processor": {"type": "TemplateProcessing", "single": [)"
    R"({"SpecialToken": {"id": "<e>"}}, {"Sequence": {"id": "A"}}],)"
    R"( "special_tokens": {"<e>": {"ids": [4]}}}, "decoder": {"type": "ByteLevel"},)"
    R"( "model": {"type": "BPE", "unk_token": null, "byte_fallback": false,)"
    R"( "vocab": {"a": 0, "aa": 2, "b": 1, "Ġ": 3}, "merges": ["a a"]}})";

struct Spoiling {
  std::string old, now;  ///< the first replaced by the second
  std::string refusal;   ///< without "FILE: " in front of each line
};

std::string refusal_of_json(const std::string& text) {
  const TemporaryFolder folder;
  const std::string file = folder.write("tokenizer.json", text).string();
  std::string said = refusal_of([&] { layers::read_tokenizer_json(file); });
  for (size_t at = said.find(file); at != std::string::npos; at = said.find(file))
    said.replace(at, file.size(), "F");
  return said;
}

void expect_refused(const Spoiling& spoiling) {
  std::string text = kGood;
  const size_t at = text.find(spoiling.old);
  ASSERT_NE(at, std::string::npos) << spoiling.old;
  text.replace(at, spoiling.old.size(), spoiling.now);
  EXPECT_EQ(refusal_of_json(text), spoiling.refusal) << spoiling.now;
}

TEST(TokenizerJson, takes_the_file_that_the_others_spoil) {
  EXPECT_EQ(refusal_of_json(kGood), "(no refusal)");
}

TEST(TokenizerJson, names_a_file_that_is_not_there_or_no_json) {
  EXPECT_EQ(refusal_of([] { layers::read_tokenizer_json("nowhere/tokenizer.json"); }),
            "nowhere/tokenizer.json: no such file");
  EXPECT_EQ(refusal_of_json("[1, 2]"), "F: list of 2, should be a table");
  for (size_t size = 0; size < kGood.size(); size += 7)
    EXPECT_EQ(refusal_of_json(kGood.substr(0, size)),
              "F:1:" + std::to_string(size + 1) + ": not valid JSON");
  const std::string twice = kGood.substr(0, kGood.size() - 1) + ", \"model\": {}}";
  EXPECT_EQ(refusal_of_json(twice), "F: key \"model\" stands twice in one object");
}

TEST(TokenizerJson, names_the_parts_it_does_not_know) {
  for (const Spoiling& spoiling : std::vector<Spoiling>{
           {"\"BPE\"", "\"WordPiece\"", "F: model.type: is \"WordPiece\", should be \"BPE\""},
           {"\"unk_token\": null", "\"unk_token\": \"a\"",
            "F: model.unk_token: is \"a\", should be null"},
           {"\"byte_fallback\": false", "\"byte_fallback\": true",
            "F: model.byte_fallback: is true, should be false"},
           {"\"unk_token\": null", "\"dropout\": 0.5, \"end_of_word_suffix\": \"</w>\"",
            "F: model.dropout: is 0.5, should be null\n"
            "F: model.end_of_word_suffix: is \"</w>\", should be \"\""},
           {"\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}",
            "F: normalizer: is {\"type\":\"NFC\"}, should be null"},
           {"\"decoder\": {\"type\": \"ByteLevel\"}", "\"decoder\": {\"type\": \"Metaspace\"}",
            "F: decoder.type: is \"Metaspace\", should be one of ByteLevel"},
           {"\"decoder\": {\"type\": \"ByteLevel\"},", "",
            "F: decoder.type: required, should be a string"},
           {"\"Split\"", "\"Whitespace\"",
            "F: pre_tokenizer.pretokenizers[0].type: is \"Whitespace\", should be one of "
            "Split,Digits"},
           {"\"ByteLevel\", \"add_prefix_space\"", "\"Digits\", \"add_prefix_space\"",
            "F: pre_tokenizer.pretokenizers[1].type: is \"Digits\", should be one of ByteLevel"},
           {"\"Sequence\", \"pretokenizers\"", "\"Metaspace\", \"pretokenizers\"",
            "F: pre_tokenizer.type: is \"Metaspace\", should be one of ByteLevel,Sequence"},
           {"\"Isolated\"", "\"Removed\"",
            "F: pre_tokenizer.pretokenizers[0].behavior: is \"Removed\", should be \"Isolated\""},
           {"\"invert\": false", "\"invert\": true",
            "F: pre_tokenizer.pretokenizers[0].invert: is true, should be false"},
           {"\"Regex\"", "\"String\"",
            "F: pre_tokenizer.pretokenizers[0].pattern.Regex: required, should be a string"},
           {"\"TemplateProcessing\"", "\"BertProcessing\"",
            "F: post_processor.type: is \"BertProcessing\", should be one of "
            "ByteLevel,TemplateProcessing,Sequence"},
       })
    expect_refused(spoiling);
}

TEST(TokenizerJson, names_the_expressions_it_cannot_follow) {
  const std::string where = "F: pre_tokenizer.pretokenizers[0].pattern.Regex: ";
  const std::string differs = ", which Oniguruma and PCRE2 read differently";
  for (const Spoiling& spoiling : std::vector<Spoiling>{
           {"b+", "(b+",
            where + "does not compile: missing closing parenthesis at offset 3 of \"(b+\""},
           {"b+", R"(\\w+)", where + R"(has \w)" + differs},
           {"b+", R"(a\\b)", where + R"(has \b)" + differs},
           {"b+", "[[:alpha:]]", where + "has [ in a class" + differs},
           {"b+", "[a-z&&[^b]]", where + "has && in a class" + differs},
       })
    expect_refused(spoiling);
  std::string fine = kGood;
  EXPECT_EQ(refusal_of_json(fine.replace(fine.find("b+"), 2, R"([\\[b\\]&]\\\\w)")),
            "(no refusal)");
}

TEST(TokenizerJson, names_ids_that_contradict_each_other) {
  for (const Spoiling& spoiling : std::vector<Spoiling>{
           {"\"b\": 1", "\"b\": 2", "F: model.vocab: \"b\": is 2, which is \"aa\" too"},
           {"\"b\": 1", "\"b\": 9000000000",
            "F: model.vocab: \"b\": is 9000000000, should be below 5, the number of tokens"},
           {"\"b\": 1", "\"b\": -1",
            "F: model.vocab: \"b\": is -1, should be below 5, the number of tokens"},
           {"\"b\": 1", "\"b\": \"1\"",
            "F: model.vocab: \"b\": string \"1\", should be an integer"},
           {"\"b\": 1", "\"\": 1", "F: model.vocab: \"\": should be no token"},
           {"\"vocab\": {\"a\": 0, \"aa\": 2, \"b\": 1, \"Ġ\": 3}", "\"vocab\": [\"a\"]",
            "F: model.vocab: list of 1, should be a table\n"
            "F: added_tokens[0].id: is 4, should be below 1, the number of tokens"},
           {"\"id\": 4", "\"id\": 5",
            "F: added_tokens[0].id: is 5, should be below 5, the number of tokens"},
           {"\"id\": 4", "\"id\": 3", "F: added_tokens[0].id: is 3, which is \"Ġ\" too"},
           {"\"id\": 4", "\"id\": 4.5", "F: added_tokens[0].id: number 4.5, should be an integer"},
           {"{\"id\": 4, \"content\": \"<e>\"", "{\"id\": 1, \"content\": \"a\"",
            "F: added_tokens[0].id: is 1, should be 0 as in model.vocab"},
           {"\"content\": \"<e>\"", "\"content\": \"\"",
            "F: added_tokens[0].content: is \"\", should be a text"},
           {"\"special\": true", "\"special\": 1",
            "F: added_tokens[0].special: integer 1, should be true or false"},
           {"\"special\": true", "\"single_word\": true",
            "F: added_tokens[0].single_word: is true, should be false"},
           {"[4]", "[5]",
            "F: post_processor.special_tokens.<e>.ids[0]: is 5, should be the id of a token"},
           {"[4]", "[\"4\"]",
            "F: post_processor.special_tokens.<e>.ids[0]: string \"4\", should be an integer"},
           {"\"id\": \"A\"", "\"id\": \"B\"",
            "F: post_processor.single[1].Sequence.id: is \"B\", should be \"A\""},
           {"{\"SpecialToken\": {\"id\": \"<e>\"}}", "{\"Sequence\": {\"id\": \"A\"}}",
            "F: post_processor.single[1].Sequence: is a second text, should be one"},
           {", {\"Sequence\": {\"id\": \"A\"}}", "", "F: post_processor.single: has no text \"A\""},
       })
    expect_refused(spoiling);
}

TEST(TokenizerJson, names_merges_that_make_no_sense) {
  const std::string two = ", should be \"a b\" or [\"a\", \"b\"], two tokens";
  for (const Spoiling& spoiling : std::vector<Spoiling>{
           {"[\"a a\"]", "[\"a a\", \"a c\"]",
            "F: model.merges[1]: \"c\" is not in the vocabulary"},
           {"[\"a a\"]", "[[\"a\", \"b\"]]",
            "F: model.merges[0]: makes \"ab\", which is not in the vocabulary"},
           {"[\"a a\"]", "[\"a a a\"]", "F: model.merges[0]: string \"a a a\"" + two},
           {"[\"a a\"]", "[\"aa\"]", "F: model.merges[0]: string \"aa\"" + two},
           {"[\"a a\"]", "[[\"a\"]]", "F: model.merges[0]: list of 1" + two},
           {"[\"a a\"]", "[7]", "F: model.merges[0]: integer 7" + two},
           {"[\"a a\"]", "{}", "F: model.merges: table of 0 keys, should be a list"},
       })
    expect_refused(spoiling);
}

TEST(TokenizerJson, says_all_that_is_wrong_with_the_parts_at_once) {
  std::string text = kGood;
  text.replace(text.find("\"BPE\""), 5, "\"Unigram\"");
  text.replace(text.find("b+"), 2, "b**");
  text.replace(text.find("\"b\": 1"), 6, "\"b\": 8");
  const std::string said = refusal_of_json(text);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2) << said;
}

TEST(GgmlTokenizer, names_what_contradicts_itself) {
  const layers::GgmlTokenizer good{.tokens = {"a", "b", "ab", "<e>"},
                                   .token_type = {1, 1, 1, 3},
                                   .merges = {"a b"},
                                   .pre = "gpt-2",
                                   .begin = {3}};
  const auto said = [&](auto&& spoil) {
    layers::GgmlTokenizer given = good;
    spoil(given);
    return refusal_of([&] { layers::make_ggml_tokenizer(given, "F"); });
  };
  EXPECT_EQ(said([](auto&) {}), "(no refusal)");
  EXPECT_EQ(said([](auto& t) { t.pre = "qwen2"; }),
            "F: tokenizer.ggml.pre: is \"qwen2\", should be one of gpt-2, llama-bpe, llama-v3, "
            "llama3, smollm");
  EXPECT_EQ(said([](auto& t) { t.token_type.pop_back(); }),
            "F: tokenizer.ggml.token_type: has 3 entries, should have one for each of 4 tokens");
  EXPECT_EQ(said([](auto& t) { t.token_type[2] = 7; }),
            "F: tokenizer.ggml.token_type[2]: is 7, should be 1 to 6");
  EXPECT_EQ(said([](auto& t) { t.tokens[3] = ""; }),
            "F: tokenizer.ggml.tokens[3]: is \"\", should be a text");
  EXPECT_EQ(said([](auto& t) { t.tokens[1] = "a", t.merges.clear(); }),
            "F: tokenizer.ggml.tokens[1]: is \"a\", which is token 0");
  EXPECT_EQ(said([](auto& t) { t.merges.push_back("a c"); }),
            "F: tokenizer.ggml.merges[1]: \"c\" is not in the vocabulary");
  EXPECT_EQ(said([](auto& t) { t.merges[0] = "ab"; }),
            "F: tokenizer.ggml.merges[0]: is \"ab\", should be two tokens with a space between "
            "them");
  EXPECT_EQ(said([](auto& t) { t.begin = {4}, t.end = {-1}; }),
            "F: tokenizer.ggml.bos_token_id: is 4, should be below 4\n"
            "F: tokenizer.ggml.eos_token_id: is -1, should be below 4");
}

}  // namespace
}  // namespace facet
