// Reads the tokenizer.json of Hugging Face.
#pragma once

#include <filesystem>

#include "bpe.h"

namespace facet::layers {

/// Reads a byte-level BPE tokenizer as `tokenizers` 0.23 writes it: model BPE; no normalizer;
/// pre_tokenizer ByteLevel, or a Sequence of Split (by an expression, isolated) and Digits that
/// ends with it; decoder ByteLevel; post_processor ByteLevel, TemplateProcessing or both.
/// Truncation and padding are not read: no text is cut or filled up here.
///
/// UserError with all problems together, "file: path: is, should be": what is missing, of another
/// type or none of the above; ids that stand twice, leave holes or contradict each other; merges of
/// tokens that do not exist; expressions that do not compile. Of a long list the first problem
/// only.
Bpe read_tokenizer_json(const std::filesystem::path& file);

}  // namespace facet::layers
