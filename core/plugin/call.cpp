// Turns whatever a plugin throws into an error with the plugin's id in front.
#include "plugin/call.h"

#include <c10/util/Exception.h>

#include <exception>

namespace facet {
namespace {

std::string prefixed(const std::string& plugin, const std::string& text) {
  const std::string front = plugin + ": ";
  return text.starts_with(front) ? text : front + text;
}

}  // namespace

void rethrow_as(const std::string& plugin) {
  try {
    throw;
  } catch (const UserError& e) {
    std::vector<std::string> problems;
    for (const std::string& problem : e.problems()) problems.push_back(prefixed(plugin, problem));
    throw UserError(std::move(problems));
  } catch (const Stopped&) {
    throw;
  } catch (const Bug& e) {
    throw Bug(prefixed(plugin, e.what()));
  } catch (const c10::Error& e) {
    throw UserError(prefixed(plugin, e.what_without_backtrace()));
  } catch (const std::exception& e) {
    throw UserError(prefixed(plugin, e.what()));
  } catch (...) {
    throw UserError(prefixed(plugin, "threw something that is no std::exception"));
  }
}

void rethrow_beside(const std::string& plugin) {
  try {
    throw;
  } catch (const UserError&) {
    throw;
  } catch (...) {
    rethrow_as(plugin);
  }
}

}  // namespace facet
