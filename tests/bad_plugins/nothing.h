// An analysis that does nothing: the part that the broken plugins register.
#pragma once

#include <facet/plugin.h>

struct NothingParams {};

class Nothing final : public facet::Analysis {
 public:
  explicit Nothing(const NothingParams&) {}
  facet::Needs needs() const override { return {}; }
  facet::Report run(facet::Context&) override { return {}; }
};

inline void add_nothing(facet::Registry& registry, const char* name) {
  registry.add_analysis<Nothing>(name, "Does nothing.", facet::Schema<NothingParams>());
}
