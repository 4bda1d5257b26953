// Where a latent fires in one sequence, written for eyes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// A sequence's text, and the letters (from 0, ascending) where a latent fires. A letter outside
/// the text is a special token, or the text is not known.
struct Marked {
  const std::string& text;
  std::vector<int64_t> letters;
};

/// "L17 L21 K25": letters numbered from 1; "token:3" where the text has no such letter. Letters
/// after the first `most` are only counted: "L17 L21 and 4 more".
std::string emit_residues(const Marked& marked, size_t most = SIZE_MAX);
/// Up to `reach` letters on each side of letter `centre`, firing ones in brackets:
/// "...TAY[IA]KQ..."; "" when `centre` lies outside the text.
std::string emit_window(const Marked& marked, int64_t centre, int64_t reach);
/// A description without UniProt's fields: "Insulin OS=Homo sapiens OX=9606" is "Insulin".
std::string short_description(const std::string& description);
