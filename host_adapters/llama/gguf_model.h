// A Llama model in one GGUF file: its configuration, its tokenizer and its weights.
#pragma once

#include <filesystem>
#include <memory>

#include "bpe.h"
#include "config.h"
#include "gguf_file.h"
#include "weights.h"

namespace facet::llama {

/// The configuration in the metadata. UserError with all problems together: keys that are missing,
/// of another type or absurd, another architecture or kind of rotary embedding.
Config gguf_config(const GgufFile& file);

/// The byte-level BPE tokenizer in the metadata; a text begins and ends with tokens as
/// add_bos_token and add_eos_token say. UserError when it is another kind.
layers::Bpe gguf_tokenizer(const GgufFile& file, const Config& config);

/// The tensors under the names and with the rows of transformers: the rows of each query and key
/// head, which GGUF has in the order of interleaved rotary pairs, are put back in two halves.
/// source: llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute.
layers::Checkpoint gguf_checkpoint(std::shared_ptr<const GgufFile> file, const Config& config);

}  // namespace facet::llama
