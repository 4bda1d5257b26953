// What a byte-level BPE promises beyond the ids of its golden files.
#include "bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "expect_refusal.h"
#include "tokenizer_json.h"
#include "utf8.h"

namespace facet {
namespace {

using layers::Bpe;
using layers::Expression;
using Ids = std::vector<int64_t>;

Bpe llama_tiny() {
  return layers::read_tokenizer_json(FACET_TEST_DATA "/llama_tiny/tokenizer.json");
}

TEST(Bpe, names_the_byte_where_a_text_stops_being_utf_8) {
  const Bpe bpe = llama_tiny();
  const auto said = [&](const std::string& text) {
    return refusal_of([&] { bpe.encode(text, "llama: text 3"); });
  };
  EXPECT_EQ(said("ab\xC3"), "llama: text 3: byte 2 is 0xC3: not valid UTF-8");
  EXPECT_EQ(said("\xE2\x82"), "llama: text 3: byte 0 is 0xE2: not valid UTF-8");
  EXPECT_EQ(said("a\xED\xA0\x80"), "llama: text 3: byte 1 is 0xED: not valid UTF-8");
  EXPECT_EQ(said("\xC0\x80"), "llama: text 3: byte 0 is 0xC0: not valid UTF-8");
  EXPECT_EQ(said("\xF4\x90\x80\x80"), "llama: text 3: byte 0 is 0xF4: not valid UTF-8");
  EXPECT_EQ(said("\xF4\x8F\xBF\xBF\xEF\xBF\xBF"), "(no refusal)");
}

TEST(Bpe, tells_tokens_and_refuses_ids_that_are_none) {
  const Bpe bpe = llama_tiny();
  EXPECT_EQ(bpe.raw(258), "Ġthe");
  EXPECT_EQ(bpe.id_of("Ġthe"), 258);
  EXPECT_EQ(bpe.id_of("no such token"), -1);
  EXPECT_TRUE(bpe.special(1024));
  EXPECT_FALSE(bpe.special(258));
  EXPECT_FALSE(bpe.special(-1));
  EXPECT_EQ(refusal_of([&] {
              bpe.decode(Ids{1, 1030}, "text 1");
            }),
            "text 1: id 1030: not in the vocabulary of 1030 tokens");
  EXPECT_EQ(refusal_of([&] { bpe.decode(Ids{-1}, "text 1"); }),
            "text 1: id -1: not in the vocabulary of 1030 tokens");
}

TEST(Bpe, encodes_a_megabyte_of_one_piece) {
  const Bpe bpe = llama_tiny();
  const std::string run(1 << 20, 'a'), spaces(1 << 20, ' ');
  EXPECT_EQ(bpe.decode(bpe.encode(run, "text"), "text"), run);
  EXPECT_EQ(bpe.decode(bpe.encode(spaces, "text"), "text"), spaces);
}

TEST(Bpe, gives_several_threads_the_same_ids) {
  const Bpe bpe = llama_tiny();
  const std::string text = "In the beginning <|eot_id|> of the 1234 earth";
  const Ids alone = bpe.encode(text, "text");
  std::vector<Ids> seen(4);
  std::vector<std::thread> threads;
  for (Ids& ids : seen)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) ids = bpe.encode(text, "text");
    });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : seen) EXPECT_EQ(ids, alone);
}

/// A tokenizer of single letters whose added tokens are given.
Bpe bpe_of_letters(const std::vector<layers::AddedToken>& added,
                   layers::PreTokenizer::Prefix prefix) {
  layers::BpeParts parts{.pre_tokenizer = {{}, prefix, std::nullopt}};
  parts.tokens = {"a", "b", "Ġ"};
  parts.added = added;
  for (layers::AddedToken& token : parts.added) {
    token.id = static_cast<int64_t>(parts.tokens.size());
    parts.tokens.push_back(token.content);
  }
  return Bpe(std::move(parts));
}

TEST(Bpe, finds_the_longest_added_token_and_the_space_that_belongs_to_it) {
  const Bpe bpe = bpe_of_letters({{.content = "<a>"},
                                  {.content = "<a>b", .takes_left_space = true},
                                  {.content = "b<", .after_others = true},
                                  {.content = "<b>", .takes_right_space = true}},
                                 layers::PreTokenizer::Prefix::none);
  EXPECT_EQ(bpe.encode("a <a>", "text"), (Ids{0, 2, 3}));
  EXPECT_EQ(bpe.encode("a \u3000<a>ba", "text"), (Ids{0, 4, 0}));
  EXPECT_EQ(bpe.encode("b<b> \t<a>b", "text"), (Ids{1, 6, 4}));
  EXPECT_EQ(bpe.encode("ab<a", "text"), (Ids{0, 5, 0}));
  EXPECT_EQ(bpe.encode("\u00e9<", "text"), Ids{});  // no letters for these
}

TEST(Bpe, puts_a_space_in_front_of_each_text_between_added_tokens) {
  const Bpe bpe = bpe_of_letters({{.content = "<a>"}}, layers::PreTokenizer::Prefix::space);
  EXPECT_EQ(bpe.encode("a<a>b<a> b", "text"), (Ids{2, 0, 3, 2, 1, 3, 2, 1}));
}

std::vector<std::string> pieces_of(const std::string& pattern, const std::string& text) {
  std::vector<std::string> out;
  layers::PreTokenizer({Expression(pattern, "F")}, layers::PreTokenizer::Prefix::none, {})
      .split(text, [&](std::string_view piece) { out.emplace_back(piece); });
  return out;
}

TEST(Expression, splits_as_oniguruma_does) {  // the pieces are those of tokenizers 0.23.3
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(pieces_of("x*", "axxbc"), (Pieces{"a", "xx", "b", "c"}));
  EXPECT_EQ(pieces_of("^a", "a\na\nba\n"), (Pieces{"a", "\n", "a", "\nba\n"}));
  EXPECT_EQ(pieces_of("(?<=a)", "aab"), (Pieces{"a", "a", "b"}));
  EXPECT_EQ(pieces_of(".", "\r\n\u2028\n"), (Pieces{"\r", "\n", "\u2028", "\n"}));
  EXPECT_EQ(pieces_of("\\s", "\u180e "), (Pieces{"\u180e", " "}));
  EXPECT_EQ(pieces_of("\\p{L}+", "a\U00031350b\U0001FAE8"), (Pieces{"a\U00031350b", "\U0001FAE8"}));
}

TEST(Expression, says_that_it_gave_up) {
  EXPECT_EQ(refusal_of([] { pieces_of("(?:a|aa)+[xy]", std::string(100, 'a')); }),
            "F: \"(?:a|aa)+[xy]\" gave up at byte 0: match limit exceeded");
}

TEST(Utf8, shows_broken_parts_as_replacement_characters) {
  const std::string broken = "\uFFFD";
  EXPECT_EQ(layers::without_broken_utf8("a\xE2\x82z\xF0\x9F\x98\xC3\xA9\xED\xA0\x80\xFF"),
            "a" + broken + "z" + broken + "é" + broken + broken + broken + broken);
}

}  // namespace
}  // namespace facet
