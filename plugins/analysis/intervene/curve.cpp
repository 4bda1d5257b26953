// Sums effects over prompts, draws them, and says them as figures.
#include "curve.h"

#include <facet/error.h>

#include <cmath>
#include <functional>

using namespace facet;

namespace intervene {
namespace {

using Number = std::function<double(const Effect&)>;

double kl_of(const Effect& effect) { return effect.kl; }
double shift_of(const Effect& effect) { return effect.shift(); }

// For each random direction the mean over `of`.
std::optional<Band> control_band(const std::vector<const Measured*>& of, const Number& number) {
  std::vector<double> means(of.front()->controls.size());
  for (const Measured* one : of)
    for (size_t i = 0; i < means.size(); ++i)
      means[i] += number(one->controls[i]) / static_cast<double>(of.size());
  return band_of(means);
}

std::vector<const Measured*> of_dose(const std::vector<Measured>& measured, size_t group,
                                     size_t amount) {
  std::vector<const Measured*> out;
  for (const Measured& one : measured)
    if (one.group == group && one.amount == amount) out.push_back(&one);
  return out;
}

std::optional<Interval> over_prompts(const std::vector<const Measured*>& of, const Number& number,
                                     Rng& rng) {
  GroupSums sums(2, of.size());
  for (size_t i = 0; i < of.size(); ++i) {
    const double columns[] = {number(of[i]->effect), 1};
    sums.add(static_cast<int64_t>(i), columns);
  }
  const auto mean = [](const std::vector<double>& s) { return std::vector<double>{s[0] / s[1]}; };
  return bootstrap(sums, mean, {.groups = "prompts"}, rng).at(0);
}

Figure figure_of(const std::string& name, const std::string& definition, double value,
                 const std::optional<Band>& control) {
  Figure out{name, value, definition};
  if (control)
    out.baselines = {{"random_directions", control->mean},
                     {"random_directions_low", control->low},
                     {"random_directions_high", control->high}};
  return out;
}

}  // namespace

std::vector<CurvePoint> curve_of(const std::vector<Measured>& measured, const Plan& plan) {
  std::vector<CurvePoint> out;
  for (size_t group = 0; group < plan.groups.size(); ++group)
    for (size_t amount = 0; amount < plan.amounts.size(); ++amount) {
      const auto of = of_dose(measured, group, amount);
      FACET_ASSERT(!of.empty(), "every dose has a prompt");
      CurvePoint point{group, amount, 0, 0, control_band(of, kl_of), control_band(of, shift_of)};
      for (const Measured* one : of) {
        point.kl += one->effect.kl / static_cast<double>(of.size());
        point.shift += one->effect.shift() / static_cast<double>(of.size());
      }
      out.push_back(point);
    }
  return out;
}

const CurvePoint& largest_dose(const std::vector<CurvePoint>& curve, const Plan& plan,
                               size_t group) {
  const CurvePoint* best = nullptr;
  for (const CurvePoint& point : curve)
    if (point.group == group &&
        (!best || std::abs(plan.amounts[point.amount]) >= std::abs(plan.amounts[best->amount])))
      best = &point;
  FACET_ASSERT(best, "every group has a dose");
  return *best;
}

Plot curve_plot(const std::vector<CurvePoint>& curve, const Plan& plan, size_t group) {
  Plot plot;
  const bool watches = !plan.watch.empty();
  std::string file = group_text(plan.groups[group]);
  for (char& letter : file)
    if (letter == ' ' || letter == '+') letter = '_';
  plot.name = "dose_" + file;
  plot.title =
      (watches ? "Shift of the watched tokens' log-probability" : "KL from the host by itself") +
      std::string(" by the amount of the edit of latent ") + group_text(plan.groups[group]) +
      (plan.controls > 0 ? ", and of the same edit along random directions as long: their "
                           "mean and the band that holds 95 % of them."
                         : ".");
  plot.x_label = "amount";
  plot.y_label = watches ? "shift (nats)" : "KL (nats a token)";
  plot.series = {{"latent " + group_text(plan.groups[group]), {}, {}}};
  if (plan.controls > 0)
    for (const char* name : {"random, mean", "random, 2.5 %", "random, 97.5 %"})
      plot.series.push_back({name, {}, {}});
  for (const CurvePoint& point : curve) {
    if (point.group != group) continue;
    const auto& control = watches ? point.control_shift : point.control_kl;
    std::vector<double> y = {watches ? point.shift : point.kl};
    if (control) y.insert(y.end(), {control->mean, control->low, control->high});
    for (size_t i = 0; i < y.size(); ++i) {
      plot.series[i].x.push_back(plan.amounts[point.amount]);
      plot.series[i].y.push_back(y[i]);
    }
  }
  return plot;
}

std::vector<Figure> curve_figures(const std::vector<Measured>& measured,
                                  const std::vector<CurvePoint>& curve, const Plan& plan, Rng rng) {
  std::vector<Figure> out;
  for (size_t group = 0; group < plan.groups.size(); ++group) {
    const CurvePoint& point = largest_dose(curve, plan, group);
    const auto of = of_dose(measured, group, point.amount);
    const std::string end = plan.groups.size() == 1 ? "" : "." + group_text(plan.groups[group]);
    const std::string dose = " at the largest amount (" + for_eyes(plan.amounts[point.amount]) +
                             ") of latent " + group_text(plan.groups[group]);
    const std::string beside = plan.controls == 0
                                   ? ""
                                   : "; baselines: mean, 2.5 % and 97.5 % quantile of " +
                                         std::to_string(plan.controls) +
                                         " random directions, with a change as long at every token";
    out.push_back(figure_of("edit_kl" + end,
                            "KL(host by itself || edited)" + dose +
                                ", nats a token; mean over tokens, then prompts" + beside,
                            point.kl, point.control_kl));
    out.back().interval = over_prompts(of, kl_of, rng);
    if (plan.watch.empty()) continue;
    out.push_back(figure_of("edit_shift" + end,
                            "change of the log-probability of the watched tokens" + dose +
                                ", nats; mean over watched tokens, then prompts" + beside,
                            point.shift, point.control_shift));
    out.back().interval = over_prompts(of, shift_of, rng);
  }
  return out;
}

}  // namespace intervene
