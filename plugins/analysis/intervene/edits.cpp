// Hooks for each kind of edit.
#include "edits.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <array>

#include "one_hookpoint.h"

using namespace facet;

namespace intervene {
namespace {

constexpr std::array<const char*, 8> kWords = {
    "ablate",   "set",    "add",           "subtract",
    "multiply", "divide", "add_direction", "add_direction_relative"};

Tensor edited_value(const Tensor& value, EditKind kind, double amount) {
  switch (kind) {
    case EditKind::set:
      return torch::full_like(value, amount);
    case EditKind::add:
      return value + amount;
    case EditKind::subtract:
      return value - amount;
    case EditKind::multiply:
      return value * amount;
    case EditKind::divide:
      return value / amount;
    default:
      return torch::zeros_like(value);
  }
}

// `changed` where the positions say so, else the row's own bits.
Tensor only_at(const Positions& positions, const Rows& rows, const Tensor& changed) {
  const Tensor mask = positions.of(rows).to(rows.x.device()).unsqueeze(1);  // [n, 1]
  return torch::where(mask, changed.to(rows.x.scalar_type()), rows.x);
}

}  // namespace

std::vector<std::string> edit_words() { return {kWords.begin(), kWords.end()}; }

EditKind edit_kind(const std::string& word) {
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  FACET_ASSERT(found != kWords.end(), "no edit is called " + word);
  return static_cast<EditKind>(found - kWords.begin() + 1);
}

bool is_direction(EditKind kind) { return kind >= EditKind::add_direction; }

Codes change_of_codes(const Codes& codes, const std::vector<int64_t>& latents, EditKind kind,
                      double amount, bool only_active) {
  const int64_t rows = codes.rows(), count = static_cast<int64_t>(latents.size());
  const Tensor row = codes.row().to(codes.value.device());
  Tensor change = torch::zeros({rows, count}, codes.value.options());
  for (int64_t i = 0; i < count; ++i) {
    const Tensor entry = codes.latent.eq(latents[static_cast<size_t>(i)]).nonzero().flatten();
    const Tensor value =
        torch::zeros({rows}, codes.value.options())
            .index_copy(0, row.index_select(0, entry), codes.value.index_select(0, entry));
    Tensor difference = edited_value(value, kind, amount) - value;
    if (only_active) difference = torch::where(value.gt(0), difference, 0);
    change.select(1, i).copy_(difference);
  }
  return {torch::arange(rows + 1, codes.start.options()) * count,
          torch::tensor(latents, torch::kInt64).to(codes.latent.options()).repeat({rows}),
          change.flatten(), codes.d_sae};
}

Intervention::Intervention(HostModel& host, Sae& sae, const Normaliser& normaliser, Place place,
                           EditHow how)
    : host_(host),
      sae_(sae),
      normaliser_(normaliser),
      place_(std::move(place)),
      how_(std::move(how)),
      edited_(host, sae, normaliser, place_, options(true)),
      plain_(host, sae, normaliser, place_, options(false)) {}

SpliceOptions Intervention::options(bool edits) {
  SpliceOptions out;
  out.from = is_direction(how_.kind) ? SpliceFrom::difference : how_.from;
  out.error_term = how_.error_term;
  out.keep = kPad;
  out.at = how_.at;
  if (edits)
    out.edit = [this](const Codes& codes, const Rows&) {
      return change_of_codes(codes, dose_.latents, how_.kind, dose_.amount, how_.only_active);
    };
  return out;
}

bool Intervention::needs_clean() const { return !is_direction(how_.kind) && edited_.needs_clean(); }

std::vector<int64_t> Intervention::widths() const {
  std::vector<int64_t> out;
  for (const std::string& point : points())
    out.push_back(host_.info().points[hookpoint_index(host_.info(), point)].width);
  return out;
}

std::vector<Hook> Intervention::hooks(const Dose& dose, const Splice::Clean* clean,
                                      const Tensor& instead) {
  dose_ = dose;
  return is_direction(how_.kind) ? direction_hooks(instead) : code_hooks(clean, instead);
}

// The sum of the latents' rows of W_dec at one hookpoint, [d] in the host's units; unit rows for
// add_direction_relative.
Tensor Intervention::direction(size_t point) const {
  const std::vector<std::string>& outputs = place_.target.empty() ? place_.points : place_.target;
  const auto place = std::find(outputs.begin(), outputs.end(), points()[point]) - outputs.begin();
  const auto count = static_cast<int64_t>(outputs.size());
  const int64_t width = widths()[point];
  const bool each = !place_.by_layer && sae_.shape({count, count, width, width}).points_out > 1;
  const Tensor rows = decoder_rows(sae_, normaliser_, dose_.latents, each ? place : 0, place);
  return how_.kind == EditKind::add_direction_relative
             ? (rows / rows.norm(2, 1, true).clamp_min(1e-30)).sum(0)
             : rows.sum(0);
}

std::vector<Hook> Intervention::direction_hooks(const Tensor& instead) {
  std::vector<Hook> out;
  for (size_t point = 0; point < points().size(); ++point) {
    Tensor way = direction(point);
    if (instead.defined()) way = instead[static_cast<int64_t>(point)].to(way.device()) * way.norm();
    out.push_back({points()[point], [this, way, amount = dose_.amount](const Rows& rows) {
                     const Tensor h = rows.x.to(torch::kFloat32);
                     const Tensor step = amount * way.to(h.device());  // [d]
                     const bool relative = how_.kind == EditKind::add_direction_relative;
                     return only_at(how_.positions, rows,
                                    relative ? h + h.norm(2, 1, true) * step : h + step);
                   }});
  }
  return out;
}

std::vector<Hook> Intervention::code_hooks(const Splice::Clean* clean, const Tensor& instead) {
  std::vector<Hook> out = edited_.hooks(clean);
  const size_t reads = out.size() - points().size();
  std::vector<Hook> plain;
  if (instead.defined()) {
    plain = plain_.hooks(clean);
    out.insert(out.begin(), plain.begin(), plain.begin() + static_cast<int64_t>(reads));
  }
  for (size_t point = 0; point < points().size(); ++point) {
    Hook& hook = out[out.size() - points().size() + point];
    const Edit edit = hook.edit;
    const Edit without = instead.defined() ? plain[reads + point].edit : Edit();
    hook.edit = [this, edit, without, point, instead](const Rows& rows) {
      const Tensor changed = edit(rows);
      if (!without) return only_at(how_.positions, rows, changed);
      const Tensor base = without(rows).to(torch::kFloat32);
      const Tensor change = changed.to(torch::kFloat32) - base;  // [n, d]
      const Tensor side = torch::matmul(change, direction(point).to(change.device())).sign();
      const Tensor way = instead[static_cast<int64_t>(point)].to(change.device());
      return only_at(how_.positions, rows, base + (side * change.norm(2, 1)).unsqueeze(1) * way);
    };
  }
  return out;
}

}  // namespace intervene
