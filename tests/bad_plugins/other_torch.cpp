// Built for another LibTorch.
#include "never_loaded.h"

#undef TORCH_VERSION
#define TORCH_VERSION "2.9.1"

FACET_PLUGIN("bad.other_torch", "1.0.0") { add_nothing(registry, "nothing"); }
