// Turns letters into ids.
#include "letters.h"

#include <facet/torch.h>

#include <cctype>
#include <cstdio>

#include "facet/error.h"

namespace facet::layers {

namespace {

std::string shown(unsigned char letter) {
  char text[16];
  std::snprintf(text, sizeof(text), letter > ' ' && letter < 0x7f ? "\"%c\"" : "0x%02x", letter);
  return text;
}

}  // namespace

Letters::Letters(LetterPolicy policy, const std::vector<std::string>& vocabulary)
    : policy_(std::move(policy)), of_letter_(256, -1) {
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
    if (id < 0) return;
    ids.push_back(id);
    flags.push_back(flag);
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string where = policy_.host + ": text " + std::to_string(i) + ": ";
    add(policy_.begin, kSpecial);
    int64_t letters = 0;
    for (size_t at = 0; at < texts[i].size(); ++letters) add(id_of(texts[i], at, where), kContent);
    if (policy_.longest > 0 && letters > policy_.longest)
      throw UserError(where + std::to_string(letters) + " letters exceed the context of " +
                      std::to_string(policy_.longest) + policy_.longer_advice);
    add(policy_.end, kSpecial);
    start.push_back(static_cast<int64_t>(ids.size()));
  }
  Tokens tokens;
  tokens.id = torch::tensor(ids, torch::kInt64);
  tokens.start = torch::tensor(start, torch::kInt64);
  tokens.sequence = torch::arange(static_cast<int64_t>(texts.size()), torch::kInt64);
  tokens.flag = torch::tensor(flags, torch::kUInt8);
  return tokens;
}

int64_t Letters::id_of(const std::string& text, size_t& at, const std::string& where) const {
  const std::string position = " at position " + std::to_string(at + 1) + ": ";
  if (text[at] == '<')
    for (const auto& [token, id] : longer_) {
      if (text.compare(at, token.size(), token) != 0) continue;
      if (const auto bar = policy_.bars.find(id); bar != policy_.bars.end())
        throw UserError(where + "token \"" + token + "\"" + position + bar->second);
      at += token.size();
      return id;
    }
  const auto letter = static_cast<unsigned char>(text[at++]);
  if (of_letter_[letter] >= 0) return of_letter_[letter];
  if (policy_.unknown >= 0) return policy_.unknown;
  const bool case_alone = of_letter_[static_cast<unsigned char>(std::toupper(letter))] >= 0;
  throw UserError(where + "letter " + shown(letter) + position + "not in the vocabulary; set " +
                  (case_alone ? "data.case = \"upper\" to read letters as upper case, or " : "") +
                  "host.unknown = \"unk\" to take it as <unk>");
}

}  // namespace facet::layers
