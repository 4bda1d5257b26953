// Puts specials and pads around what the tokenizer gives.
#include "texts.h"

#include <facet/torch.h>

#include "facet/error.h"

namespace facet::llama {

namespace {

/// The ids of a text, cut to what the context leaves beside `specials`.
std::vector<int64_t> ids_of_text(const layers::Bpe& bpe, const TextPolicy& policy, int64_t specials,
                                 const std::string& text, const std::string& where) {
  std::vector<int64_t> ids = bpe.encode(text, where);
  const int64_t tokens = static_cast<int64_t>(ids.size()) + specials;
  if (tokens <= policy.context) return ids;
  if (!policy.truncate)
    throw UserError(where + ": " + std::to_string(tokens) + " tokens exceed the context of " +
                    std::to_string(policy.context) +
                    "; set host.longer = \"truncate\" to cut it there, or data.max_length");
  ids.resize(static_cast<size_t>(std::max<int64_t>(policy.context - specials, 0)));
  return ids;
}

}  // namespace

Tokens tokenize(const layers::Bpe& bpe, const TextPolicy& policy,
                std::span<const std::string> texts) {
  std::vector<int64_t> all, start = {0};
  std::vector<uint8_t> flags;
  const auto add = [&](const std::vector<int64_t>& ids, RowFlag flag) {
    all.insert(all.end(), ids.begin(), ids.end());
    flags.insert(flags.end(), ids.size(), flag);
  };
  const auto specials = static_cast<int64_t>(policy.begin.size() + policy.end.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    add(policy.begin, kSpecial);
    add(ids_of_text(bpe, policy, specials, texts[i], "llama: text " + std::to_string(i)), kContent);
    add(policy.end, kSpecial);
    const int64_t tokens = static_cast<int64_t>(all.size()) - start.back();
    if (tokens > 0 && tokens < policy.padded)
      add(std::vector<int64_t>(static_cast<size_t>(policy.padded - tokens), policy.pad), kPad);
    start.push_back(static_cast<int64_t>(all.size()));
  }
  return {torch::tensor(all, torch::kInt64), torch::tensor(start, torch::kInt64),
          torch::arange(static_cast<int64_t>(texts.size()), torch::kInt64),
          torch::tensor(flags, torch::kUInt8)};
}

}  // namespace facet::llama
