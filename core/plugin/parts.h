// What a Registry holds: parts by kind and name, and the files that the plugins came from.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "facet/plugin.h"

namespace facet {

struct Registry::Parts {
  std::string plugin = "facet";                          // parts are added on its behalf
  std::map<std::string, std::filesystem::path> plugins;  // id -> canonical file
  std::map<std::string, SaePart> saes;
  std::map<std::string, HostPart> hosts;
  std::map<std::string, DataPart> data;
  std::map<std::string, AnalysisPart> analyses;
  std::map<std::string, NormaliserPart> normalisers;
};

/// Calls f(kind, parts by name) for each kind of part, in the order that lists show.
template <class Parts, class F>
void for_each_kind(Parts& parts, F&& f) {
  f("sae", parts.saes);
  f("host", parts.hosts);
  f("data", parts.data);
  f("analysis", parts.analyses);
  f("normaliser", parts.normalisers);
}

}  // namespace facet
