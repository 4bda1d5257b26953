// The conditions and their texts.
#include "train/watch.h"

#include "facet/table.h"

namespace facet {
namespace {

constexpr double kDense = 0.1;      // of the latents, in the mean row
constexpr double kDead = 0.5;       // of the latents
constexpr double kNoBetter = 0.9;   // nmse: 1 is what an empty reconstruction has
constexpr double kJump = 3;         // times the running mean of the loss
constexpr double kMeanRate = 0.02;  // share of a step in the running mean
constexpr int64_t kSettled = 50;    // steps before the mean says something

std::string percent(double share) { return for_eyes(100 * share) + " %"; }

}  // namespace

bool Watch::first(const std::string& notice) { return said_.insert(notice).second; }

std::vector<std::string> Watch::look(const StepMetrics& m, int64_t d_sae) {
  std::vector<std::string> out;
  const auto latents = static_cast<double>(d_sae);
  if (m.l0 == 0 && first("silent"))
    out.emplace_back(
        "no latent fires (L0 is 0): lower train.lr or the weight of the sparsity term");
  if (m.l0 > kDense * latents && first("dense"))
    out.push_back("codes are dense: L0 is " + for_eyes(m.l0) + " of " + std::to_string(d_sae) +
                  " latents, should be at most 10 %: raise the weight of the sparsity term, or "
                  "lower k");
  if (m.dead > kDead && first("dead"))
    out.push_back(percent(m.dead) +
                  " of the latents are dead (train.dead_after_rows), should be at most 50 %: lower "
                  "train.lr or sae.d_sae, or give dead latents a term of their own");
  for (const auto& [name, value] : m.losses)
    if (name == "nmse" && value >= kNoBetter && first("no better"))
      out.push_back("nmse is " + for_eyes(value) +
                    " after the warm-up, hardly better than no reconstruction: raise train.lr or "
                    "lower the weight of the sparsity term");
  if (steps_ >= kSettled && m.loss > kJump * mean_ && first("jump"))
    out.push_back("the loss jumped to " + for_eyes(m.loss) + ", its running mean is " +
                  for_eyes(mean_) + ": lower train.lr, or limit gradients with train.clip");
  mean_ = steps_ == 0 ? m.loss : mean_ + kMeanRate * (m.loss - mean_);
  ++steps_;
  return out;
}

std::vector<std::string> Watch::look_at_the_end(int64_t empty_rows, int64_t d_sae) const {
  if (empty_rows == 0) return {};
  return {std::to_string(empty_rows) + " of " + std::to_string(d_sae) +
          " rows of the decoder are zero: these latents write nothing"};
}

Value Watch::state() const {
  return Value::Table{
      {"said", Value::Array(said_.begin(), said_.end())}, {"mean", mean_}, {"steps", steps_}};
}

void Watch::restore(const Value& state) {
  said_.clear();
  for (const Value& notice : state.array("said")) said_.insert(*notice.as<std::string>());
  mean_ = state.number("mean");
  steps_ = state.integer("steps");
}

}  // namespace facet
