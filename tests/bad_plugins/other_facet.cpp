// Built against other SDK headers.
#include "never_loaded.h"

#undef FACET_SDK_DIGEST
#define FACET_SDK_DIGEST "00000000"

FACET_PLUGIN("bad.other_facet", "1.0.0") { add_nothing(registry, "nothing"); }
