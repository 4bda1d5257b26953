// Checks each section of the file and fills the parts of the tokenizer with it.
#include "tokenizer_json.h"

#include <facet/error.h>
#include <facet/value.h>

#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "json_node.h"
#include "merge_names.h"

namespace facet::layers {

namespace {

using Lacking = JsonNode::Lacking;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!std::filesystem::is_regular_file(file) || !in)
    throw UserError(file.string() + ": no such file");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The type of a part, or "" after a problem; `known` is what may stand there.
std::string type_of(const JsonNode& part, const std::string& known) {
  const std::string& type = part.at("type").text();
  if (!type.empty() && ("," + known + ",").find("," + type + ",") == std::string::npos) {
    part.at("type").problem("is \"" + type + "\", should be one of " + known);
    return "";
  }
  return type;
}

struct Vocabulary {
  std::vector<std::string> tokens;
  TokenIds ids;
};

// Gives id `id` to a token. What is wrong, or "".
std::string place(const std::string& token, int64_t id, Vocabulary& into) {
  const int64_t size = static_cast<int64_t>(into.tokens.size());
  const auto given = into.ids.find(token);
  if (id < 0 || id >= size)
    return "is " + std::to_string(id) + ", should be below " + std::to_string(size) +
           ", the number of tokens";
  if (given != into.ids.end() && given->second != id)
    return "is " + std::to_string(id) + ", should be " + std::to_string(given->second) +
           " as in model.vocab";
  std::string& there = into.tokens[static_cast<size_t>(id)];
  if (!there.empty() && there != token)
    return "is " + std::to_string(id) + ", which is \"" + there + "\" too";
  there = token;
  into.ids.emplace(token, static_cast<int32_t>(id));
  return "";
}

// Tokens that only added_tokens has.
size_t names_beyond(const Value::Table& model, const JsonNode& added) {
  std::set<std::string> names;
  for (size_t i = 0; added.at(i).given(); ++i) {
    const JsonNode content = added.at(i).at("content");
    const std::string& name = content.text();
    if (content.given() && name.empty()) content.problem("is \"\", should be a text");
    if (!model.contains(name)) names.insert(name);
  }
  return names.size();
}

// Ids are 0 .. n - 1 when each of n tokens has one below n that no other has.
Vocabulary read_vocabulary(const JsonNode& vocab, const JsonNode& added) {
  Vocabulary out;
  const Value::Table& model = vocab.members();
  out.tokens.resize(model.size() + names_beyond(model, added));
  for (const auto& [token, value] : model) {
    const int64_t* id = value.as<int64_t>();
    const std::string wrong = token.empty() ? "should be no token"
                              : id          ? place(token, *id, out)
                                            : value.describe() + ", should be an integer";
    if (wrong.empty()) continue;
    vocab.problem("\"" + token + "\": " + wrong);
    break;
  }
  for (size_t i = 0; i < added.list().size(); ++i) {
    const JsonNode id = added.at(i).at("id");
    const std::optional<int64_t> number = id.integer();
    const std::string wrong = number ? place(added.at(i).at("content").text(), *number, out) : "";
    if (!wrong.empty()) id.problem(wrong);
  }
  return out;
}

std::vector<AddedToken> read_added(const JsonNode& list) {
  std::vector<AddedToken> out;
  for (size_t i = 0; list.at(i).given(); ++i) {
    const JsonNode token = list.at(i);
    token.at("single_word").must_be(false, Lacking::accepted);
    const bool special = token.at("special").flag(false);
    out.push_back({token.at("id").integer().value_or(-1), token.at("content").text(),
                   token.at("lstrip").flag(false), token.at("rstrip").flag(false),
                   token.at("normalized").flag(!special), special});
  }
  return out;
}

std::vector<Merge> read_merges(const JsonNode& list, const TokenIds& ids) {
  std::vector<Merge> out;
  const size_t count = list.list().size();
  for (size_t i = 0; i < count; ++i) {
    const Value& value = *list.at(i).value();
    const std::string* line = value.as<std::string>();
    const Value::Array* two = value.as<Value::Array>();
    std::optional<TokenPair> pair = line ? pair_of_line(*line) : std::nullopt;
    if (two && two->size() == 2 && (*two)[0].is<std::string>() && (*two)[1].is<std::string>())
      pair = TokenPair(*(*two)[0].as<std::string>(), *(*two)[1].as<std::string>());
    const std::string wrong =
        pair ? add_merge(ids, *pair, out)
             : value.describe() + ", should be \"a b\" or [\"a\", \"b\"], two tokens";
    if (wrong.empty()) continue;
    list.at(i).problem(wrong);
    break;
  }
  return out;
}

void check_model(const JsonNode& model) {
  model.at("type").must_be("BPE", Lacking::refused);
  model.at("dropout").must_be(Value(), Lacking::accepted);
  model.at("unk_token").must_be(Value(), Lacking::accepted);
  model.at("byte_fallback").must_be(false, Lacking::accepted);
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    model.at(affix).must_be("", Lacking::accepted);
}

/// Collects the steps of a pre-tokenizer; expressions that do not compile are problems.
struct Steps {
  const std::string& file;
  std::vector<std::string>& problems;
  std::vector<Expression> expressions;
  PreTokenizer::Prefix prefix = PreTokenizer::Prefix::none;
  std::optional<Expression> words;

