// Intervene: what changes when latents of an SAE are edited inside the live host.
#include "intervene.h"

#include <facet/torch.h>

#include <algorithm>

#include "continuations.h"
#include "curve.h"
#include "doses.h"
#include "edits.h"

using namespace facet;

namespace intervene {
namespace {

// Pictures of a report: one for each of the first latents.
constexpr size_t kPictures = 8;

EditHow how_of(const InterveneParams& p) {
  return {edit_kind(p.edit),          p.only_active, p.error_term,
          splice_from(p.splice_from), p.at,          {p.positions, p.specials}};
}

Plan plan_of(const InterveneParams& p, const HostModel& host) {
  Plan plan;
  std::vector<int64_t> latents = p.latents;
  std::sort(latents.begin(), latents.end());
  latents.erase(std::unique(latents.begin(), latents.end()), latents.end());
  if (p.together)
    plan.groups = {latents};
  else
    for (const int64_t latent : latents) plan.groups.push_back({latent});
  plan.amounts = p.amounts.empty() ? std::vector<double>{0} : p.amounts;
  plan.controls = p.controls;
  plan.watch = single_tokens("intervene", "watch", p.watch, host);
  plan.infill = p.infill;
  return plan;
}

}  // namespace

Needs Intervene::needs() const {
  return {.host = true, .sae = true, .records = params_.prompts.empty()};
}

Report Intervene::run(Context& context) {
  const torch::NoGradGuard no_gradients;
  HostModel& host = context.host();
  check_latents("intervene", params_.latents, context.sae().d_sae());
  const Plan plan = plan_of(params_, host);
  Intervention intervention(host, context.sae(), context.normaliser(), context.place(),
                            how_of(params_));
  if (params_.generate > 0) check_continues(host, intervention);
  const std::vector<Prompt> prompts =
      prompts_of("intervene", params_.prompts, params_.most_prompts, context);
  const std::vector<Measured> measured = measure(context, intervention, prompts, plan);
  const std::vector<CurvePoint> curve = curve_of(measured, plan);

  Report report;
  report.values = curve_figures(measured, curve, plan, context.rng("bootstrap"));
  report.values.insert(report.values.begin(),
                       {"prompts", static_cast<int64_t>(prompts.size()), "texts that were tried"});
  report.tables.push_back(context.write("doses.tsv",
                                        "Each latent at each amount (" + params_.edit +
                                            "): means over prompts, beside random directions.",
                                        curve_table(curve, plan)));
  report.tables.push_back(context.write("prompts.tsv", "The same of each prompt.",
                                        prompts_table(measured, plan, prompts), 0));
  if (!plan.watch.empty())
    report.tables.push_back(context.write("watched.tsv", "Every watched token in each prompt.",
                                          watch_table(measured, plan, prompts, params_.watch)));
  if (!plan.infill.empty())
    report.tables.push_back(context.write("infilled.tsv",
                                          "What stands at masked positions, by itself and edited.",
                                          infill_table(measured, plan, prompts, host)));
  if (params_.generate > 0) {
    const GenerateParams how{params_.generate, params_.temperature, params_.top_p};
    report.tables.push_back(
        context.write("continued.tsv", "How each prompt goes on, by itself and edited.",
                      continuations(context, intervention, prompts, plan, how)));
  }
  if (plan.amounts.size() > 1)
    for (size_t group = 0; group < std::min(plan.groups.size(), kPictures); ++group)
      report.plots.push_back(curve_plot(curve, plan, group));
  return report;
}

}  // namespace intervene
