// Bodies of the interrupt flag.
#include "base/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace facet {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;  // NOLINT: a signal handler can reach nothing else

extern "C" void on_signal(int signal) {
  if (asked_to_stop != 0 && signal == SIGINT) _exit(130);
  asked_to_stop = 1;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR2}) sigaction(signal, &action, nullptr);
}

bool interrupted() { return asked_to_stop != 0; }
void set_interrupted(bool value) { asked_to_stop = value ? 1 : 0; }

}  // namespace facet
