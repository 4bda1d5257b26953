// One of two plugins that register the same part.
#include "nothing.h"

FACET_PLUGIN("bad.one_name.b", "1.0.0") {
  add_nothing(registry, "only_in_b");
  add_nothing(registry, "shared");
}
