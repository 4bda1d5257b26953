// Generates under edits.
#include "continuations.h"

#include <facet/torch.h>

#include <algorithm>

using namespace facet;

namespace intervene {
namespace {

std::string emit_ids(const std::vector<int64_t>& ids) {
  std::string out;
  for (const int64_t id : ids) out += (out.empty() ? "" : " ") + std::to_string(id);
  return out;
}

// The sequence with one more token, of no flag.
Tokens longer(const Tokens& tokens, int64_t id) {
  Tokens out = tokens;
  out.id = torch::cat({tokens.id, torch::tensor({id}, torch::kInt64)});
  out.flag = torch::cat({tokens.flag, torch::zeros({1}, tokens.flag.options())});
  out.start = torch::tensor({int64_t{0}, out.id.size(0)}, torch::kInt64);
  return out;
}

}  // namespace

void check_continues(HostModel& host, const Intervention& intervention) {
  if (!host.decoding())
    throw UserError("intervene: generate: " + host.info().type + " cannot generate text");
  if (intervention.needs_clean())
    throw UserError(
        "intervene: generate: this SAE reads several hookpoints at once, so new tokens would need "
        "a pass of the host by itself first; should be 0");
}

std::vector<int64_t> continued(HostModel& host, const Intervention& intervention,
                               const Tokens& prompt, const std::vector<Hook>& hooks,
                               const GenerateParams& params, Rng rng) {
  if (!intervention.how().positions.moves()) return generate(host, prompt, hooks, params, rng)[0];
  std::vector<int64_t> out;
  Tokens tokens = prompt;
  GenerateParams one = params;
  one.max_tokens = 1;
  const std::vector<int64_t>& ends = host.info().ids.end;
  while (static_cast<int64_t>(out.size()) < params.max_tokens) {
    out.push_back(generate(host, tokens, hooks, one, rng)[0][0]);
    if (!params.past_end && std::find(ends.begin(), ends.end(), out.back()) != ends.end()) break;
    tokens = longer(tokens, out.back());
  }
  return out;
}

Table continuations(Context& context, Intervention& intervention,
                    const std::vector<Prompt>& prompts, const Plan& plan,
                    const GenerateParams& params) {
  HostModel& host = context.host();
  Table out({{"prompt", "number of the prompt, from 0"},
             {"latent", "what was edited, from 0"},
             {"amount", "of the edit; 0 where it has none"},
             {"text", "the prompt"},
             {"clean", "how the host goes on by itself"},
             {"edited", "how it goes on under the edit"},
             {"clean_ids", "vocabulary ids of `clean`"},
             {"edited_ids", "vocabulary ids of `edited`"}});
  for (size_t i = 0; i < prompts.size(); ++i) {
    const std::string purpose = "continuation/" + std::to_string(i);
    const auto ids_with = [&](const std::vector<Hook>& hooks) {
      return continued(host, intervention, prompts[i].tokens, hooks, params, context.rng(purpose));
    };
    const std::vector<int64_t> clean = ids_with({});
    for (const auto& group : plan.groups)
      for (const double amount : plan.amounts) {
        context.breathe();
        const std::vector<int64_t> edited = ids_with(intervention.hooks({group, amount}, nullptr));
        out.add({static_cast<int64_t>(i), group_text(group), amount, prompts[i].text,
                 host.text(clean), host.text(edited), emit_ids(clean), emit_ids(edited)});
      }
  }
  return out;
}

}  // namespace intervene