  void add(const std::string& pattern, const std::string& path) {
    try {
      expressions.emplace_back(pattern, file + ": " + path);
    } catch (const UserError& e) {
      problems.insert(problems.end(), e.problems().begin(), e.problems().end());
    }
  }
  void add_step(const JsonNode& step, const std::string& path) {
    const std::string type = type_of(step, "Split,Digits");
    if (type == "Digits") {
      const bool single = step.at("individual_digits").flag(false);
      add(single ? expressions::kDigit : expressions::kDigits, path);
    } else if (type == "Split") {
      step.at("behavior").must_be("Isolated", Lacking::refused);
      step.at("invert").must_be(false, Lacking::accepted);
      add(step.at("pattern").at("Regex").text(), path + ".pattern.Regex");
    }
  }
  void add_last(const JsonNode& step) {
    if (type_of(step, "ByteLevel").empty()) return;
    if (step.at("add_prefix_space").flag(true)) prefix = PreTokenizer::Prefix::space;
    if (step.at("use_regex").flag(true)) words.emplace(expressions::kGpt2, file);
  }
};

PreTokenizer read_pre_tokenizer(const JsonNode& given, const std::string& file,
                                std::vector<std::string>& problems) {
  Steps steps{file, problems, {}, {}, {}};
  const std::string type = type_of(given, "ByteLevel,Sequence");
  if (type == "ByteLevel") steps.add_last(given);
  if (type == "Sequence") {
    const JsonNode list = given.at("pretokenizers");
    const size_t count = list.list().size();
    if (count == 0) list.problem("list of 0, should end with ByteLevel");
    for (size_t i = 0; i + 1 < count; ++i)
      steps.add_step(list.at(i), "pre_tokenizer.pretokenizers[" + std::to_string(i) + "]");
    if (count > 0) steps.add_last(list.at(count - 1));
  }
  return {std::move(steps.expressions), steps.prefix, std::move(steps.words)};
}

/// Ids of a template's special token.
void read_ids(const JsonNode& list, size_t vocabulary, std::vector<int64_t>& into) {
  for (size_t i = 0; i < list.list().size(); ++i) {
    const std::optional<int64_t> id = list.at(i).integer();
    if (!id) continue;
    if (*id < 0 || static_cast<size_t>(*id) >= vocabulary)
      list.at(i).problem("is " + std::to_string(*id) + ", should be the id of a token");
    into.push_back(*id);
  }
}

/// What a template puts around text A.
void read_template(const JsonNode& given, size_t vocabulary, BpeParts& parts) {
  const JsonNode single = given.at("single");
  bool behind = false;
  for (size_t i = 0; i < single.list().size(); ++i) {
    const JsonNode text = single.at(i).at("Sequence");
    if (!text.given()) {
      const std::string& special = single.at(i).at("SpecialToken").at("id").text();
      read_ids(given.at("special_tokens").at(special).at("ids"), vocabulary,
               behind ? parts.end : parts.begin);
    } else if (behind) {
      text.problem("is a second text, should be one");
    } else {
      text.at("id").must_be("A", Lacking::refused);
      behind = true;
    }
  }
  if (!behind && single.given()) single.problem("has no text \"A\"");
}

void read_post_processor(const JsonNode& given, size_t vocabulary, BpeParts& parts) {
  if (!given.given()) return;
  const std::string type = type_of(given, "ByteLevel,TemplateProcessing,Sequence");
  if (type == "TemplateProcessing") read_template(given, vocabulary, parts);
  if (type != "Sequence") return;
  const JsonNode list = given.at("processors");
  bool filled = false;
  for (size_t i = 0; i < list.list().size(); ++i) {
    const std::string inner = type_of(list.at(i), "ByteLevel,TemplateProcessing");
    if (inner != "TemplateProcessing") continue;
    if (filled) list.at(i).problem("a second TemplateProcessing, should be one");
    filled = true;
    read_template(list.at(i), vocabulary, parts);
  }
}

}  // namespace

Bpe read_tokenizer_json(const std::filesystem::path& file) {
  const std::string name = file.string();
  const Value value = parse_json(bytes_of(file), name);
  std::vector<std::string> problems;
  const JsonNode root(name, value, problems);
  if (!value.is<Value::Table>()) {
    root.problem(value.describe() + ", should be a table");
    throw UserError(problems);
  }
  check_model(root.at("model"));
  root.at("normalizer").must_be(Value(), Lacking::accepted);
  type_of(root.at("decoder"), "ByteLevel");
  Vocabulary vocabulary = read_vocabulary(root.at("model").at("vocab"), root.at("added_tokens"));
  PreTokenizer pre_tokenizer = read_pre_tokenizer(root.at("pre_tokenizer"), name, problems);
  BpeParts parts{.pre_tokenizer = std::move(pre_tokenizer)};
  if (problems.empty()) {
    parts.added = read_added(root.at("added_tokens"));
    parts.merges = read_merges(root.at("model").at("merges"), vocabulary.ids);
    parts.ignore_merges = root.at("model").at("ignore_merges").flag(false);
    read_post_processor(root.at("post_processor"), vocabulary.tokens.size(), parts);
  }
  if (!problems.empty()) throw UserError(problems);
  parts.tokens = std::move(vocabulary.tokens);
  return Bpe(std::move(parts));
}

}  // namespace facet::layers
