// Compiled once for all the broken plugins.
#include "nothing.h"

namespace {

struct NothingParams {};

class Nothing final : public facet::Analysis {
 public:
  explicit Nothing(const NothingParams&) {}
  facet::Needs needs() const override { return {}; }
  facet::Report run(facet::Context&) override { return {}; }
};

}  // namespace

void add_nothing(facet::Registry& registry, const char* name) {
  registry.add_analysis<Nothing>(name, "Does nothing.", facet::Schema<NothingParams>());
}
