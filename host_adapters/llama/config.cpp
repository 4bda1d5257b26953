// Reads config.json and refuses what is not Llama.
#include "config.h"

#include <facet/value.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "numbers.h"

namespace facet::llama {

namespace {

using layers::JsonNode;
using Lacking = JsonNode::Lacking;

Value json_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return parse_json(text.str(), file.string());
}

void read_scaling(const JsonNode& given, int64_t context, Rope& rope) {
  const JsonNode kind = given.at("rope_type").given() ? given.at("rope_type") : given.at("type");
  const std::string type = kind.given() ? kind.text() : "default";
  if (type == "default") return;
  if (type == "linear") {
    rope.scaling = Scaling::linear;
  } else if (type == "llama3") {
    rope.scaling = Scaling::llama3;
    rope.low = positive(given.at("low_freq_factor"));
    rope.high = positive(given.at("high_freq_factor"));
    rope.original = count(given.at("original_max_position_embeddings"), kMostTokens, context);
    if (const JsonNode high = given.at("high_freq_factor"); high.given() && rope.high <= rope.low)
      high.problem(high.value()->describe() + ", should be above low_freq_factor");
  } else {
    kind.problem("is \"" + type + "\", should be one of default, linear, llama3");
    return;
  }
  rope.factor = positive(given.at("factor"));
}

Rope read_rope(const JsonNode& root, int64_t context) {
  Rope rope;
  const JsonNode newer = root.at("rope_parameters"), older = root.at("rope_scaling");
  const JsonNode given = newer.given() ? newer : older;
  if (given.given()) given.members();
  const JsonNode theta =
      newer.at("rope_theta").given() ? newer.at("rope_theta") : root.at("rope_theta");
  rope.theta = positive(theta, rope.theta);
  for (const JsonNode& of : {root, given})
    if (const JsonNode share = of.at("partial_rotary_factor"); positive(share, 1) != 1)
      share.problem(share.value()->describe() + ", should be 1");
  if (given.given()) read_scaling(given, context, rope);
  return rope;
}

void check_architecture(const JsonNode& root) {
  root.at("model_type").must_be("llama", Lacking::refused);
  const JsonNode architecture = root.at("architectures").at(size_t{0});
  if (architecture.given() && architecture.text() != "LlamaForCausalLM" &&
      architecture.text() != "LlamaModel")
    architecture.problem("is \"" + architecture.text() +
                         "\", should be \"LlamaForCausalLM\" or \"LlamaModel\"");
  root.at("hidden_act").must_be("silu", Lacking::accepted);
  root.at("attention_bias").must_be(false, Lacking::accepted);
  root.at("mlp_bias").must_be(false, Lacking::accepted);
  if (root.at("quantization_config").given())
    root.at("quantization_config").problem("is there, should not: weights in f32, f16 or bf16");
}

/// An id, a list of ids, or none (null, -1).
std::vector<int64_t> ids_of(const JsonNode& node, int64_t vocabulary) {
  std::vector<int64_t> ids;
  const auto add = [&](const JsonNode& one) {
    const int64_t id = one.integer().value_or(-1);
    if (id >= vocabulary)
      one.problem("is " + std::to_string(id) + ", should be below vocab_size (" +
                  std::to_string(vocabulary) + ")");
    else if (id >= 0)
      ids.push_back(id);
  };
  if (!node.given()) return ids;
  if (!node.value()->is<Value::Array>()) add(node);
  for (size_t i = 0; node.at(i).given(); ++i) add(node.at(i));
  return ids;
}

void read_ids(const JsonNode& root, int64_t vocabulary, SpecialIds& ids) {
  const auto first = [&](const char* key, int64_t& into) {
    const std::vector<int64_t> of = ids_of(root.at(key), vocabulary);
    if (into < 0 && !of.empty()) into = of.front();
  };
  first("bos_token_id", ids.begin);
  first("pad_token_id", ids.pad);
  for (const int64_t id : ids_of(root.at("eos_token_id"), vocabulary))
    if (std::find(ids.end.begin(), ids.end.end(), id) == ids.end.end()) ids.end.push_back(id);
}

Config shape_of(const JsonNode& root) {
  Config config;
  config.d = count(root.at("hidden_size"), kMostWidth);
  config.blocks = count(root.at("num_hidden_layers"), kMostBlocks);
  config.heads = count(root.at("num_attention_heads"), kMostWidth);
  config.kv_heads = count(root.at("num_key_value_heads"), kMostWidth, config.heads);
  const int64_t share = std::max<int64_t>(config.d / config.heads, 1);
  config.head_dim = count(root.at("head_dim"), kMostWidth, share);
  config.mlp = count(root.at("intermediate_size"), kMostWidth);
  config.vocabulary = count(root.at("vocab_size"), kMostTokens);
  config.context = count(root.at("max_position_embeddings"), kMostTokens, config.context);
  config.eps = positive(root.at("rms_norm_eps"), config.eps);
  config.tied = root.at("tie_word_embeddings").flag(false);
  config.rope = read_rope(root, config.context);
  return config;
}

}  // namespace

void check_sizes(const Config& config, const std::string& where,
                 std::vector<std::string>& problems) {
  const auto text = [](int64_t number) { return std::to_string(number); };
  if (config.heads % config.kv_heads != 0)
    problems.push_back(where + ": num_attention_heads: is " + text(config.heads) +
                       ", should be divisible by num_key_value_heads (" + text(config.kv_heads) +
                       ")");
  if (config.head_dim % 2 != 0)
    problems.push_back(where + ": head_dim: is " + text(config.head_dim) + ", should be even");
}

Config read_config(const std::filesystem::path& folder) {
  std::vector<std::string> problems;
  const std::filesystem::path file = folder / "config.json";
  if (!std::filesystem::is_regular_file(file)) throw UserError(file.string() + ": no such file");
  const std::string name = file.string();
  const Value value = json_of(file);
  const JsonNode root(name, value, problems);
  root.members();
  if (!problems.empty()) throw UserError(problems);
  check_architecture(root);
  Config config;
  if (problems.empty()) config = shape_of(root);
  if (!problems.empty()) throw UserError(problems);
  if (!root.at("head_dim").given() && config.d % config.heads != 0)
    root.at("hidden_size")
        .problem("is " + std::to_string(config.d) +
                 ", should be divisible by num_attention_heads (" + std::to_string(config.heads) +
                 "), as there is no head_dim");
  check_sizes(config, name, problems);
  read_ids(root, config.vocabulary, config.ids);
  const std::filesystem::path generation = folder / "generation_config.json";
  if (std::filesystem::is_regular_file(generation)) {
    const std::string generation_name = generation.string();
    const Value generation_value = json_of(generation);
    read_ids(JsonNode(generation_name, generation_value, problems), config.vocabulary, config.ids);
  }
  if (!problems.empty()) throw UserError(problems);
  return config;
}

std::string pad_token(const std::filesystem::path& folder) {
  for (const char* file : {"special_tokens_map.json", "tokenizer_config.json"}) {
    if (!std::filesystem::is_regular_file(folder / file)) continue;
    const Value value = json_of(folder / file);
    const Value* pad = value.find("pad_token");
    if (pad && pad->find("content")) pad = pad->find("content");
    if (pad && pad->is<std::string>()) return *pad->as<std::string>();
  }
  return "";
}

}  // namespace facet::llama
