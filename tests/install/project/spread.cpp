// An analysis of a foreign project: how widely the activations of latents spread.
#include <facet/plugin.h>
#include <facet/torch.h>

using namespace facet;

namespace {

struct SpreadParams {
  int64_t rows = 1000;
};

class Spread final : public Analysis {
 public:
  explicit Spread(const SpreadParams& p) : rows_(p.rows) {}
  Needs needs() const override { return {.codes = true}; }

  Report run(Context& context) override {
    const int64_t rows = std::min(rows_, context.codes().rows());
    const Tensor value = context.codes().slice(0, rows).value;
    const double spread = value.numel() > 1 ? value.std().item<double>() : 0.0;
    return {{{"spread", spread, "standard deviation of the active values", {}}}, {}};
  }

 private:
  int64_t rows_;
};

}  // namespace

FACET_PLUGIN("org.example.spread", "1.0.0") {
  registry.add_analysis<Spread>(
      "spread", "Spread of the active values.",
      Schema<SpreadParams>().field("rows", &SpreadParams::rows, "Rows looked at.", at_least(1)));
}
