// Finds ESM-2's tensors by the names that transformers gives them.
#include "weights.h"

#include <facet/torch.h>

#include <facet/error.h>
#include <facet/safetensors.h>

#include <algorithm>
#include <charconv>

namespace facet::esm2 {

namespace {

using Sizes = std::vector<int64_t>;

std::string shown(const Sizes& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

class Finder {
 public:
  Finder(const std::filesystem::path& file, const std::string& device)
      : file_(file), device_(device) {
    if (!file_.has("esm.embeddings.word_embeddings.weight"))
      body_.clear();  // a model without its head
  }

  bool has(const std::string& name) const { return file_.has(name); }

  /// Undefined, and a problem noted, when it is not there in these sizes.
  Tensor tensor(const std::string& name, const Sizes& sizes) {
    if (!file_.has(name)) {
      note(name + ": missing");
    } else if (const Sizes& is = file_.sizes(name); is != sizes) {
      note(name + ": " + shown(is) + ", config.json says " + shown(sizes));
    } else {
      return file_.tensor(name, sizes).to(device_);
    }
    return {};
  }
  layers::Linear linear(const std::string& name, int64_t in, int64_t out) {
    return {tensor(name + ".weight", {out, in}), tensor(name + ".bias", {out})};
  }
  /// Some checkpoints keep the older names gamma and beta.
  layers::Norm norm(const std::string& name, int64_t d) {
    const bool older = file_.has(name + ".gamma");
    return {tensor(name + (older ? ".gamma" : ".weight"), {d}),
            tensor(name + (older ? ".beta" : ".bias"), {d})};
  }

  /// One more than the highest block that the file has tensors of.
  int64_t blocks() const {
    const std::string stem = body_ + "encoder.layer.";
    int64_t count = 0;
    for (const std::string& name : file_.names()) {
      int64_t block = 0;
      if (!name.starts_with(stem)) continue;
      const char* digits = name.data() + stem.size();
      if (std::from_chars(digits, name.data() + name.size(), block).ec == std::errc())
        count = std::max(count, block + 1);
    }
    return count;
  }

  void note(const std::string& what) { problems_.push_back(file_.file().string() + ": " + what); }
  void throw_problems() const {
    if (!problems_.empty()) throw UserError(problems_);
  }
  const std::string& body() const { return body_; }

 private:
  Safetensors file_;
  std::string device_;
  std::string body_ = "esm.";
  std::vector<std::string> problems_;
};

layers::Block read_block(Finder& find, const std::string& name, const Config& c) {
  layers::Block block;
  block.attention_norm = find.norm(name + "attention.LayerNorm", c.d);
  block.query = find.linear(name + "attention.self.query", c.d, c.d);
  block.key = find.linear(name + "attention.self.key", c.d, c.d);
  block.value = find.linear(name + "attention.self.value", c.d, c.d);
  block.output = find.linear(name + "attention.output.dense", c.d, c.d);
  block.mlp_norm = find.norm(name + "LayerNorm", c.d);
  block.up = find.linear(name + "intermediate.dense", c.d, c.mlp);
  block.down = find.linear(name + "output.dense", c.mlp, c.d);
  return block;
}

void read_head(Finder& find, const Config& c, Weights& weights) {
  if (!find.has("lm_head.dense.weight")) return;
  const int64_t vocabulary = static_cast<int64_t>(c.vocabulary.size());
  weights.head = find.linear("lm_head.dense", c.d, c.d);
  weights.head_norm = find.norm("lm_head.layer_norm", c.d);
  weights.decoder.weight = find.has("lm_head.decoder.weight")
                               ? find.tensor("lm_head.decoder.weight", {vocabulary, c.d})
                               : weights.embedding;
  weights.decoder.bias = find.tensor("lm_head.bias", {vocabulary});
}

}  // namespace

Weights read_weights(const std::filesystem::path& file, const Config& config,
                     Frequencies frequencies, const std::string& device) {
  Finder find(file, device);
  if (const int64_t blocks = find.blocks(); blocks != config.blocks) {
    find.note("has " + std::to_string(blocks) + " layers, config.json says " +
              std::to_string(config.blocks) + " (num_hidden_layers)");
    find.throw_problems();
  }
  const int64_t head_dim = config.d / config.heads;
  const std::string body = find.body();
  Weights weights;
  weights.embedding = find.tensor(body + "embeddings.word_embeddings.weight",
                                  {static_cast<int64_t>(config.vocabulary.size()), config.d});
  for (int64_t i = 0; i < config.blocks; ++i) {
    const std::string name = body + "encoder.layer." + std::to_string(i) + ".";
    weights.blocks.push_back(read_block(find, name, config));
    if (frequencies == Frequencies::stored)
      weights.frequencies.push_back(
          find.tensor(name + "attention.self.rotary_embeddings.inv_freq", {head_dim / 2}));
  }
  if (frequencies == Frequencies::computed)
    weights.frequencies.push_back(
        layers::inverse_frequencies(head_dim, config.rotary_base).to(device));
  weights.final_norm = find.norm(body + "encoder.emb_layer_norm_after", config.d);
  read_head(find, config, weights);
  find.throw_problems();
  return weights;
}

}  // namespace facet::esm2
