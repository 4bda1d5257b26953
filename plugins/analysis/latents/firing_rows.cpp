// The rows where one latent fires: counted, and gathered by sequence.
#include "firing_rows.h"

#include <facet/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

using namespace facet;

namespace {

constexpr size_t kLettersShown = 3;

using LetterCounts = std::array<int64_t, 256>;

// "L 93 %, I 4 %": shares of all rows, most frequent first, letters below a percent left out.
std::string emit_shares(const LetterCounts& counts, int64_t rows) {
  std::vector<int> letters;
  for (int letter = 0; letter < 256; ++letter)
    if (counts[letter] > 0) letters.push_back(letter);
  std::stable_sort(letters.begin(), letters.end(),
                   [&](int a, int b) { return counts[a] > counts[b]; });
  std::string out;
  for (size_t i = 0; i < std::min(letters.size(), kLettersShown); ++i) {
    const auto percent =
        std::lround(100.0 * static_cast<double>(counts[letters[i]]) / static_cast<double>(rows));
    if (percent == 0) break;
    out += (out.empty() ? "" : ", ") + std::string(1, static_cast<char>(letters[i])) + " " +
           std::to_string(percent) + " %";
  }
  return out;
}

}  // namespace

RowOrigins::RowOrigins(const CodesReader& codes)
    : ids_(codes.ids()), sequences_(&codes.sequences()), offset_(codes.letter_offset()) {
  ids_.sequence = ids_.sequence.to(torch::kInt64).contiguous();
  ids_.position = ids_.position.to(torch::kInt32).contiguous();
  sequence_ = ids_.sequence.const_data_ptr<int64_t>();
  position_ = ids_.position.const_data_ptr<int32_t>();
  count_ = static_cast<int64_t>(
      std::unordered_set<int64_t>(sequence_, sequence_ + ids_.sequence.numel()).size());
}

const SequenceInfo& RowOrigins::info(int64_t sequence) const {
  static const SequenceInfo unknown;
  const bool known = sequence >= 0 && sequence < static_cast<int64_t>(sequences_->size());
  return known ? (*sequences_)[sequence] : unknown;
}

std::string RowOrigins::name(int64_t sequence) const {
  const std::string& id = info(sequence).id;
  return id.empty() ? "sequence " + std::to_string(sequence) : id;
}

LatentSummary summarise(const CodesReader& codes, const RowOrigins& origins, int64_t latent,
                        int64_t examples) {
  const CodesReader::Firing firing = codes.firing(latent);
  const Tensor row = firing.row.contiguous(),
               value = firing.value.contiguous();  // [f], values descending
  const int64_t* rows = row.const_data_ptr<int64_t>();
  const float* values = value.const_data_ptr<float>();

  LatentSummary summary;
  summary.latent = latent;
  summary.rows = row.numel();
  if (summary.rows == 0) return summary;
  summary.max = values[0];
  std::unordered_map<int64_t, size_t>
      place;  // of each sequence, in the order of their largest values
  LetterCounts counts{};
  double sum = 0;
  for (int64_t i = 0; i < summary.rows; ++i) {
    sum += values[i];
    const int64_t sequence = origins.sequence(rows[i]), letter = origins.letter(rows[i]);
    const std::string& text = origins.info(sequence).text;
    if (letter >= 0 && letter < static_cast<int64_t>(text.size()))
      ++counts[static_cast<unsigned char>(text[letter])];
    const auto [at, is_new] = place.emplace(sequence, place.size());
    if (at->second >= static_cast<size_t>(examples)) continue;
    if (is_new) summary.examples.push_back({sequence, values[i], letter, {}});
    summary.examples[at->second].letters.push_back(letter);
  }
  for (Example& example : summary.examples)
    std::sort(example.letters.begin(), example.letters.end());
  summary.mean = sum / static_cast<double>(summary.rows);
  summary.sequences = static_cast<int64_t>(place.size());
  summary.residues = emit_shares(counts, summary.rows);
  return summary;
}
