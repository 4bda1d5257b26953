// The analysis `intervene`.
#pragma once

#include <facet/analysis.h>

#include "params.h"

namespace intervene {

class Intervene final : public facet::Analysis {
 public:
  explicit Intervene(const InterveneParams& params) : params_(params) {}
  facet::Needs needs() const override;
  facet::Report run(facet::Context& context) override;

 private:
  InterveneParams params_;
};

}  // namespace intervene
