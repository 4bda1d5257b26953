// Bodies of AuxK.
#include "aux.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/ops.h"
#include "ranks.h"

namespace facet {
namespace {

Dictionary dead_part(const Dictionary& w, const Tensor& dead) {
  return {w.w_enc.t().index_select(0, dead).t(), w.b_enc.index_select(0, dead), w.b_dec,
          w.w_dec.index_select(0, dead)};
}

// What the k largest pre-activations of each row decode to, negative ones too. [n, d]
Tensor decoded_without_relu(const Dictionary& w, const Tensor& x, int64_t k, bool by_norm) {
  const Tensor pre = ops::pre_activations(x, w.w_enc, w.b_enc, w.b_dec);  // [n, dead]
  const Tensor rank = by_norm ? pre.detach() * w.w_dec.detach().norm(2, {1}) : pre.detach();
  const Tensor chosen = std::get<1>(rank.topk(k, 1));  // [n, k]
  return at::zeros_like(pre).scatter(1, chosen, pre.gather(1, chosen)).matmul(w.w_dec);
}

Tensor share_of_variance(const Tensor& left, const Tensor& error, const Step& step) {
  const Tensor mean = over_ranks(step, error.sum(0)) / rows_of_ranks(step, error);  // [d]
  const Tensor variance = over_ranks(step, (error - mean).square().sum());
  const Tensor varies = variance > 0;
  return over_ranks(step, left.square().sum()) /
         at::where(varies, variance, at::ones_like(variance)) * varies;
}

}  // namespace

std::vector<std::string> aux_words() { return {"variance", "scaled", "attached"}; }

std::optional<Loss> aux_term(const AuxForm& form, const Dictionary& w, const Tensor& x,
                             const Tensor& error, const Step& step) {
  if (form.coefficient == 0 || !step.dead.defined()) return std::nullopt;
  const Tensor dead = step.dead.nonzero().flatten();
  if (dead.size(0) == 0) return std::nullopt;
  const Dictionary part = dead_part(w, dead);
  const int64_t wanted = form.k > 0 ? form.k : std::max<int64_t>(1, x.size(1) / 2);
  const int64_t k = std::min(wanted, dead.size(0));
  if (form.form == "scaled") {
    const Tensor left = error.detach() - decoded_without_relu(part, x, k, form.by_norm);
    const double scale =
        std::min(1.0, static_cast<double>(dead.size(0)) / static_cast<double>(wanted));
    return Loss{"auxk", mean_of_rows(step, left.square().sum(1)) * (form.coefficient * scale)};
  }
  const Codes codes = ops::encode_topk(x, part.w_enc, part.b_enc, part.b_dec, k);
  const Tensor decoded = ops::decode(codes, part.w_dec, Tensor());
  if (form.form == "attached")
    return Loss{"auxk", mean_of_rows(step, (error - decoded).square().mean(1)) * form.coefficient};
  const Tensor constant = error.detach();
  return Loss{"auxk", share_of_variance(constant - decoded, constant, step) * form.coefficient};
}

}  // namespace facet
