// The analysis `logit_attribution`.
#pragma once

#include <facet/analysis.h>
#include <facet/schema.h>

#include <cstdint>
#include <string>
#include <vector>

namespace intervene {

struct LogitAttributionParams {
  std::vector<std::string> prompts;
  int64_t most_prompts = 100;
  std::vector<std::string> watch;
  int64_t position = -1;
  std::vector<int64_t> latents;
  int64_t top = 10;
};
facet::Schema<LogitAttributionParams> logit_attribution_schema();

class LogitAttribution final : public facet::Analysis {
 public:
  explicit LogitAttribution(const LogitAttributionParams& params) : params_(params) {}
  facet::Needs needs() const override;
  facet::Report run(facet::Context& context) override;

 private:
  LogitAttributionParams params_;
};

}  // namespace intervene
