// Gathers the rows of a latent by sequence.
#include "top_sequences.h"

#include <facet/torch.h>

#include <unordered_map>

using namespace facet;

std::vector<TopSequence> top_sequences(const CodesReader::Firing& firing, const TokenRows& tokens,
                                       Pads pads, int64_t most) {
  const Tensor row = firing.row.contiguous(), value = firing.value.contiguous();  // [f]
  const auto* rows = row.const_data_ptr<int64_t>();
  const auto* values = value.const_data_ptr<float>();
  std::vector<TopSequence> out;
  std::unordered_map<int64_t, size_t> place;  // of each sequence that is listed
  for (int64_t i = 0; i < row.numel(); ++i) {
    const int64_t token = tokens.token_of(rows[i]);
    if (pads == Pads::left_out && tokens.is_pad(token)) continue;
    const int64_t sequence = tokens.sequence(token);
    const auto found = place.find(sequence);
    if (found != place.end()) {
      ++out[found->second].active;
    } else if (static_cast<int64_t>(out.size()) < most) {
      place.emplace(sequence, out.size());
      out.push_back({sequence, values[i], tokens.position(token), 1});
    }
  }
  return out;
}
