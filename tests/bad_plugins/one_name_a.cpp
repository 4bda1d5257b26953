// One of two plugins that register the same part.
#include "nothing.h"

FACET_PLUGIN("bad.one_name.a", "1.0.0") {
  add_nothing(registry, "only_in_a");
  add_nothing(registry, "shared");
}
