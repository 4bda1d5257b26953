// A model as the host needs it, from a folder or from a GGUF file.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "bpe.h"
#include "config.h"
#include "weights.h"

namespace facet::llama {

struct Model {
  Config config;  ///< ids as far as anything says them
  layers::Bpe bpe;
  std::function<layers::Checkpoint()> checkpoint;  ///< opens the weights
};

/// `path` is a file (GGUF) or a folder with config.json and tokenizer.json; no weights are read. A
/// folder without weights is refused now. UserError as the readers of each say; more tokens than
/// rows of the embedding.
Model open_model(const std::filesystem::path& path);

}  // namespace facet::llama
