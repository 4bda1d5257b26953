// Dose curves: means over prompts, beside random directions.
#pragma once

#include <optional>
#include <vector>

#include "doses.h"

namespace intervene {

/// One group at one amount, over all prompts.
struct CurvePoint {
  size_t group = 0, amount = 0;
  double kl = 0;                                  ///< mean over prompts
  double shift = 0;                               ///< mean over prompts of Effect::shift()
  std::optional<Band> control_kl, control_shift;  ///< over random directions, of such means
};
/// Ordered by group, then amount.
std::vector<CurvePoint> curve_of(const std::vector<Measured>& measured, const Plan& plan);

/// The dose of largest |amount| of a group, of equals the last; the only one where nothing has an
/// amount.
const CurvePoint& largest_dose(const std::vector<CurvePoint>& curve, const Plan& plan,
                               size_t group);

/// Tables of prompts and of doses.
facet::Table curve_table(const std::vector<CurvePoint>& curve, const Plan& plan);
facet::Table prompts_table(const std::vector<Measured>& measured, const Plan& plan,
                           const std::vector<Prompt>& prompts);
facet::Table watch_table(const std::vector<Measured>& measured, const Plan& plan,
                         const std::vector<Prompt>& prompts, const std::vector<std::string>& words);
facet::Table infill_table(const std::vector<Measured>& measured, const Plan& plan,
                          const std::vector<Prompt>& prompts, const facet::HostModel& host);

/// A picture of one group's curve with the controls' band; of kl where nothing is watched.
facet::Plot curve_plot(const std::vector<CurvePoint>& curve, const Plan& plan, size_t group);

/// edit_kl and, where tokens are watched, edit_shift, of each group's largest dose; with several
/// groups the name ends with the latents'.
std::vector<facet::Figure> curve_figures(const std::vector<Measured>& measured,
                                         const std::vector<CurvePoint>& curve, const Plan& plan,
                                         facet::Rng rng);

}  // namespace intervene
