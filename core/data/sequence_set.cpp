// Reads the sequences of a FASTA file and keeps their digests.
#include "data/sequence_set.h"

#include <algorithm>

#include "base/hash.h"
#include "data/fasta.h"

namespace facet {

void apply(LetterCase letter_case, std::string& text) {
  if (letter_case == LetterCase::keep) return;
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
}

SequenceSet::SequenceSet(const std::string& path, LetterCase letter_case) {
  FastaParams params;
  params.path = path;
  const auto reader = Fasta(params).open();
  for (Record record; reader->next(record);) {
    apply(letter_case, record.text);
    digests_.push_back(digest_of(record.text));
  }
  std::sort(digests_.begin(), digests_.end());
  digests_.erase(std::unique(digests_.begin(), digests_.end()), digests_.end());
}

bool SequenceSet::has(const std::string& text) const {
  return !digests_.empty() && std::binary_search(digests_.begin(), digests_.end(), digest_of(text));
}

SequenceSet::Digest SequenceSet::digest_of(const std::string& text) {
  const std::string digest = sha256(text);
  return {std::stoull(digest.substr(0, 16), nullptr, 16),
          std::stoull(digest.substr(16, 16), nullptr, 16)};
}

}  // namespace facet
