// Bodies of the error types and of the nearest-name advice.
#include "facet/error.h"

#include <algorithm>
#include <numeric>

namespace facet {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "\n") + line;
  return out;
}

// Damerau-Levenshtein with adjacent swaps: "d_sea" is one step from "d_sae".
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> at(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) at[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) at[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      at[i][j] =
          std::min({at[i - 1][j] + 1, at[i][j - 1] + 1, at[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at[i][j] = std::min(at[i][j], at[i - 2][j - 2] + 1);
    }
  return at[a.size()][b.size()];
}

}  // namespace

std::string Origin::text() const {
  if (file.empty() || line == 0) return file;
  std::string out = file + ":" + std::to_string(line);
  if (column > 0) out += ":" + std::to_string(column);
  return out;
}

UserError::UserError(const std::string& problem) : UserError(std::vector<std::string>{problem}) {}
UserError::UserError(std::vector<std::string> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}
UserError::~UserError() = default;

Stopped::Stopped(const std::string& why) : std::runtime_error(why) {}
Stopped::~Stopped() = default;

Bug::Bug(const std::string& what) : std::logic_error(what) {}
Bug::~Bug() = default;

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const size_t reach = std::max<size_t>(2, word.size() / 3);
  std::string best;
  size_t best_distance = reach + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : " (did you mean \"" + near + "\"?)";
}

}  // namespace facet
