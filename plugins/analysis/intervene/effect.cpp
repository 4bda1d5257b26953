// Compares logits.
#include "effect.h"

#include <facet/error.h>
#include <facet/torch.h>

using namespace facet;

namespace intervene {
namespace {

Tensor index_of(const std::vector<int64_t>& places) { return torch::tensor(places, torch::kInt64); }

// [t, vocabulary] float64 on the CPU.
Tensor log_shares(const Tensor& logits) {
  return logits.detach().cpu().to(torch::kFloat64).log_softmax(1);
}

}  // namespace

double Effect::shift() const {
  if (watched.empty()) return kl;
  double sum = 0;
  for (const Watched& one : watched) sum += one.log_probability;
  return sum / static_cast<double>(watched.size());
}

Effect effect_of(const Tensor& clean, const Tensor& edited, const Reading& reading) {
  const Tensor p = log_shares(clean), q = log_shares(edited);
  Tensor kl = (p.exp() * (p - q)).sum(1);  // [t]
  if (!reading.infill.empty()) kl = kl.index_select(0, index_of(reading.infill));
  Effect out;
  out.kl = kl.mean().item<double>();
  const Tensor change = (edited.detach().cpu() - clean.detach().cpu()).to(torch::kFloat64);
  out.largest = change.abs().max().item<double>();
  if (reading.watch.empty()) return out;
  const Tensor at = index_of(reading.at), ids = index_of(reading.watch);
  const auto mean_at = [&](const Tensor& of) {
    return of.index_select(0, at).index_select(1, ids).mean(0);  // [watch]
  };
  const Tensor logit = mean_at(change), log_probability = mean_at(q - p);
  for (int64_t i = 0; i < ids.size(0); ++i)
    out.watched.push_back({logit[i].item<double>(), log_probability[i].item<double>()});
  return out;
}

std::vector<Guess> guesses_of(const Tensor& logits, const Reading& reading) {
  std::vector<Guess> out;
  for (const int64_t at : reading.infill) {
    const Tensor shares = logits[at].detach().cpu().to(torch::kFloat64).softmax(0);
    const int64_t id = shares.argmax().item<int64_t>();
    out.push_back({id, shares[id].item<double>()});
  }
  return out;
}

Reading reading_of(const HostInfo& info, const Tokens& tokens, size_t prompt,
                   const std::vector<int64_t>& watch, const std::vector<int64_t>& infill) {
  const int64_t length = tokens.id.size(0);
  if (!infill.empty() && info.causal)
    throw UserError("intervene: infill: " + info.type +
                    " reads from left to right, should be a masked language model; use `generate`");
  if (!infill.empty() && info.ids.mask < 0)
    throw UserError("intervene: infill: " + info.type + " has no mask token");
  for (const int64_t at : infill)
    if (at >= length)
      throw UserError("intervene: infill: " + std::to_string(at) + " is beyond prompt " +
                      std::to_string(prompt) + " (" + std::to_string(length) + " tokens)");
  if (!watch.empty() && !info.causal && infill.empty())
    throw UserError("intervene: watch: " + info.type +
                    " is a masked language model, should be with `infill`");
  return {watch, info.causal ? std::vector<int64_t>{length - 1} : infill, infill};
}

Tokens masked(const Tokens& tokens, const Reading& reading, const HostInfo& info) {
  if (reading.infill.empty()) return tokens;
  Tokens out = tokens;
  out.id = tokens.id.index_fill(0, index_of(reading.infill), info.ids.mask);
  return out;
}

}  // namespace intervene
