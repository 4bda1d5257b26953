// Ends the process when the library is loaded: its tag must be read before that.
#pragma once

#include <cstdlib>

#include "nothing.h"

[[gnu::constructor]] static void on_load() { std::abort(); }
