// Tokens that are recognised as they stand in a text, before anything is merged.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace facet::layers {

struct AddedToken {
  int64_t id = -1;
  std::string content;
  bool takes_left_space = false;   ///< lstrip: the white space in front belongs to the token
  bool takes_right_space = false;  ///< rstrip
  /// Tokens that are looked for after normalising; there is no normalising here, but they are found
  /// only in what the others leave.
  bool after_others = false;
  bool special = false;
};

/// Finds added tokens: the leftmost first, of those that start together the longest.
/// source: huggingface/tokenizers 0.23, added_vocabulary.rs.
class AddedTokens {
 public:
  explicit AddedTokens(const std::vector<AddedToken>& tokens);

  using OnText = std::function<void(std::string_view text)>;
  using OnToken = std::function<void(int64_t id)>;
  /// Gives tokens, and the texts between them, from left to right. No text is empty.
  void split(std::string_view text, const OnText& on_text, const OnToken& on_token) const;

 private:
  using ByFirstByte = std::array<std::vector<AddedToken>, 256>;  // each list: the longest first
  void split_by(const ByFirstByte& tokens, std::string_view text, const OnText& on_text,
                const OnToken& on_token) const;

  ByFirstByte first_, after_others_;
};

}  // namespace facet::layers
