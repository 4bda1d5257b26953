// Checks the lists of a GGUF file's tokenizer against each other.
#include "ggml_tokenizer.h"

#include <facet/error.h>

#include <map>
#include <utility>

#include "merge_names.h"

namespace facet::layers {

namespace {

constexpr int32_t kControl = 3, kUserDefined = 4, kLastType = 6;

struct KnownPreTokenizer {
  std::vector<const char*> patterns;
  bool ignore_merges;
};

const std::map<std::string, KnownPreTokenizer>& known_pre_tokenizers() {
  static const std::map<std::string, KnownPreTokenizer> known = {
      {"gpt-2", {{expressions::kGpt2}, false}},
      {"smollm", {{expressions::kDigit, expressions::kGpt2}, false}},
      {"llama-bpe", {{expressions::kLlama3}, true}},
      {"llama3", {{expressions::kLlama3}, true}},
      {"llama-v3", {{expressions::kLlama3}, true}},
  };
  return known;
}

/// "where: tokenizer.ggml.KEY: what".
struct GgmlProblems {
  std::string where;
  std::vector<std::string> all = {};

  void note(const std::string& key, const std::string& what) {
    all.push_back(where + ": tokenizer.ggml." + key + ": " + what);
  }
  void note(const std::string& list, size_t index, const std::string& what) {
    note(list + "[" + std::to_string(index) + "]", what);
  }
};

TokenIds ids_of(const std::vector<std::string>& tokens, GgmlProblems& problems) {
  TokenIds ids;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto [there, fresh] = ids.emplace(tokens[i], static_cast<int32_t>(i));
    if (fresh) continue;
    problems.note("tokens", i,
                  "is \"" + tokens[i] + "\", which is token " + std::to_string(there->second));
    break;
  }
  return ids;
}

std::vector<AddedToken> added_of(const GgmlTokenizer& given, GgmlProblems& problems) {
  std::vector<AddedToken> out;
  for (size_t i = 0; i < given.token_type.size(); ++i) {
    const int32_t type = given.token_type[i];
    if (type < 1 || type > kLastType) {
      problems.note("token_type", i, "is " + std::to_string(type) + ", should be 1 to 6");
      break;
    }
    if (type != kControl && type != kUserDefined) continue;
    if (given.tokens[i].empty()) {
      problems.note("tokens", i, "is \"\", should be a text");
      break;
    }
    out.push_back(
        {.id = static_cast<int64_t>(i), .content = given.tokens[i], .special = type == kControl});
  }
  return out;
}

std::vector<Merge> merges_of(const std::vector<std::string>& lines, const TokenIds& ids,
                             GgmlProblems& problems) {
  std::vector<Merge> out;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::optional<TokenPair> pair = pair_of_line(lines[i]);
    const std::string wrong =
        pair ? add_merge(ids, *pair, out)
             : "is \"" + lines[i] + "\", should be two tokens with a space between them";
    if (wrong.empty()) continue;
    problems.note("merges", i, wrong);
    break;
  }
  return out;
}

PreTokenizer pre_tokenizer_of(const KnownPreTokenizer& known, const std::string& where) {
  std::vector<Expression> steps;
  for (const char* pattern : known.patterns) steps.emplace_back(pattern, where);
  return {std::move(steps), PreTokenizer::Prefix::none, std::nullopt};
}

std::string names_of_pre_tokenizers() {
  std::string names;
  for (const auto& [name, known] : known_pre_tokenizers())
    names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace

Bpe make_ggml_tokenizer(GgmlTokenizer given, const std::string& where) {
  GgmlProblems problems{where};
  const auto known = known_pre_tokenizers().find(given.pre);
  if (known == known_pre_tokenizers().end())
    problems.note("pre", "is \"" + given.pre + "\", should be one of " + names_of_pre_tokenizers());
  if (given.token_type.size() != given.tokens.size())
    problems.note("token_type", "has " + std::to_string(given.token_type.size()) +
                                    " entries, should have one for each of " +
                                    std::to_string(given.tokens.size()) + " tokens");
  const int64_t size = static_cast<int64_t>(given.tokens.size());
  for (const std::vector<int64_t>* ids : {&given.begin, &given.end})
    for (const int64_t id : *ids)
      if (id < 0 || id >= size)
        problems.note(ids == &given.begin ? "bos_token_id" : "eos_token_id",
                      "is " + std::to_string(id) + ", should be below " + std::to_string(size));
  if (!problems.all.empty()) throw UserError(problems.all);
  const TokenIds ids = ids_of(given.tokens, problems);
  BpeParts parts{.merges = merges_of(given.merges, ids, problems),
                 .added = added_of(given, problems),
                 .pre_tokenizer = pre_tokenizer_of(known->second, where),
                 .ignore_merges = known->second.ignore_merges,
                 .begin = std::move(given.begin),
                 .end = std::move(given.end)};
  if (!problems.all.empty()) throw UserError(problems.all);
  parts.tokens = std::move(given.tokens);
  return Bpe(std::move(parts));
}

}  // namespace facet::layers
