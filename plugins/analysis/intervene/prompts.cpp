// Turns texts into tokens.
#include "prompts.h"

#include <facet/torch.h>

#include <array>

using namespace facet;

namespace intervene {

Prompt prompt_of(const std::string& analysis, const std::string& text, HostModel& host) {
  const std::array<std::string, 1> texts = {text};
  const std::lock_guard turn(host.turn());
  Tokens tokens = host.tokenize(texts);
  if (tokens.id.size(0) == 0)
    throw UserError(analysis + ": prompts: \"" + text + "\" has no token");
  tokens.flag = tokens.flag.bitwise_or(kPrompt);
  return {text, std::move(tokens)};
}

std::vector<Prompt> prompts_of(const std::string& analysis, const std::vector<std::string>& texts,
                               int64_t most, Context& context) {
  std::vector<Prompt> out;
  for (const std::string& text : texts) out.push_back(prompt_of(analysis, text, context.host()));
  if (!out.empty()) return out;
  if (const auto records = context.records()) {
    Record record;
    while (static_cast<int64_t>(out.size()) < most && records->next(record))
      out.push_back(prompt_of(analysis, record.text, context.host()));
  }
  if (out.empty())
    throw UserError(analysis + ": prompts: there are none, nor records; should be a list of texts");
  return out;
}

int64_t single_token(const std::string& analysis, const std::string& field, const std::string& text,
                     const HostModel& host) {
  const std::array<std::string, 1> texts = {text};
  const Tokens tokens = host.tokenize(texts);
  const Tensor id = tokens.id.index({tokens.flag.bitwise_and(kSpecial).eq(0)});
  if (id.size(0) != 1)
    throw UserError(analysis + ": " + field + ": \"" + text + "\" is " +
                    std::to_string(id.size(0)) + " tokens of " + host.info().type +
                    ", should be one");
  return id[0].item<int64_t>();
}

std::vector<int64_t> single_tokens(const std::string& analysis, const std::string& field,
                                   const std::vector<std::string>& texts, const HostModel& host) {
  std::vector<int64_t> out;
  for (const std::string& text : texts) out.push_back(single_token(analysis, field, text, host));
  return out;
}

std::string token_text(int64_t id, const HostModel& host) {
  const std::array<int64_t, 1> ids = {id};
  return host.text(ids);
}

void check_latents(const std::string& analysis, const std::vector<int64_t>& latents,
                   int64_t d_sae) {
  std::vector<std::string> problems;
  for (const int64_t latent : latents)
    if (latent < 0 || latent >= d_sae)
      problems.push_back(analysis + ": latents: " + std::to_string(latent) + ", should be 0 .. " +
                         std::to_string(d_sae - 1) + " (d_sae is " + std::to_string(d_sae) + ")");
  if (!problems.empty()) throw UserError(problems);
}

}  // namespace intervene
