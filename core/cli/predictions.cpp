// Runs a host twice, by itself and with an SAE in it.
#include "cli/predictions.h"

#include <facet/torch.h>

namespace facet::cli {

std::vector<Prediction> predictions(HostModel& host, Sae& sae, const Normaliser& normaliser,
                                    const Place& place, const Tokens& tokens) {
  SpliceOptions options;
  options.from = default_splice_from(host.info(), sae, place);
  Splice splice(host, sae, normaliser, place, options);
  const Want want{.logits = true};
  const Splice::Clean clean = splice.clean(tokens, want);
  const bool mixes = chooses_hookpoint(host.info(), sae, place) && clean.pass.output.defined() &&
                     !clean.pass.notes.contains("layer");
  if (mixes) return {};
  const std::vector<Hook> hooks = splice.hooks(&clean);
  Tensor changed;  // [t, vocabulary]
  {
    const std::lock_guard turn(host.turn());
    changed = host.forward(tokens, hooks, want).value;
  }
  const Tensor plain = clean.logits.value.to(torch::kCPU, torch::kFloat64).softmax(-1);
  const Tensor spliced = changed.to(torch::kCPU, torch::kFloat64).softmax(-1);
  const Tensor plain_best = plain.argmax(-1), spliced_best = spliced.argmax(-1);
  const int64_t ahead = host.info().causal ? 1 : 0, n = tokens.id.size(0);
  std::vector<Prediction> out(static_cast<size_t>(n));
  for (int64_t t = 0; t < n; ++t) {
    Prediction& one = out[static_cast<size_t>(t)];
    one.plain_best = plain_best[t].item<int64_t>();
    one.spliced_best = spliced_best[t].item<int64_t>();
    one.known = t + ahead < n;
    if (!one.known) continue;
    const auto there = tokens.id[t + ahead].item<int64_t>();
    one.plain = plain[t][there].item<double>();
    one.spliced = spliced[t][there].item<double>();
  }
  return out;
}

}  // namespace facet::cli
