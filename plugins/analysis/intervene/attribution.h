// The analysis `attribution`.
#pragma once

#include <facet/analysis.h>
#include <facet/schema.h>

#include <cstdint>
#include <string>
#include <vector>

namespace intervene {

struct AttributionParams {
  std::vector<std::string> prompts;
  std::vector<std::string> patches;
  std::string answer;
  std::string other;
  int64_t position = -1;
  int64_t steps = 10;
  int64_t exact = 50;
  int64_t whole = 5;
};
facet::Schema<AttributionParams> attribution_schema();

class Attribution final : public facet::Analysis {
 public:
  explicit Attribution(const AttributionParams& params) : params_(params) {}
  facet::Needs needs() const override { return {.host = true, .sae = true}; }
  facet::Report run(facet::Context& context) override;

 private:
  AttributionParams params_;
};

}  // namespace intervene
