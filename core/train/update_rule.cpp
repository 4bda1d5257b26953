// Which rule a word stands for.
#include "train/update_rule.h"

#include <facet/torch.h>

#include "facet/error.h"
#include "tensor/waiting_rows.h"
#include "train/trainer.h"

namespace facet {

UpdateRule::~UpdateRule() = default;
void UpdateRule::step_rows(Tensor&, int64_t, const GradientRows&, const Moment&) {
  FACET_ASSERT(false, "a rule that takes rows must say how");
}
std::unique_ptr<WaitingRows> UpdateRule::waiting_rows(const Tensor&, int64_t) const {
  return nullptr;
}
void UpdateRule::finish(Tensor&) const {}
void UpdateRule::forget(const Tensor& value, int64_t axis, const Tensor& places) {
  for (auto& [name, tensor] : state())
    if (tensor.sizes() == value.sizes()) tensor.index_fill_(axis, places, 0);
}

std::vector<std::string> optimiser_words() { return {"adam", "signum", "muon"}; }

std::unique_ptr<UpdateRule> make_rule(const TrainParams& params, const Tensor& value) {
  if (params.optimiser == "signum") return signum_rule(params, value);
  if (params.optimiser == "adam") return adam_rule(params, value, AdamRate::all);
  FACET_ASSERT(params.optimiser == "muon", "no optimiser \"" + params.optimiser + "\"");
  if (value.dim() == 2) return muon_rule(params, value);
  return adam_rule(params, value, AdamRate::vectors);
}

}  // namespace facet
