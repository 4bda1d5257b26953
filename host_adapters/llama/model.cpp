// Chooses the reader.
#include "model.h"

#include <facet/error.h>

#include <memory>
#include <utility>

#include "folder.h"
#include "gguf_model.h"
#include "tokenizer_json.h"

namespace facet::llama {

namespace {

Model from_file(const std::filesystem::path& path) {
  const auto file = std::make_shared<const GgufFile>(path);
  Config config = gguf_config(*file);
  layers::Bpe bpe = gguf_tokenizer(*file, config);
  const auto checkpoint = [file, config] { return gguf_checkpoint(file, config); };
  return {std::move(config), std::move(bpe), checkpoint};
}

Model from_folder(const std::filesystem::path& folder) {
  std::vector<std::string> problems;
  for (const char* file : {"config.json", "tokenizer.json"})
    if (!std::filesystem::is_regular_file(folder / file))
      problems.push_back((folder / file).string() + ": no such file");
  const std::filesystem::path weights = layers::weights_of(folder, problems);
  if (!problems.empty()) throw UserError(problems);
  Config config = read_config(folder);
  layers::Bpe bpe = layers::read_tokenizer_json(folder / "tokenizer.json");
  if (config.ids.pad < 0) config.ids.pad = bpe.id_of(pad_token(folder));
  return {std::move(config), std::move(bpe),
          [weights] { return layers::safetensors_checkpoint(weights, kBody); }};
}

}  // namespace

Model open_model(const std::filesystem::path& path) {
  Model model = std::filesystem::is_regular_file(path) ? from_file(path) : from_folder(path);
  if (model.bpe.vocabulary() > model.config.vocabulary)
    throw UserError(path.string() + ": the tokenizer has " +
                    std::to_string(model.bpe.vocabulary()) +
                    " tokens, should have at most vocab_size (" +
                    std::to_string(model.config.vocabulary) + ")");
  if (model.config.ids.begin < 0 && !model.bpe.begin().empty())
    model.config.ids.begin = model.bpe.begin().front();
  return model;
}

}  // namespace facet::llama
