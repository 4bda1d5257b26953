// The registry: adds parts under unique names and finds them again.
#include <utility>

#include "facet/plugin.h"
#include "plugin/call.h"
#include "plugin/parts.h"

namespace facet {
namespace {

constexpr size_t kFewNames = 12;  // a message lists them all

// Constructing a part is a call into its plugin.
template <class Interface, class... Given>
void guard_make(PartOf<Interface, Given...>& part) {
  part.make = [plugin = part.plugin, make = std::move(part.make)](const AnyParams& params,
                                                                  Given... given) {
    return call_plugin(plugin, [&] { return make(params, given...); });
  };
}

template <class Entry>
void add_to(std::map<std::string, Entry>& known, Entry part, const std::string& plugin) {
  part.plugin = plugin;
  const auto there = known.find(part.name);
  if (there != known.end())
    throw UserError(plugin + ": " + part.kind + " \"" + part.name + "\" is already registered by " +
                    there->second.plugin);
  guard_make(part);
  known.emplace(part.name, std::move(part));
}

// "where: no sae "topkk" (did you mean "topk"?)", or with all names when they are few.
[[noreturn]] void refuse(const std::string& where, const std::string& kind, const std::string& name,
                         const std::vector<std::string>& known) {
  std::string advice = did_you_mean(name, known);
  if (advice.empty() && !known.empty() && known.size() <= kFewNames) {
    for (const std::string& other : known) advice += (advice.empty() ? " (known: " : ", ") + other;
    advice += ")";
  }
  if (known.empty()) advice = " (no plugin with one is loaded)";
  throw UserError((where.empty() ? "" : where + ": ") + "no " + kind + " \"" + name + "\"" +
                  advice);
}

template <class Entry>
const Entry& find_in(const std::map<std::string, Entry>& known, const std::string& kind,
                     const std::string& name, const std::string& where) {
  const auto there = known.find(name);
  if (there != known.end()) return there->second;
  std::vector<std::string> names;
  for (const auto& [other, part] : known) names.push_back(other);
  refuse(where, kind, name, names);
}

}  // namespace

Registry::Registry() : parts_(std::make_unique<Parts>()) {}
Registry::~Registry() = default;

void Registry::set_plugin(const std::string& id) { parts_->plugin = id; }

void Registry::add(SaePart part) { add_to(parts_->saes, std::move(part), parts_->plugin); }
void Registry::add(HostPart part) { add_to(parts_->hosts, std::move(part), parts_->plugin); }
void Registry::add(DataPart part) { add_to(parts_->data, std::move(part), parts_->plugin); }
void Registry::add(AnalysisPart part) { add_to(parts_->analyses, std::move(part), parts_->plugin); }
void Registry::add(NormaliserPart part) {
  add_to(parts_->normalisers, std::move(part), parts_->plugin);
}

const SaePart& Registry::sae(const std::string& name, const std::string& where) const {
  return find_in(parts_->saes, "sae", name, where);
}
const HostPart& Registry::host(const std::string& name, const std::string& where) const {
  return find_in(parts_->hosts, "host", name, where);
}
const DataPart& Registry::data(const std::string& name, const std::string& where) const {
  return find_in(parts_->data, "data", name, where);
}
const AnalysisPart& Registry::analysis(const std::string& name, const std::string& where) const {
  return find_in(parts_->analyses, "analysis", name, where);
}
const NormaliserPart& Registry::normaliser(const std::string& name,
                                           const std::string& where) const {
  return find_in(parts_->normalisers, "normaliser", name, where);
}

const Part& Registry::part(const std::string& kind, const std::string& name,
                           const std::string& where) const {
  const Part* found = nullptr;
  std::vector<std::string> kinds;
  for_each_kind(*parts_, [&](const char* each, const auto& known) {
    kinds.emplace_back(each);
    if (kind == each) found = &find_in(known, kind, name, where);
  });
  if (!found) refuse(where, "kind of part", kind, kinds);
  return *found;
}

std::vector<const Part*> Registry::parts() const {
  std::vector<const Part*> all;
  for_each_kind(*parts_, [&](const char*, const auto& known) {
    for (const auto& [name, part] : known) all.push_back(&part);
  });
  return all;
}

}  // namespace facet
