// Looks at each byte for the tokens that begin with it.
#include "added_tokens.h"

#include <algorithm>

#include "utf8.h"

namespace facet::layers {

namespace {

size_t first_byte(std::string_view text) { return static_cast<unsigned char>(text.front()); }

// Where the white space that ends at `at` begins.
size_t space_begin(std::string_view text, size_t at) {
  while (at > 0) {
    size_t from = at - 1;
    while (from > 0 && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) --from;
    size_t behind = from;
    if (!is_white_space(next_code_point(text, behind))) break;
    at = from;
  }
  return at;
}

size_t space_end(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t behind = at;
    if (!is_white_space(next_code_point(text, behind))) break;
    at = behind;
  }
  return at;
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens)
    (token.after_others ? after_others_ : first_)[first_byte(token.content)].push_back(token);
  for (ByFirstByte* all : {&first_, &after_others_})
    for (std::vector<AddedToken>& list : *all)
      std::stable_sort(list.begin(), list.end(), [](const AddedToken& a, const AddedToken& b) {
        return a.content.size() > b.content.size();
      });
}

void AddedTokens::split(std::string_view text, const OnText& on_text,
                        const OnToken& on_token) const {
  split_by(
      first_, text,
      [&](std::string_view between) { split_by(after_others_, between, on_text, on_token); },
      on_token);
}

void AddedTokens::split_by(const ByFirstByte& tokens, std::string_view text, const OnText& on_text,
                           const OnToken& on_token) const {
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const std::vector<AddedToken>& list = tokens[first_byte(text.substr(at))];
    const auto found = std::find_if(list.begin(), list.end(), [&](const AddedToken& token) {
      return text.substr(at).starts_with(token.content);
    });
    if (found == list.end()) {
      ++at;
      continue;
    }
    const size_t begin = found->takes_left_space ? std::max(done, space_begin(text, at)) : at;
    const size_t end = at + found->content.size();
    if (done < begin) on_text(text.substr(done, begin - done));
    on_token(found->id);
    done = found->takes_right_space ? space_end(text, end) : end;
    at = done;
  }
  if (done < text.size()) on_text(text.substr(done));
}

}  // namespace facet::layers
