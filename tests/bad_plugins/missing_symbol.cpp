// Calls a function that nobody has.
#include "nothing.h"

extern "C" void gone_from_libtorch();

FACET_PLUGIN("bad.missing_symbol", "1.0.0") {
  gone_from_libtorch();
  add_nothing(registry, "nothing");
}
