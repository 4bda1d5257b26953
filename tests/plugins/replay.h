// An SAE that answers with given outputs and codes, and metrics run on it.
#pragma once

#include <facet/torch.h>

#include <string>

#include "fake_context.h"

namespace facet {

/// Answers the rows of a sequential pass with given outputs [n, d] and codes [n, d_sae].
class Replay : public Sae {
 public:
  Replay(Tensor output, Tensor codes, Tensor decoder = {})
      : output_(std::move(output)),
        codes_(std::move(codes)),
        decoder_(decoder.defined() ? decoder : torch::ones({codes_.size(1), output_.size(1)})) {}
  Pass pass(const Batch& batch, Mode) override {
    const int64_t begin = at_, end = at_ += batch.input.size(0);
    return {Codes::of(codes_.slice(0, begin, end)),
            output_.slice(0, begin, end).unsqueeze(1),
            batch.target,
            {}};
  }
  Losses losses(const Pass&, const Step&) override { return {}; }
  Tensor decoder(int64_t) const override { return decoder_; }

 private:
  Tensor output_, codes_, decoder_;
  int64_t at_ = 0;
};

/// metrics over rows x [n, d], without a baseline.
struct Bench {
  explicit Bench(Tensor x, double scale = 1.0) : normaliser(scale) {
    context.x = x.unsqueeze(1);
    context.normalising = &normaliser;
  }
  Report run(Sae& sae, const std::string& figures = "main") {
    context.trained = &sae;
    const Value params = Value::Table{{"baseline", "none"}, {"figures", figures}};
    return run_analysis("metrics", params, context);
  }
  ScalingNormaliser normaliser;
  FakeContext context;
};

}  // namespace facet
