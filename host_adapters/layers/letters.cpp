// Turns letters into ids.
#include "letters.h"

#include <facet/torch.h>

#include <cctype>
#include <cstdio>

#include "facet/error.h"

namespace facet::layers {

Letters::Letters(std::string host, const std::vector<std::string>& vocabulary, int64_t begin,
                 int64_t end, int64_t unk, UnknownLetter unknown, LetterCase letter_case)
    : host_(std::move(host)),
      begin_(begin),
      end_(end),
      unk_(unk),
      unknown_(unknown),
      letter_case_(letter_case),
      of_letter_(256, -1) {
  for (size_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& token = vocabulary[id];
    if (token.size() == 1)
      of_letter_[static_cast<unsigned char>(token[0])] = static_cast<int64_t>(id);
    else if (!token.empty())
      longer_.emplace_back(token, static_cast<int64_t>(id));
  }
}

Tokens Letters::tokenize(std::span<const std::string> texts) const {
  std::vector<int64_t> ids, start = {0};
  std::vector<uint8_t> flags;
  const auto add = [&](int64_t id, RowFlag flag) {
    ids.push_back(id);
    flags.push_back(flag);
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    add(begin_, kSpecial);
    for (size_t at = 0; at < texts[i].size();) add(id_of(texts[i], at, i), kContent);
    add(end_, kSpecial);
    start.push_back(static_cast<int64_t>(ids.size()));
  }
  Tokens tokens;
  tokens.id = torch::tensor(ids, torch::kInt64);
  tokens.start = torch::tensor(start, torch::kInt64);
  tokens.sequence = torch::arange(static_cast<int64_t>(texts.size()), torch::kInt64);
  tokens.flag = torch::tensor(flags, torch::kUInt8);
  return tokens;
}

int64_t Letters::id_of(const std::string& text, size_t& at, size_t index) const {
  if (text[at] == '<')
    for (const auto& [token, id] : longer_)
      if (text.compare(at, token.size(), token) == 0) {
        at += token.size();
        return id;
      }
  auto letter = static_cast<unsigned char>(text[at++]);
  if (letter_case_ == LetterCase::upper) letter = static_cast<unsigned char>(std::toupper(letter));
  if (of_letter_[letter] >= 0) return of_letter_[letter];
  if (unknown_ == UnknownLetter::unk) return unk_;
  char shown[16];
  std::snprintf(shown, sizeof(shown), letter > ' ' && letter < 0x7f ? "\"%c\"" : "0x%02x", letter);
  throw UserError(host_ + ": text " + std::to_string(index) + ": letter " + shown +
                  " at position " + std::to_string(at) +
                  ": not in the vocabulary; set unknown = \"unk\" to take it as <unk>");
}

}  // namespace facet::layers
