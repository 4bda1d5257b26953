// Reads metadata and turns names and rows round.
#include "gguf_model.h"

#include <facet/torch.h>

#include <array>
#include <map>
#include <utility>

#include "ggml_tokenizer.h"
#include "numbers.h"

namespace facet::llama {

namespace {

using layers::JsonNode;
using Lacking = JsonNode::Lacking;

const std::string kTokenizer = "tokenizer.ggml.";

constexpr std::array<std::pair<const char*, const char*>, 9> kNamesInBlock = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

/// The name of transformers for one of GGUF; others stay.
std::string name_of(const std::string& gguf) {
  static const std::map<std::string, std::string> outside = {
      {"token_embd.weight", "model.embed_tokens.weight"},
      {"output_norm.weight", "model.norm.weight"},
      {"output.weight", "lm_head.weight"}};
  if (const auto found = outside.find(gguf); found != outside.end()) return found->second;
  const size_t dot = gguf.find('.', 4);
  if (!gguf.starts_with("blk.") || dot == std::string::npos) return gguf;
  const std::string rest = gguf.substr(dot + 1);
  for (const auto& [old, now] : kNamesInBlock)
    if (rest == std::string(old) + ".weight")
      return "model.layers." + gguf.substr(4, dot - 4) + "." + now + ".weight";
  return gguf;
}

/// Rows of `heads` heads: pairs (0, 1), (2, 3), .. to halves (0, 2, ..), (1, 3, ..).
Tensor halved(const Tensor& weight, int64_t heads) {
  return weight.view({heads, -1, 2, weight.size(1)}).transpose(1, 2).reshape(weight.sizes());
}

Rope gguf_rope(const JsonNode& root) {
  Rope rope;
  rope.theta = positive(root.at("llama.rope.freq_base"), rope.theta);
  const JsonNode kind = root.at("llama.rope.scaling.type");
  const std::string type = kind.given() ? kind.text() : "none";
  if (type == "linear") {
    rope.scaling = Scaling::linear;
    rope.factor = positive(root.at("llama.rope.scaling.factor"));
  } else if (type != "none") {
    kind.problem("is \"" + type + "\", should be one of none, linear");
  }
  return rope;
}

int64_t gguf_id(const JsonNode& root, const char* key, int64_t vocabulary) {
  const JsonNode node = root.at(kTokenizer + key);
  if (!node.given()) return -1;
  const int64_t id = node.integer().value_or(-1);
  if (id >= vocabulary)
    node.problem("is " + std::to_string(id) + ", should be below the number of tokens (" +
                 std::to_string(vocabulary) + ")");
  return id;
}

SpecialIds gguf_ids(const JsonNode& root, int64_t vocabulary) {
  SpecialIds ids;
  ids.begin = gguf_id(root, "bos_token_id", vocabulary);
  ids.pad = gguf_id(root, "padding_token_id", vocabulary);
  for (const char* key : {"eos_token_id", "eot_token_id"})
    if (const int64_t id = gguf_id(root, key, vocabulary);
        id >= 0 && (ids.end.empty() || ids.end.front() != id))
      ids.end.push_back(id);
  return ids;
}

}  // namespace

Config gguf_config(const GgufFile& file) {
  std::vector<std::string> problems;
  const std::string name = file.file().string();
  const JsonNode root(name, file.metadata(), problems);
  root.at("general.architecture").must_be("llama", Lacking::refused);
  if (!problems.empty()) throw UserError(problems);
  const auto tokens = static_cast<int64_t>(file.strings(kTokenizer + "tokens").size());
  const auto key = [&](const char* of) { return root.at(std::string("llama.") + of); };
  Config config;
  config.d = count(key("embedding_length"), kMostWidth);
  config.blocks = count(key("block_count"), kMostBlocks);
  config.heads = count(key("attention.head_count"), kMostWidth);
  config.kv_heads = count(key("attention.head_count_kv"), kMostWidth, config.heads);
  const int64_t share = std::max<int64_t>(config.d / config.heads, 1);
  config.head_dim = count(key("attention.key_length"), kMostWidth,
                          count(key("rope.dimension_count"), kMostWidth, share));
  config.mlp = count(key("feed_forward_length"), kMostWidth);
  config.vocabulary = count(key("vocab_size"), kMostTokens, std::max<int64_t>(tokens, 1));
  config.context = count(key("context_length"), kMostTokens);
  config.eps = positive(key("attention.layer_norm_rms_epsilon"));
  config.rope = gguf_rope(root);
  config.tied = !file.has("output.weight");
  config.ids = gguf_ids(root, tokens);
  if (problems.empty()) check_sizes(config, name, problems);
  if (!problems.empty()) throw UserError(problems);
  return config;
}

layers::Bpe gguf_tokenizer(const GgufFile& file, const Config& config) {
  std::vector<std::string> problems;
  const std::string name = file.file().string();
  const JsonNode root(name, file.metadata(), problems);
  root.at(kTokenizer + "model").must_be("gpt2", Lacking::refused);
  layers::GgmlTokenizer given;
  given.pre = root.at(kTokenizer + "pre").text();
  const bool llama3 = given.pre.starts_with("llama");  // begins texts unless it is told not to
  const bool begins = root.at(kTokenizer + "add_bos_token").flag(llama3);
  const bool ends = root.at(kTokenizer + "add_eos_token").flag(false);
  if (!problems.empty()) throw UserError(problems);
  if (begins && config.ids.begin >= 0) given.begin = {config.ids.begin};
  if (ends && !config.ids.end.empty()) given.end = {config.ids.end.front()};
  given.tokens = file.strings(kTokenizer + "tokens");
  given.merges = file.strings(kTokenizer + "merges");
  for (const int64_t type : file.integers(kTokenizer + "token_type"))
    given.token_type.push_back(static_cast<int32_t>(type));
  return layers::make_ggml_tokenizer(std::move(given), name);
}

layers::Checkpoint gguf_checkpoint(std::shared_ptr<const GgufFile> file, const Config& config) {
  std::map<std::string, std::string> there;
  layers::Checkpoint out;
  out.file = file->file().string();
  for (const std::string& gguf : file->names()) {
    there[name_of(gguf)] = gguf;
    out.names.push_back(name_of(gguf));
  }
  out.sizes = [file, there](const std::string& name) {
    const auto found = there.find(name);
    return found == there.end() ? std::nullopt
                                : std::optional<std::vector<int64_t>>(file->sizes(found->second));
  };
  out.tensor = [file, there, heads = config.heads,
                kv_heads = config.kv_heads](const std::string& name) {
    const Tensor tensor = file->tensor(there.at(name));
    if (name.ends_with("q_proj.weight")) return halved(tensor, heads);
    return name.ends_with("k_proj.weight") ? halved(tensor, kv_heads) : tensor;
  };
  return out;
}

}  // namespace facet::llama
