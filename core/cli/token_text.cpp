// Makes white space of tokens visible.
#include "cli/token_text.h"

#include <algorithm>
#include <utility>

namespace facet::cli {
namespace {

constexpr char kNoCharacter[] = "\uFFFD";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Every character has as many bytes as its first one says, and none is of those that nothing is
// drawn for: controls but tab and line end, U+0080 to U+00A0.
bool can_be_shown(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const bool is_control = first < 0x20 && text[at] != '\n' && text[at] != '\t';
    if (is_control || first == 0x7F || is_continuation(text[at])) return false;
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (size_t i = 1; i < length; ++i)
      if (at + i >= text.size() || !is_continuation(text[at + i])) return false;
    if (first == 0xC2 && static_cast<unsigned char>(text[at + 1]) <= 0xA0) return false;
    at += length;
  }
  return text.find(kNoCharacter) == std::string::npos;
}

std::string visible(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ')
      out += "·";
    else if (c == '\n')
      out += "↵";
    else if (c == '\t')
      out += "→";
    else
      out += c;
  }
  return out;
}

}  // namespace

bool is_of_letters(const HostInfo& info) {
  return !info.tokens.empty() &&
         std::all_of(info.tokens.begin(), info.tokens.end(), [](const std::string& token) {
           return token.size() == 1 ||
                  (token.size() > 2 && token.front() == '<' && token.back() == '>');
         });
}

std::string shown_token(const HostModel& host, int64_t id) {
  const std::vector<std::string>& names = host.info().tokens;
  if (id < 0 || id >= static_cast<int64_t>(names.size()) || names[static_cast<size_t>(id)].empty())
    return "token " + std::to_string(id);
  const std::string text = host.text({&id, 1});
  return text.empty() || !can_be_shown(text) ? names[static_cast<size_t>(id)] : visible(text);
}

size_t width_of(const std::string& text) {
  return text.size() -
         static_cast<size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

std::string padded(const std::string& text, size_t width) {
  const size_t has = width_of(text);
  return text + std::string(has < width ? width - has : 0, ' ');
}

}  // namespace facet::cli
