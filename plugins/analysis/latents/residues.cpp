// Where a latent fires in one sequence, as text.
#include "residues.h"

#include <algorithm>

namespace {

int64_t length_of(const Marked& marked) { return static_cast<int64_t>(marked.text.size()); }

}  // namespace

std::string emit_residues(const Marked& marked, size_t most) {
  std::string out;
  for (size_t i = 0; i < marked.letters.size(); ++i) {
    if (i == most) return out + " and " + std::to_string(marked.letters.size() - most) + " more";
    const int64_t letter = marked.letters[i];
    const bool known = letter >= 0 && letter < length_of(marked);
    out += (out.empty() ? "" : " ") + (known ? std::string(1, marked.text[letter]) : "token:") +
           std::to_string(letter + 1);
  }
  return out;
}

std::string emit_window(const Marked& marked, int64_t centre, int64_t reach) {
  const int64_t length = length_of(marked);
  if (centre < 0 || centre >= length) return "";
  const int64_t begin = std::max<int64_t>(0, centre - reach),
                end = std::min(length, centre + reach + 1);
  const auto fires = [&](int64_t letter) {
    return std::binary_search(marked.letters.begin(), marked.letters.end(), letter);
  };
  std::string out = begin > 0 ? "..." : "";
  bool open = false;
  for (int64_t letter = begin; letter < end; ++letter) {
    if (fires(letter) != open) out += open ? ']' : '[';
    open = fires(letter);
    out += marked.text[letter];
  }
  return out + (open ? "]" : "") + (end < length ? "..." : "");
}

std::string short_description(const std::string& description) {
  return description.substr(0, std::min(description.find(" OS="), description.size()));
}
