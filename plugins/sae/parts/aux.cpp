// Bodies of the terms of dead latents.
#include "aux.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"
#include "facet/ops.h"
#include "ranks.h"
#include "terms.h"

namespace facet {
namespace {

enum class Bias { none = 1, balanced, added };
enum class Share { error_variance = 1, row, element, batch_variance, column_variance };

struct AuxKind {
  const char* word;
  Share share;
  Bias bias;
  bool attached;  // the term moves the error
  bool scaled;    // by the share of dead latents
};

// As the header has them.
constexpr AuxKind kKinds[] = {
    {"variance", Share::error_variance, Bias::none, false, false},
    {"openai", Share::error_variance, Bias::balanced, false, false},
    {"scaled", Share::row, Bias::none, false, true},
    {"attached", Share::element, Bias::none, true, false},
    {"interprot", Share::element, Bias::added, true, false},
    {"rep_saes", Share::element, Bias::added, true, true},
    {"opensae", Share::column_variance, Bias::added, true, true},
    {"sparsify", Share::batch_variance, Bias::none, false, true},
};
constexpr const char* kGhost = "ghost";

// What the k largest pre-activations of each row decode to, negative ones too. [n, d]
Tensor decoded_without_relu(const AuxForm& form, const Dictionary& w, const Tensor& x, int64_t k) {
  const Tensor pre = ops::pre_activations(x, w.w_enc, w.b_enc, w.b_dec);  // [n, dead]
  Tensor rank = form.by_magnitude ? pre.detach().abs() : pre.detach();
  if (form.by_norm) rank = rank * w.w_dec.detach().norm(2, {1});
  const Tensor chosen =
      ops::keep_topk(rank, k, ops::Negatives::kept).latent.to(at::kLong).view({-1, k});  // [n, k]
  return at::zeros_like(pre).scatter(1, chosen, pre.gather(1, chosen)).matmul(w.w_dec);
}

Tensor decoded(const AuxForm& form, const Dictionary& w, const Tensor& x, int64_t k) {
  if (form.form == "scaled" || form.by_magnitude) return decoded_without_relu(form, w, x, k);
  Codes codes = ops::encode_topk(x, w.w_enc, w.b_enc, w.b_dec, k);
  if (form.form == "sparsify") codes.value = codes.value.detach();
  return ops::decode(codes, w.w_dec, Tensor());
}

// A difference of rows [n, d] or [d] in the units of the error.
Tensor scaled(const Tensor& difference, const HostUnits& units) {
  return units.differ() ? difference * units.scale.select(1, 0) : difference;
}

// What the decoder adds to ê, and the error with it. [n, d]
Tensor added(Bias bias, const AuxRows& rows) {
  const Tensor b_dec = scaled(rows.b_dec, rows.units);
  if (bias == Bias::balanced) return b_dec - b_dec.detach();
  return rows.units.differ() ? b_dec + rows.units.mean.select(1, 0) : b_dec;
}

Tensor share_of_variance(const Tensor& left, const Tensor& error, const Step& step) {
  const Tensor variance = column_variance(error, step).sum();
  const Tensor varies = variance > 0;
  return over_ranks(step, left.square().sum()) /
         at::where(varies, variance, at::ones_like(variance)) * varies;
}

Tensor measured(Share share, const Tensor& left, const Tensor& error, const Tensor& target,
                const Step& step) {
  const auto width = static_cast<double>(left.size(1));
  switch (share) {
    case Share::error_variance:
      return share_of_variance(left, error, step);
    case Share::row:
      return mean_of_rows(step, left.square().sum(1));
    case Share::element:
      return mean_of_rows(step, left.square().sum(1)) / width;
    case Share::batch_variance:
      return over_ranks(step, left.square().sum()) / column_variance(target, step).sum();
    case Share::column_variance:
      break;
  }
  return (over_ranks(step, left.square().sum(0)) / column_variance(target, step).clamp_min(1))
      .mean();
}

Loss ghost_term(const AuxForm& form, const Dictionary& dead, const Tensor& x, const Tensor& error,
                const HostUnits& units, const Step& step) {
  constexpr double kGuard = 1e-6;
  const Tensor pre = ops::pre_activations(x, dead.w_enc, dead.b_enc, dead.b_dec);
  const Tensor free = scaled(pre.exp().matmul(dead.w_dec), units);
  const Tensor size = error.norm(2, {1}, true) / (free.norm(2, {1}, true) * 2 + kGuard);
  const Tensor left = (free * size.detach() - error.detach()).square();  // [n, d]
  const Tensor scale = (error.square() / (left + kGuard)).detach();
  const Tensor term = mean_of_rows(step, (scale * left).mean(1));
  return {kGhost, term * form.coefficient};
}

}  // namespace

std::vector<std::string> aux_words() {
  std::vector<std::string> words;
  for (const AuxKind& kind : kKinds) words.emplace_back(kind.word);
  words.emplace_back(kGhost);
  return words;
}

Dictionary dead_part(const Dictionary& w, const Tensor& dead) {
  return {ops::part_of(w.w_enc, 1, dead), w.b_enc.index_select(0, dead), w.b_dec,
          ops::part_of(w.w_dec, 0, dead)};
}

Loss aux_term(const AuxForm& form, const Dictionary& dead, const AuxRows& rows, const Step& step) {
  const Tensor target = rows.target.select(1, 0);  // [n, d]
  const Tensor error = target - rows.output.select(1, 0);
  if (form.form == kGhost) return ghost_term(form, dead, rows.x, error, rows.units, step);
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const AuxKind& one) { return form.form == one.word; });
  FACET_ASSERT(kind != std::end(kKinds), "no form of auxk \"" + form.form + "\"");
  const int64_t count = dead.b_enc.size(0);
  const int64_t wanted = form.k > 0 ? form.k : std::max<int64_t>(1, rows.x.size(1) / 2);
  const Tensor given = kind->attached ? error : error.detach();
  Tensor aux = scaled(decoded(form, dead, rows.x, std::min(wanted, count)), rows.units);
  if (kind->bias != Bias::none) aux = aux + added(kind->bias, rows);
  const Tensor left = form.form == "opensae" ? given + aux : given - aux;
  const double scale =
      kind->scaled ? std::min(1.0, static_cast<double>(count) / static_cast<double>(wanted)) : 1.0;
  const Tensor term = measured(kind->share, left, given.detach(), target, step);
  return {"auxk", term * (form.coefficient * scale)};
}

Loss pre_act_term(double coefficient, const Dictionary& dead, const Tensor& threshold,
                  const Tensor& x, const Step& step) {
  const Tensor pre = ops::pre_activations(x, dead.w_enc, dead.b_enc, dead.b_dec);  // [n, dead]
  const Tensor below = (threshold.defined() ? threshold - pre : -pre).relu();
  return {"pre_act", mean_of_rows(step, below.matmul(dead.w_dec.norm(2, {1}))) * coefficient};
}

}  // namespace facet
