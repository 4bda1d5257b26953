// Registers no part.
#include "nothing.h"

FACET_PLUGIN("bad.registers_nothing", "1.0.0") { static_cast<void>(registry); }
