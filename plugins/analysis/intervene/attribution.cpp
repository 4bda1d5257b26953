// Tables of attribution patching.
#include "attribution.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "patching.h"
#include "prompts.h"

using namespace facet;

namespace intervene {
namespace {

using A = AttributionParams;
constexpr const char* kAnalysis = "attribution";

// Numbers that belong together, one pair a measured latent.
struct Pairs {
  std::vector<double> estimate, exact;

  void add(double an_estimate, double measured) {
    estimate.push_back(an_estimate);
    exact.push_back(measured);
  }
  // Pearson's; not-a-number below two pairs.
  double correlation() const {
    if (estimate.size() < 2) return std::nan("");
    const Tensor both = torch::stack(
        {torch::tensor(estimate, torch::kFloat64), torch::tensor(exact, torch::kFloat64)});
    return torch::corrcoef(both)[0][1].item<double>();
  }
};

std::vector<Column> effect_columns(std::vector<Column> columns) {
  columns.insert(columns.end(),
                 {{"attrib", "(patch - clean) * gradient where everything is clean"},
                  {"integrated", "(patch - clean) * mean gradient on the way of everything"},
                  {"exact",
                   "metric with this alone patched, less the clean metric; empty: not "
                   "measured"}});
  return columns;
}

void add_effects(std::vector<Value>& row, const Effects& effects) {
  row.emplace_back(effects.attrib);
  row.emplace_back(effects.integrated);
  row.emplace_back(effects.exact ? Value(*effects.exact) : Value(""));
}

struct PatchTables {
  Table latents{effect_columns({{"prompt", "number of the prompt, from 0"},
                                {"position", "of the token, from 0"},
                                {"token", "that stands there"},
                                {"latent", "number of the latent, from 0"},
                                {"clean", "its value"},
                                {"patch", "the value it is brought to"},
                                {"gradient", "of the metric by its value"}})};
  Table residuals{effect_columns({{"prompt", "number of the prompt, from 0"},
                                  {"position", "of the token, from 0"},
                                  {"token", "that stands there"}})};
  Table whole{{{"prompt", "number of the prompt, from 0"},
               {"latent", "that is patched at all tokens at once"},
               {"attrib", "sum over tokens of (patch - clean) * gradient"},
               {"exact", "metric with it patched, less the clean metric"}}};
  Table metrics{{{"prompt", "number of the prompt, from 0"},
                 {"clean", "logit of `answer` less that of `other`"},
                 {"patch", "the same of the patch prompt; empty: zeros are the patch"},
                 {"attrib", "sum of attrib over latents and residuals"},
                 {"integrated", "sum of integrated over latents and residuals"},
                 {"text", "the prompt"}}};
};

void add_patched(PatchTables& to, int64_t number, const Prompt& prompt, Patched patched,
                 const HostModel& host) {
  const auto token_at = [&](int64_t position) {
    return token_text(prompt.tokens.id[position].item<int64_t>(), host);
  };
  std::stable_sort(patched.latents.begin(), patched.latents.end(),
                   [](const LatentEntry& a, const LatentEntry& b) {
                     return std::abs(a.effects.attrib) > std::abs(b.effects.attrib);
                   });
  for (const LatentEntry& entry : patched.latents) {
    std::vector<Value> row = {number,        entry.position, token_at(entry.position),
                              entry.latent,  entry.clean,    entry.patch,
                              entry.gradient};
    add_effects(row, entry.effects);
    to.latents.add(std::move(row));
  }
  for (size_t i = 0; i < patched.residuals.size(); ++i) {
    const auto position = static_cast<int64_t>(i);
    std::vector<Value> row = {number, position, token_at(position)};
    add_effects(row, patched.residuals[i]);
    to.residuals.add(std::move(row));
  }
  for (const WholeLatent& one : patched.whole)
    to.whole.add({number, one.latent, one.attrib, one.exact});
  to.metrics.add({number, patched.clean, patched.patch ? Value(*patched.patch) : Value(""),
                  patched.attrib, patched.integrated, prompt.text});
}

// The patch of prompt number i, of as many tokens; nothing where zeros are the patch.
std::optional<Tokens> patch_of(const std::vector<std::string>& patches, size_t i,
                               const Prompt& prompt, HostModel& host) {
  if (patches.empty()) return std::nullopt;
  const Tokens tokens = prompt_of(kAnalysis, patches[i], host).tokens;
  const int64_t is = tokens.id.size(0), should_be = prompt.tokens.id.size(0);
  if (is != should_be)
    throw UserError("attribution: patches: number " + std::to_string(i) + " has " +
                    std::to_string(is) + " tokens, should have " + std::to_string(should_be) +
                    " as its prompt");
  return tokens;
}

}  // namespace

Schema<A> attribution_schema() {
  return Schema<A>()
      .field("prompts", &A::prompts, "Texts whose latents are patched.", required)
      .field("patches", &A::patches,
             "Texts that the patched values come from, one a prompt and as long; none: zeros.")
      .field("answer", &A::answer, "The metric is the logit of this token ...", required)
      .field("other", &A::other, "... less that of this one.", required)
      .field("position", &A::position, "Whose logits, from 0; -1: the last token's.", at_least(-1))
      .field("steps", &A::steps, "Gradients on the way of `integrated`.", at_least(1))
      .field("exact", &A::exact,
             "Latents at tokens, those of largest |attrib|, whose effect is also measured, a pass "
             "each, and every residual's; 0: none.",
             at_least(0))
      .field("whole", &A::whole, "Latents that are also patched at all tokens at once.",
             at_least(0))
      .check([](const A& p) { return p.prompts.empty() ? "prompts: is empty" : std::string(); })
      .check([](const A& p) -> std::string {
        if (p.patches.empty() || p.patches.size() == p.prompts.size()) return "";
        return "patches: has " + std::to_string(p.patches.size()) + " texts, should have " +
               std::to_string(p.prompts.size()) + " as prompts, or none";
      });
}

Report Attribution::run(Context& context) {
  const torch::NoGradGuard no_gradients;
  HostModel& host = context.host();
  Metric metric;
  metric.answer = single_token(kAnalysis, "answer", params_.answer, host);
  metric.other = single_token(kAnalysis, "other", params_.other, host);
  const Place place = context.place();
  one_hookpoint(kAnalysis, place);
  PatchTables tables;
  Pairs attrib, integrated;
  const auto prompts =
      prompts_of(kAnalysis, params_.prompts, static_cast<int64_t>(params_.prompts.size()), context);
  for (size_t i = 0; i < prompts.size(); ++i) {
    context.breathe();
    context.events().progress(kAnalysis, static_cast<int64_t>(i),
                              static_cast<int64_t>(prompts.size()), "prompts");
    const Tokens& tokens = prompts[i].tokens;
    metric.position = position_in(kAnalysis, params_.position, tokens.id.size(0), i);
    Patched patched = patch_effects(host, context.sae(), context.normaliser(), place, tokens,
                                    patch_of(params_.patches, i, prompts[i], host), metric,
                                    {params_.steps, params_.exact, params_.whole});
    for (const LatentEntry& entry : patched.latents) {
      if (!entry.effects.exact) continue;
      attrib.add(entry.effects.attrib, *entry.effects.exact);
      integrated.add(entry.effects.integrated, *entry.effects.exact);
    }
    add_patched(tables, static_cast<int64_t>(i), prompts[i], std::move(patched), host);
  }
  Report report;
  report.values = {{"prompts", static_cast<int64_t>(prompts.size()), "texts that were tried"},
                   {"measured", static_cast<int64_t>(attrib.exact.size()),
                    "latents at tokens whose effect was measured by a pass of its own"},
                   {"correlation_attrib", attrib.correlation(),
                    "Pearson's correlation of attrib with exact over these"},
                   {"correlation_integrated", integrated.correlation(),
                    "Pearson's correlation of integrated with exact over these"}};
  report.tables = {
      context.write("attribution.tsv", "Latents at tokens, the strongest of each prompt first.",
                    tables.latents),
      context.write("attribution_whole.tsv", "Latents patched at all tokens at once.",
                    tables.whole),
      context.write("attribution_residuals.tsv", "What the SAE leaves over at each token.",
                    tables.residuals, 0),
      context.write("attribution_metrics.tsv", "The metric, and what the effects add up to.",
                    tables.metrics)};
  return report;
}

}  // namespace intervene
