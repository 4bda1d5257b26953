// The configuration of a Llama folder as Hugging Face's transformers writes it, old or new style.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "facet/host.h"
#include "rope.h"

namespace facet::llama {

struct Config {
  int64_t d = 0;           ///< hidden_size
  int64_t blocks = 0;      ///< num_hidden_layers
  int64_t heads = 0;       ///< num_attention_heads
  int64_t kv_heads = 0;    ///< num_key_value_heads
  int64_t head_dim = 0;    ///< head_dim, or d / heads
  int64_t mlp = 0;         ///< intermediate_size
  int64_t vocabulary = 0;  ///< vocab_size
  int64_t context = 2048;  ///< max_position_embeddings
  double eps = 1e-6;       ///< rms_norm_eps
  Rope rope;
  bool tied = false;  ///< tie_word_embeddings
  SpecialIds ids;     ///< of config.json, else generation_config.json; end: of both
};

/// Reads config.json and, where it is there, generation_config.json; no weights. UserError with all
/// problems together: keys that are missing, of another type or beyond what is sensible, another
/// architecture, activation or kind of rotary embedding.
Config read_config(const std::filesystem::path& folder);

/// Adds what contradicts itself in the sizes: "where: ...".
void check_sizes(const Config& config, const std::string& where,
                 std::vector<std::string>& problems);

/// The pad token that special_tokens_map.json or tokenizer_config.json names, or "".
std::string pad_token(const std::filesystem::path& folder);

}  // namespace facet::llama
