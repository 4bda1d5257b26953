// Calls into a plugin are wrapped once: whatever it throws leaves as a UserError with the plugin's
// id in front.
#pragma once

#include <string>
#include <utility>

#include "facet/error.h"

namespace facet {

/// Rethrows the current exception: UserError, Stopped and Bug as they are but for the id in front
/// of a problem that does not carry it yet; anything else as UserError "id: text".
[[noreturn]] void rethrow_as(const std::string& plugin);

/// The same for a call in which the caller's own code runs beside the plugin's (a training: data,
/// host, script): a UserError says by itself whose it is and leaves as it is.
[[noreturn]] void rethrow_beside(const std::string& plugin);

template <class Call>
auto call_beside_plugin(const std::string& plugin, Call&& call)
    -> decltype(std::forward<Call>(call)()) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    rethrow_beside(plugin);
  }
}

template <class Call>
auto call_plugin(const std::string& plugin, Call&& call) -> decltype(std::forward<Call>(call)()) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    rethrow_as(plugin);
  }
}

}  // namespace facet
