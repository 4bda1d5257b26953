// The texts that are tried, and words of a vocabulary.
#pragma once

#include <facet/analysis.h>

#include <string>
#include <vector>

namespace intervene {

struct Prompt {
  std::string text;
  facet::Tokens tokens;  ///< of one sequence, every token flagged kPrompt beside its own flags
};

/// The texts, or where there are none the first `most` records of `data`.
///
/// analysis  its name, for messages
/// throws    UserError: no texts and no records; a text without a token
std::vector<Prompt> prompts_of(const std::string& analysis, const std::vector<std::string>& texts,
                               int64_t most, facet::Context& context);
/// One text as a prompt.
Prompt prompt_of(const std::string& analysis, const std::string& text, facet::HostModel& host);

/// The id of a text that is one token of the host, its specials aside; UserError
/// "ANALYSIS: FIELD: "TEXT" is 2 tokens of HOST, should be one".
int64_t single_token(const std::string& analysis, const std::string& field, const std::string& text,
                     const facet::HostModel& host);
std::vector<int64_t> single_tokens(const std::string& analysis, const std::string& field,
                                   const std::vector<std::string>& texts,
                                   const facet::HostModel& host);
/// What one id spells.
std::string token_text(int64_t id, const facet::HostModel& host);

/// UserError when a latent is not below d_sae, all of them together.
void check_latents(const std::string& analysis, const std::vector<int64_t>& latents, int64_t d_sae);

}  // namespace intervene
