// Builds a tokenizer of what GGUF metadata says of one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpe.h"

namespace facet::layers {

/// The keys of tokenizer.ggml of a byte-level BPE model ("gpt2"), and what the file puts around a
/// text.
struct GgmlTokenizer {
  std::vector<std::string> tokens = {};
  /// llama.cpp's: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. Control and
  /// user-defined tokens are recognised where they stand in a text; control tokens are special.
  std::vector<int32_t> token_type = {};
  std::vector<std::string> merges = {};  ///< "Ġt he"
  std::string pre = {};  ///< the pre-tokenizer: gpt-2, smollm, llama-bpe, llama3, llama-v3
  std::vector<int64_t> begin = {}, end = {};  ///< ids, as add_bos_token and add_eos_token say
};

/// UserError "where: tokenizer.ggml.KEY...: is, should be", all problems together: a pre-tokenizer
/// that is not known, lists of different lengths, tokens that stand twice, merges of tokens that do
/// not exist, ids that are no token.
/// source: llama.cpp, llama-vocab.cpp: the expressions of each pre-tokenizer.
Bpe make_ggml_tokenizer(GgmlTokenizer given, const std::string& where);

}  // namespace facet::layers
