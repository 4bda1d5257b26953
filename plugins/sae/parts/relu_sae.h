// ReluSae: every positive pre-activation is a latent (relu, p_anneal); what keeps few of them is
// the architecture's loss.
#pragma once

#include <optional>

#include "dense_sae.h"

namespace facet {

class ReluSae : public DenseSae {
 public:
  Value saelens() const override {
    if (!is_plain()) return {};
    return Value::Table{{"architecture", saelens_architecture("standard")},
                        {"apply_b_dec_to_input", centres()}};
  }

 protected:
  using DenseSae::DenseSae;

 private:
  std::optional<InferenceForm> untied_form() const override { return plain_form("relu"); }
  /// Leaves the note "sum" [n], of the rows of "active".
  Coded coded(const Tensor& pre, Mode mode) override;
  Tensor inference_threshold() const override;
};

}  // namespace facet
