// Byte-level byte-pair encoding: texts to token ids and back, as Hugging Face's tokenizers does it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "added_tokens.h"
#include "merges.h"
#include "pre_tokenizer.h"

namespace facet::layers {

/// What a tokenizer is made of; whoever fills it has checked it.
struct BpeParts {
  /// The raw string of each id, added tokens included; no two are equal. Fewer than 2^31.
  std::vector<std::string> tokens = {};
  std::vector<Merge> merges = {};
  std::vector<AddedToken> added = {};
  PreTokenizer pre_tokenizer;
  bool ignore_merges = false;  ///< a piece that is a token is that token, merged or not
  std::vector<int64_t> begin = {}, end = {};  ///< ids before and after each single text
};

/// A byte-level BPE tokenizer. It is not changed by use: any number of threads may share it.
class Bpe {
 public:
  explicit Bpe(BpeParts parts);
  ~Bpe();
  Bpe(Bpe&&) noexcept;
  Bpe& operator=(Bpe&&) noexcept;

  /// The ids of a text, those of added tokens that it spells out among them; begin() and end() are
  /// not put around it. A byte that the vocabulary has no letter for is left out, as `tokenizers`
  /// does without an unk_token.
  ///
  /// where   stands in front of messages: "llama: text 3"
  /// throws  UserError "where: byte 17 is 0xC3: not valid UTF-8", from byte 0
  std::vector<int64_t> encode(std::string_view text, const std::string& where) const;

  /// The bytes that the tokens stand for, with U+FFFD for each maximal part that is not UTF-8;
  /// added tokens are written out. UserError "where: id 70000: ..." of an id outside the
  /// vocabulary.
  std::string decode(std::span<const int64_t> ids, const std::string& where) const;

  int64_t vocabulary() const { return static_cast<int64_t>(tokens_.size()); }
  /// The token as the file has it: "Ġthe". An id outside of the vocabulary is a bug.
  const std::string& raw(int64_t id) const;
  const std::vector<std::string>& tokens() const { return tokens_; }
  /// The id of a raw string, or -1.
  int64_t id_of(const std::string& raw) const;
  /// Whether the token is an added one that is flagged special.
  bool special(int64_t id) const;
  /// What the post-processor puts before and after a single text.
  const std::vector<int64_t>& begin() const { return begin_; }
  const std::vector<int64_t>& end() const { return end_; }

 private:
  struct Cache;
  void encode_piece(std::string_view piece, Cache& cache, std::vector<int64_t>& out) const;

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> id_of_;
  std::array<int32_t, 256> letter_;  // the token of each byte; -1: none
  std::vector<uint8_t> special_;     // [v]
  Merges merges_;
  AddedTokens added_;
  PreTokenizer pre_tokenizer_;
  bool ignore_merges_;
  std::vector<int64_t> begin_, end_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace facet::layers
