// The tables of an intervention.
#include <facet/error.h>
#include <facet/torch.h>

#include "curve.h"

using namespace facet;

namespace intervene {
namespace {

Value number_or_empty(const std::optional<Band>& band, double Band::*member) {
  return band ? Value((*band).*member) : Value("");
}

void add_band(std::vector<Column>& columns, const std::string& of) {
  columns.push_back({"control_" + of, "mean of the same over the random directions"});
  columns.push_back({"control_" + of + "_low", "their 2.5 % quantile"});
  columns.push_back({"control_" + of + "_high", "their 97.5 % quantile"});
}

void add_band(std::vector<Value>& row, const std::optional<Band>& band) {
  for (double Band::*member : {&Band::mean, &Band::low, &Band::high})
    row.push_back(number_or_empty(band, member));
}

std::optional<Band> over_controls(const Measured& one,
                                  const std::function<double(const Effect&)>& number) {
  std::vector<double> values;
  for (const Effect& effect : one.controls) values.push_back(number(effect));
  return band_of(values);
}

std::vector<Column> dose_columns(bool of_prompts) {
  std::vector<Column> out;
  if (of_prompts) out.push_back({"prompt", "number of the prompt, from 0"});
  out.push_back({"latent", "what was edited, from 0"});
  out.push_back({"amount", "of the edit; 0 where it has none"});
  return out;
}

std::vector<Value> dose_row(const Measured& one, const Plan& plan) {
  return {static_cast<int64_t>(one.prompt), group_text(plan.groups[one.group]),
          plan.amounts[one.amount]};
}

}  // namespace

Table curve_table(const std::vector<CurvePoint>& curve, const Plan& plan) {
  std::vector<Column> columns = dose_columns(false);
  columns.push_back({"kl", "KL(host by itself || edited), nats a token, mean over prompts"});
  add_band(columns, "kl");
  const bool watches = !plan.watch.empty();
  if (watches) {
    columns.push_back(
        {"shift", "change of the watched tokens' log-probability, nats, mean over prompts"});
    add_band(columns, "shift");
  }
  Table out(columns);
  for (const CurvePoint& point : curve) {
    std::vector<Value> row = {group_text(plan.groups[point.group]), plan.amounts[point.amount],
                              point.kl};
    add_band(row, point.control_kl);
    if (watches) {
      row.emplace_back(point.shift);
      add_band(row, point.control_shift);
    }
    out.add(std::move(row));
  }
  return out;
}

Table prompts_table(const std::vector<Measured>& measured, const Plan& plan,
                    const std::vector<Prompt>& prompts) {
  std::vector<Column> columns = dose_columns(true);
  columns.push_back({"kl", "KL(host by itself || edited), nats a token"});
  add_band(columns, "kl");
  columns.push_back({"largest_change", "of any logit of any token"});
  columns.push_back({"text", "the prompt"});
  Table out(columns);
  for (const Measured& one : measured) {
    std::vector<Value> row = dose_row(one, plan);
    row.emplace_back(one.effect.kl);
    add_band(row, over_controls(one, [](const Effect& effect) { return effect.kl; }));
    row.emplace_back(one.effect.largest);
    row.emplace_back(prompts[one.prompt].text);
    out.add(std::move(row));
  }
  return out;
}

Table watch_table(const std::vector<Measured>& measured, const Plan& plan,
                  const std::vector<Prompt>& prompts, const std::vector<std::string>& words) {
  std::vector<Column> columns = dose_columns(true);
  columns.push_back({"token", "that is watched"});
  columns.push_back({"logit", "change of its logit"});
  add_band(columns, "logit");
  columns.push_back({"log_probability", "change of its log-probability, nats"});
  add_band(columns, "log_probability");
  columns.push_back({"text", "the prompt"});
  Table out(columns);
  for (const Measured& one : measured)
    for (size_t i = 0; i < words.size(); ++i) {
      std::vector<Value> row = dose_row(one, plan);
      row.emplace_back(words[i]);
      for (double Watched::*member : {&Watched::logit, &Watched::log_probability}) {
        const auto number = [i, member](const Effect& effect) { return effect.watched[i].*member; };
        row.emplace_back(number(one.effect));
        add_band(row, over_controls(one, number));
      }
      row.emplace_back(prompts[one.prompt].text);
      out.add(std::move(row));
    }
  return out;
}

Table infill_table(const std::vector<Measured>& measured, const Plan& plan,
                   const std::vector<Prompt>& prompts, const HostModel& host) {
  std::vector<Column> columns = dose_columns(true);
  columns.insert(columns.end(), {{"position", "that was masked, from 0"},
                                 {"was", "the token that stands there"},
                                 {"clean", "the host's most likely token by itself"},
                                 {"clean_probability", "of that token"},
                                 {"edited", "its most likely token under the edit"},
                                 {"edited_probability", "of that token"}});
  Table out(columns);
  for (const Measured& one : measured)
    for (size_t i = 0; i < one.clean.size(); ++i) {
      std::vector<Value> row = dose_row(one, plan);
      const int64_t at = plan.infill[i];
      row.emplace_back(at);
      row.emplace_back(token_text(prompts[one.prompt].tokens.id[at].item<int64_t>(), host));
      for (const Guess& guess : {one.clean[i], one.edited[i]}) {
        row.emplace_back(token_text(guess.id, host));
        row.emplace_back(guess.probability);
      }
      out.add(std::move(row));
    }
  return out;
}

}  // namespace intervene
