// Reads config.json and vocab.txt and refuses what is not ESM-2.
#include "config.h"

#include <facet/value.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "folder.h"

namespace facet::esm2 {

namespace {

std::string contents(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// Typed members of config.json; problems are gathered, not thrown.
class Fields {
 public:
  Fields(const std::filesystem::path& file, std::vector<std::string>& problems)
      : name_(file.string()), values_(parse_json(contents(file), name_)), problems_(problems) {}

  void problem(const std::string& key, const std::string& what) {
    problems_.push_back(name_ + ": " + key + ": " + what);
  }

  int64_t count(const std::string& key) {
    const Value* value = given(key);
    const int64_t* number = value ? value->as<int64_t>() : nullptr;
    if (!value)
      problem(key, "required");
    else if (!number || *number < 1)
      problem(key, value->describe() + ", should be an integer of at least 1");
    return number && *number >= 1 ? *number : 1;
  }

  double number(const std::string& key, double otherwise) {
    const Value* value = given(key);
    if (!value) return otherwise;
    if (const int64_t* whole = value->as<int64_t>()) return static_cast<double>(*whole);
    if (const double* real = value->as<double>()) return *real;
    problem(key, value->describe() + ", should be a number");
    return otherwise;
  }

  bool flag(const std::string& key, bool otherwise) {
    const Value* value = given(key);
    if (!value) return otherwise;
    if (const bool* on = value->as<bool>()) return *on;
    problem(key, value->describe() + ", should be true or false");
    return otherwise;
  }

  /// The key, when it is there, must have this value.
  void must_be(const std::string& key, const Value& wanted, bool needed) {
    const Value* value = given(key);
    if (!value) {
      if (needed) problem(key, "required, should be " + emit_json(wanted));
    } else if (!(*value == wanted)) {
      problem(key, "is " + emit_json(*value) + ", should be " + emit_json(wanted));
    }
  }

  const Value* given(const std::string& key) const {
    const Value* value = values_.find(key);
    return value && !value->empty() ? value : nullptr;
  }

 private:
  std::string name_;
  Value values_;
  std::vector<std::string>& problems_;
};

/// Its lines, without what ends them; empty lines at its end are left out.
std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::istringstream text(contents(file));
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

void read_shape(Fields& fields, Config& config) {
  fields.must_be("model_type", "esm", /*needed=*/true);
  fields.must_be("position_embedding_type", "rotary", /*needed=*/true);
  fields.must_be("emb_layer_norm_before", false, /*needed=*/false);
  fields.must_be("is_folding_model", false, /*needed=*/false);
  fields.must_be("hidden_act", "gelu", /*needed=*/false);
  config.d = fields.count("hidden_size");
  config.blocks = fields.count("num_hidden_layers");
  config.heads = fields.count("num_attention_heads");
  config.mlp = fields.count("intermediate_size");
  config.eps = fields.number("layer_norm_eps", config.eps);
  config.rotary_base = fields.number("rope_theta", config.rotary_base);
  config.token_dropout = fields.flag("token_dropout", config.token_dropout);
  config.tied = fields.flag("tie_word_embeddings", config.tied);
  if (config.d % (2 * config.heads) != 0)
    fields.problem("hidden_size", "is " + std::to_string(config.d) +
                                      ", should be divisible by twice num_attention_heads (" +
                                      std::to_string(config.heads) + ")");
}

void check_tokens(const std::filesystem::path& file, Fields& fields,
                  std::vector<std::string>& problems) {
  const std::vector<std::string>& should = vocabulary();
  const int64_t tokens = static_cast<int64_t>(should.size());
  fields.must_be("vocab_size", tokens, /*needed=*/true);
  fields.must_be("pad_token_id", kPad, /*needed=*/false);
  fields.must_be("mask_token_id", kMask, /*needed=*/false);
  const std::vector<std::string> is = lines_of(file);
  if (is.size() != should.size())
    problems.push_back(file.string() + ": has " + std::to_string(is.size()) +
                       " tokens, should have ESM-2's " + std::to_string(tokens));
  for (size_t i = 0; i < std::min(is.size(), should.size()); ++i) {
    if (is[i] == should[i]) continue;
    problems.push_back(file.string() + ":" + std::to_string(i + 1) + ": is \"" + is[i] +
                       "\", should be \"" + should[i] + "\"");
    break;  // one shifted line shifts all others
  }
}

}  // namespace

const std::vector<std::string>& vocabulary() {
  static const std::vector<std::string> tokens = {
      "<cls>", "<pad>", "<eos>", "<unk>", "L", "A", "G", "V", "S", "E",        "R",
      "T",     "I",     "D",     "P",     "K", "Q", "N", "F", "Y", "M",        "H",
      "W",     "C",     "X",     "B",     "U", "Z", "O", ".", "-", "<null_1>", "<mask>"};
  return tokens;
}

Config read_config(const std::filesystem::path& folder) {
  std::vector<std::string> problems;
  Config config;
  for (const char* file : {"config.json", "vocab.txt"})
    if (!std::filesystem::is_regular_file(folder / file))
      problems.push_back((folder / file).string() + ": no such file");
  config.weights = layers::weights_of(folder, problems);
  if (!problems.empty()) throw UserError(problems);
  Fields fields(folder / "config.json", problems);
  read_shape(fields, config);
  check_tokens(folder / "vocab.txt", fields, problems);
  if (!problems.empty()) throw UserError(problems);
  return config;
}

}  // namespace facet::esm2
