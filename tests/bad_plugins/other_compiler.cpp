// Built by a compiler with the old string ABI.
#include "never_loaded.h"

#undef _GLIBCXX_USE_CXX11_ABI
#define _GLIBCXX_USE_CXX11_ABI 0

FACET_PLUGIN("bad.other_compiler", "1.0.0") { add_nothing(registry, "nothing"); }
