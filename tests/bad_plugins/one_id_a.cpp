// One of two plugins with the same id.
#include "nothing.h"

FACET_PLUGIN("bad.one_id", "1.0.0") { add_nothing(registry, "one_id_a"); }
