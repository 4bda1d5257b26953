// Throws c10::Error after its first part.
#include <c10/util/Exception.h>

#include "nothing.h"

FACET_PLUGIN("bad.fill_throws_torch_error", "1.0.0") {
  add_nothing(registry, "nothing");
  TORCH_CHECK(false, "shapes disagree");
}
