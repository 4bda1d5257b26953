// Ctrl-C, SIGTERM and USR2: a flag that long work looks at between steps.
#pragma once

namespace facet {

/// From now on SIGINT, SIGTERM and SIGUSR2 set the flag; a second SIGINT ends the process at once.
void catch_interrupts();
bool interrupted();
/// Tests and --stop-after set it by hand.
void set_interrupted(bool value);

}  // namespace facet
