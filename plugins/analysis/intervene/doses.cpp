// The passes behind a dose curve.
#include "doses.h"

#include <facet/torch.h>

using namespace facet;

namespace intervene {
namespace {

// One unit row for each hookpoint that is written, [points, d].
Tensor random_directions(Rng& rng, const std::vector<int64_t>& widths) {
  std::vector<Tensor> out;
  for (const int64_t width : widths) {
    const Tensor row = torch::empty({width}, torch::kFloat64);
    for (int64_t i = 0; i < width; ++i) row.data_ptr<double>()[i] = rng.normal();
    out.push_back((row / row.norm()).to(torch::kFloat32));
  }
  return torch::stack(out);
}

class Passes {
 public:
  Passes(Context& context, Intervention& intervention, const Tokens& tokens)
      : host_(context.host()), intervention_(intervention), tokens_(tokens) {
    if (intervention.needs_clean()) clean_ = intervention.clean(tokens);
  }
  Tensor plain() { return logits({}); }
  Tensor edited(const Intervention::Dose& dose, const Tensor& instead = {}) {
    return logits(intervention_.hooks(dose, clean_ ? &*clean_ : nullptr, instead));
  }

 private:
  Tensor logits(const std::vector<Hook>& hooks) {
    const std::lock_guard turn(host_.turn());
    return host_.forward(tokens_, hooks, {.logits = true}).value;
  }

  HostModel& host_;
  Intervention& intervention_;
  const Tokens& tokens_;
  std::optional<Splice::Clean> clean_;
};

}  // namespace

std::string group_text(const std::vector<int64_t>& group) {
  std::string out;
  for (const int64_t latent : group) out += (out.empty() ? "" : " + ") + std::to_string(latent);
  return out;
}

std::vector<Measured> measure(Context& context, Intervention& intervention,
                              const std::vector<Prompt>& prompts, const Plan& plan) {
  Rng rng = context.rng("controls");
  std::vector<std::vector<Tensor>> directions(plan.groups.size());  // [points, d] each
  for (auto& of_group : directions)
    for (int64_t i = 0; i < plan.controls; ++i)
      of_group.push_back(random_directions(rng, intervention.widths()));
  const HostInfo& info = context.host().info();
  std::vector<Reading> readings;
  for (size_t i = 0; i < prompts.size(); ++i) {
    intervention.how().positions.check(prompts[i].tokens.id.size(0), i);
    readings.push_back(reading_of(info, prompts[i].tokens, i, plan.watch, plan.infill));
  }
  const auto total =
      static_cast<int64_t>(prompts.size() * plan.groups.size() * plan.amounts.size());
  std::vector<Measured> out;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const Tokens tokens = masked(prompts[i].tokens, readings[i], info);
    Passes passes(context, intervention, tokens);
    const Tensor clean = passes.plain();
    for (size_t group = 0; group < plan.groups.size(); ++group)
      for (size_t amount = 0; amount < plan.amounts.size(); ++amount) {
        context.breathe();
        context.events().progress("intervene", static_cast<int64_t>(out.size()), total, "doses");
        const Intervention::Dose dose{plan.groups[group], plan.amounts[amount]};
        const Tensor edited = passes.edited(dose);
        Measured one{i, group, amount, effect_of(clean, edited, readings[i]), {}, {}, {}};
        one.clean = guesses_of(clean, readings[i]);
        one.edited = guesses_of(edited, readings[i]);
        for (const Tensor& direction : directions[group])
          one.controls.push_back(effect_of(clean, passes.edited(dose, direction), readings[i]));
        out.push_back(std::move(one));
      }
  }
  return out;
}

std::optional<Band> band_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  const Tensor all = torch::tensor(values, torch::kFloat64);
  const Tensor ends = all.quantile(torch::tensor({0.025, 0.975}, torch::kFloat64));
  return Band{all.mean().item<double>(), ends[0].item<double>(), ends[1].item<double>()};
}

}  // namespace intervene
