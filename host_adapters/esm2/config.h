// The configuration of an ESM-2 folder as Hugging Face's transformers writes it: config.json and
// vocab.txt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace facet::esm2 {

/// The vocabulary of every ESM-2 model; vocab.txt must hold it, line i is id i.
/// source: fair-esm 2.0, Alphabet "ESM-1b".
const std::vector<std::string>& vocabulary();
constexpr int64_t kCls = 0, kPad = 1, kEos = 2, kUnk = 3, kMask = 32;

struct Config {
  int64_t d = 0;               ///< hidden_size
  int64_t blocks = 0;          ///< num_hidden_layers
  int64_t heads = 0;           ///< num_attention_heads
  int64_t mlp = 0;             ///< intermediate_size
  double eps = 1e-5;           ///< layer_norm_eps
  double rotary_base = 10000;  ///< rope_theta
  bool token_dropout = false;
  bool tied = true;               ///< tie_word_embeddings: the embeddings are the decoder
  std::filesystem::path weights;  ///< model.safetensors, or the index of its shards
};

/// Reads the folder, no weights. UserError with all problems together: files that are missing, keys
/// that are missing or of another type, an architecture or a vocabulary that is not ESM-2's.
Config read_config(const std::filesystem::path& folder);

}  // namespace facet::esm2
