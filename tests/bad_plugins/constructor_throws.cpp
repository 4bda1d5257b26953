// Registers well; its part throws when it is made.
#include <facet/plugin.h>

#include <stdexcept>

struct ThrowerParams {};

class Thrower final : public facet::Analysis {
 public:
  explicit Thrower(const ThrowerParams&) { throw std::runtime_error("cannot be made"); }
  facet::Needs needs() const override { return {}; }
  facet::Report run(facet::Context&) override { return {}; }
};

FACET_PLUGIN("bad.constructor_throws", "1.0.0") {
  registry.add_analysis<Thrower>("thrower", "Throws.", facet::Schema<ThrowerParams>());
}
