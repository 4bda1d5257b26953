// Throws std::runtime_error after its first part.
#include <stdexcept>

#include "nothing.h"

FACET_PLUGIN("bad.fill_throws_runtime_error", "1.0.0") {
  add_nothing(registry, "nothing");
  throw std::runtime_error("no luck");
}
