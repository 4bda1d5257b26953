// Which sequences a FASTA file has, in 16 bytes each.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace facet {

/// How letters of a text are taken: as they stand, or a to z as A to Z. Letters of other alphabets
/// stay.
enum class LetterCase { keep = 1, upper };
void apply(LetterCase letter_case, std::string& text);

/// Membership by the first 128 bits of sha256, so that two sequences are never taken for one.
class SequenceSet {
 public:
  SequenceSet() = default;  ///< empty
  /// Reads a FASTA file, or a folder of them.
  SequenceSet(const std::string& path, LetterCase letter_case);

  bool has(const std::string& text) const;
  size_t size() const { return digests_.size(); }

 private:
  using Digest = std::array<uint64_t, 2>;
  static Digest digest_of(const std::string& text);

  std::vector<Digest> digests_;  // ascending, each once
};

}  // namespace facet
