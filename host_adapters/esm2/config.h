// The configuration of an ESM-2 folder as Hugging Face's transformers writes it: config.json and
// vocab.txt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace facet::esm2 {

struct Config {
  int64_t d = 0;               ///< hidden_size
  int64_t blocks = 0;          ///< num_hidden_layers
  int64_t heads = 0;           ///< num_attention_heads
  int64_t mlp = 0;             ///< intermediate_size
  double eps = 1e-5;           ///< layer_norm_eps
  double rotary_base = 10000;  ///< rope_theta
  bool token_dropout = false;
  std::vector<std::string> vocabulary;  ///< vocab.txt, line i is id i
  int64_t cls = -1, eos = -1, unk = -1, mask = -1;
};

/// Reads the folder, no weights. UserError with all problems together: files that are missing, keys
/// that are missing or of another type, an architecture that is not ESM-2's, a vocabulary that does
/// not fit.
Config read_config(const std::filesystem::path& folder);

}  // namespace facet::esm2
