// Tables of direct logit attribution.
#include "logit_attribution.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "direct_logits.h"
#include "prompts.h"

using namespace facet;

namespace intervene {
namespace {

using L = LogitAttributionParams;
constexpr const char* kName = "logit_attribution";

// "heaven (+4.68), earth (+4.60)"
std::string emit_words(const std::vector<std::pair<int64_t, double>>& words,
                       const HostModel& host) {
  std::string out;
  for (const auto& [id, value] : words)
    out += (out.empty() ? "" : ", ") + token_text(id, host) + (value < 0 ? " (" : " (+") +
           for_eyes(value) + ")";
  return out;
}

std::vector<int64_t> by_size(std::map<int64_t, double> size, int64_t count) {
  std::vector<int64_t> out;
  for (const auto& [latent, value] : size) out.push_back(latent);
  std::stable_sort(out.begin(), out.end(), [&](int64_t a, int64_t b) { return size[a] > size[b]; });
  out.resize(std::min(out.size(), static_cast<size_t>(count)));
  return out;
}

Table words_table(const std::vector<int64_t>& latents, const DirectLogits& direct, int64_t top,
                  const HostModel& host) {
  Table out({{"latent", "number of the latent, from 0"},
             {"reads",
              "plain: w U^T; norm_weight: w times the final norm's gain, then U^T, where w "
              "is the latent's row of W_dec in the host's units"},
             {"top", "tokens of largest value"},
             {"bottom", "tokens of smallest value"},
             {"mean", "over the vocabulary"},
             {"std", "the same, population's"},
             {"skew", "mean cube of (value - mean) / std"},
             {"kurtosis", "mean fourth power of it; 3 for normal values"}});
  for (const int64_t latent : latents)
    for (const Reads reads : {Reads::plain, Reads::norm_weight}) {
      const Taken taken = direct.taken(latent, reads, top);
      out.add({latent, reads == Reads::plain ? "plain" : "norm_weight", emit_words(taken.top, host),
               emit_words(taken.bottom, host), taken.mean, taken.std, taken.skew, taken.kurtosis});
    }
  return out;
}

// What is gathered over the prompts.
struct Gathered {
  Table parts{{{"prompt", "number of the prompt, from 0"},
               {"position", "whose logits these are"},
               {"token", "that is watched"},
               {"latents", "sum over the active latents"},
               {"error", "what the SAE leaves over"},
               {"bias", "b_dec, what the normaliser adds back, and the final norm's bias"},
               {"later_blocks", "all of the last block's row that is not of the hookpoint"},
               {"logit", "of the host; the parts' sum but for rounding"},
               {"text", "the prompt"}}};
  Table latents{{{"prompt", "number of the prompt, from 0"},
                 {"position", "whose logits these are"},
                 {"latent", "that is active there, strongest first"},
                 {"activation", "its value"},
                 {"token", "that is watched"},
                 {"contribution", "to its logit, the final norm's divisor held"}}};
  std::map<int64_t, double> size;  ///< of each latent: sum of |contribution|
  LogitParts sum;
  double gap = 0;
};

void add_prompt(Gathered& to, int64_t number, int64_t position, const std::string& text,
                DirectLogits::At at, const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    const LogitParts& p = at.parts[i];
    to.parts.add(
        {number, position, words[i], p.latents, p.error, p.bias, p.later_blocks, p.logit, text});
    to.gap = std::max(to.gap, std::abs(p.total() - p.logit));
  }
  const LogitParts& p = at.parts[0];
  to.sum = {to.sum.latents + p.latents, to.sum.error + p.error, to.sum.bias + p.bias,
            to.sum.later_blocks + p.later_blocks, to.sum.logit + p.logit};
  std::stable_sort(at.latents.begin(), at.latents.end(),
                   [](const Contribution& a, const Contribution& b) {
                     return std::abs(a.logits[0]) > std::abs(b.logits[0]);
                   });
  for (const Contribution& one : at.latents)
    for (size_t i = 0; i < words.size(); ++i) {
      to.latents.add({number, position, one.latent, one.activation, words[i], one.logits[i]});
      to.size[one.latent] += std::abs(one.logits[i]);
    }
}

std::vector<Figure> figures_of(const Gathered& from, double prompts) {
  const LogitParts& sum = from.sum;
  const auto part = [&](const std::string& name, double value, const std::string& whose) {
    return Figure{name, value / prompts,
                  "part of the first watched token's logit, mean over prompts: " + whose};
  };
  return {{"prompts", static_cast<int64_t>(prompts), "texts that were tried"},
          {"logit", sum.logit / prompts, "of the first watched token, mean over prompts"},
          part("logit_of_latents", sum.latents, "of the active latents"),
          part("logit_of_error", sum.error, "of what the SAE leaves over"),
          part("logit_of_bias", sum.bias, "of the biases"),
          part("logit_of_later_blocks", sum.later_blocks, "of all that is not of the hookpoint"),
          {"logit_gap", from.gap, "largest |sum of the parts - logit|: rounding alone"}};
}

}  // namespace

Schema<L> logit_attribution_schema() {
  return Schema<L>()
      .field("prompts", &L::prompts, "Texts that are tried; none: the records of `data`.")
      .field("most_prompts", &L::most_prompts, "Records that are tried, the first ones.",
             at_least(1))
      .field("watch", &L::watch, "Tokens, as text (\" Paris\"), whose logits are taken apart.",
             required)
      .field("position", &L::position, "Whose logits, from 0; -1: the last token's.", at_least(-1))
      .field("latents", &L::latents,
             "Latents whose direction is read over the vocabulary; none: those that contribute "
             "most.")
      .field("top", &L::top,
             "Tokens listed of each direction, at either end; and latents, where none are named.",
             at_least(1))
      .check([](const L& p) { return p.watch.empty() ? "watch: is empty" : std::string(); });
}

Needs LogitAttribution::needs() const {
  return {.host = true, .sae = true, .records = params_.prompts.empty()};
}

Report LogitAttribution::run(Context& context) {
  const torch::NoGradGuard no_gradients;
  HostModel& host = context.host();
  check_latents(kName, params_.latents, context.sae().d_sae());
  const std::vector<int64_t> ids = single_tokens(kName, "watch", params_.watch, host);
  DirectLogits direct(host, context.sae(), context.normaliser(), context.place());
  const auto prompts = prompts_of(kName, params_.prompts, params_.most_prompts, context);
  Gathered gathered;
  for (size_t i = 0; i < prompts.size(); ++i) {
    context.breathe();
    const Tokens& tokens = prompts[i].tokens;
    const int64_t position = position_in(kName, params_.position, tokens.id.size(0), i);
    add_prompt(gathered, static_cast<int64_t>(i), position, prompts[i].text,
               direct.at(tokens, position, ids), params_.watch);
  }
  Report report;
  report.values = figures_of(gathered, static_cast<double>(prompts.size()));
  report.tables.push_back(context.write(
      "logit_parts.tsv", "Each watched logit as the sum of its parts.", gathered.parts));
  report.tables.push_back(context.write("logit_latents.tsv",
                                        "What each active latent gives to each watched logit.",
                                        gathered.latents));
  const std::vector<int64_t> latents =
      params_.latents.empty() ? by_size(gathered.size, params_.top) : params_.latents;
  report.tables.push_back(context.write("latent_words.tsv",
                                        "The tokens that each latent's direction speaks for.",
                                        words_table(latents, direct, params_.top, host)));
  return report;
}

}  // namespace intervene
