// Reads an OBO file into terms, and orders them from the roots down.
#include "facet/ontology.h"

#include <algorithm>
#include <utility>

#include "data/text_lines.h"
#include "facet/error.h"
#include "go/tally.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// A stanza [Term] as it stands in the file.
struct Stanza {
  int64_t line = 0;
  std::string id, name, space;
  std::vector<std::string> alternative;
  std::vector<std::string> is_a;
  std::vector<std::pair<std::string, std::string>> related;  // relationship, term
  bool obsolete = false;
};

struct Obo {
  std::vector<Stanza> terms;
  std::string version;
};

// The first word of "GO:0048308 {source=\"x\"} ! organelle inheritance".
std::string first_word(const std::string& value) {
  return value.substr(0, value.find_first_of(" \t"));
}

void take_tag(const std::string& tag, const std::string& value, Stanza& term) {
  if (tag == "id") term.id = first_word(value);
  if (tag == "name") term.name = value;
  if (tag == "namespace") term.space = first_word(value);
  if (tag == "alt_id") term.alternative.push_back(first_word(value));
  if (tag == "is_a") term.is_a.push_back(first_word(value));
  if (tag == "is_obsolete") term.obsolete = first_word(value) == "true";
  if (tag == "relationship") {
    const size_t space = value.find(' ');
    if (space == std::string::npos) return;
    const size_t target = value.find_first_not_of(' ', space);
    if (target != std::string::npos)
      term.related.emplace_back(value.substr(0, space), first_word(value.substr(target)));
  }
}

Obo parse_obo(const fs::path& file) {
  Obo out;
  TextLines lines(file);
  bool in_term = false, in_header = true;
  std::string first;
  for (std::string line; lines.next(line);) {
    if (first.empty()) first = line;
    if (line.starts_with("[")) {
      in_header = false;
      in_term = line.starts_with("[Term]");
      if (in_term) {
        out.terms.emplace_back();
        out.terms.back().line = lines.number();
      }
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t begin = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    const std::string tag = line.substr(0, colon), value = line.substr(begin);
    if (in_header && tag == "data-version") out.version = value;
    if (in_term) take_tag(tag, value, out.terms.back());
  }
  if (out.terms.empty())
    throw UserError(file.string() +
                    ":1: no [Term] in this file, should be an OBO file; it begins " +
                    (first.empty() ? "with nothing" : "\"" + first.substr(0, 60) + "\""));
  return out;
}

std::optional<Aspect> aspect_of(const std::string& space) {
  for (const Aspect aspect : kAspects)
    if (space == full_name(aspect)) return aspect;
  return std::nullopt;
}

// Numbers in an order in which every term stands behind those that `above` gives; empty when some
// stand in a circle.
template <class Above>
std::vector<int32_t> roots_first(int32_t terms, const Above& above) {
  std::vector<std::vector<int32_t>> below(static_cast<size_t>(terms));
  std::vector<int32_t> waits(static_cast<size_t>(terms), 0), order;
  for (int32_t t = 0; t < terms; ++t)
    for (const int32_t parent : above(t)) {
      below[static_cast<size_t>(parent)].push_back(t);
      ++waits[static_cast<size_t>(t)];
    }
  for (int32_t t = 0; t < terms; ++t)
    if (waits[static_cast<size_t>(t)] == 0) order.push_back(t);
  for (size_t i = 0; i < order.size(); ++i)
    for (const int32_t child : below[static_cast<size_t>(order[i])])
      if (--waits[static_cast<size_t>(child)] == 0) order.push_back(child);
  if (order.size() < static_cast<size_t>(terms)) return {};
  return order;
}

// Terms of one circle, for the message: follows `above` among those that stand in or below one.
template <class Above>
std::string circle_text(const Ontology& ontology, const Above& above) {
  std::vector<int8_t> seen(static_cast<size_t>(ontology.size()), 0);  // 1: on the way, 2: done
  std::vector<std::pair<int32_t, size_t>> way;
  for (int32_t from = 0; from < ontology.size(); ++from) {
    if (seen[static_cast<size_t>(from)] == 0) way.emplace_back(from, 0);
    while (!way.empty()) {
      auto& [term, next] = way.back();
      seen[static_cast<size_t>(term)] = 1;
      const auto parents = above(term);
      if (next == parents.size()) {
        seen[static_cast<size_t>(term)] = 2;
        way.pop_back();
        continue;
      }
      const int32_t parent = parents[next++];
      if (seen[static_cast<size_t>(parent)] == 0) way.emplace_back(parent, 0);
      if (seen[static_cast<size_t>(parent)] != 1) continue;
      std::string text;
      bool in = false;
      for (const auto& step : way) {
        in = in || step.first == parent;
        if (in) text += ontology.term(step.first).id + " -> ";
      }
      return text + ontology.term(parent).id;
    }
  }
  return "";
}

std::string place(const fs::path& obo, const Stanza& term) {
  return obo.string() + ":" + std::to_string(term.line);
}

// Those of GO that are not obsolete, each once; `obsolete` is called with the others.
template <class Obsolete>
std::vector<const Stanza*> current_terms(const Obo& file, const fs::path& obo,
                                         PassedOverTally& tally, const Obsolete& obsolete) {
  std::vector<const Stanza*> kept;
  for (const Stanza& term : file.terms) {
    if (term.obsolete) {
      obsolete(term);
    } else if (term.id.empty() || term.name.empty()) {
      tally.add("terms without an id or a name", place(obo, term));
    } else if (!aspect_of(term.space)) {
      tally.add("terms outside the three namespaces of GO",
                place(obo, term) + ": " + term.id + ", namespace \"" + term.space + "\"");
    } else if (!kept.empty() && kept.back()->id == term.id) {
      tally.add("terms that stand in the file twice (the first one counts)",
                place(obo, term) + ": " + term.id);
    } else {
      kept.push_back(&term);
    }
  }
  if (kept.empty())
    throw UserError(obo.string() + ": none of its " + std::to_string(file.terms.size()) +
                    " terms is a current one of a namespace of GO (biological_process, "
                    "molecular_function, cellular_component)");
  return kept;
}

// Fills the edges of a term; find(id, kind) gives the number of the other end.
template <class Find>
void link(const Stanza& from, const Find& find, Ontology::Term& term) {
  for (const std::string& id : from.is_a)
    if (const auto to = find(id, "is_a")) term.parents.push_back(*to);
  const auto& known = known_relationships();
  for (const auto& [name, id] : from.related) {
    const auto which = std::find(known.begin(), known.end(), name);
    if (which == known.end()) continue;
    if (const auto to = find(id, name))
      term.related.emplace_back(static_cast<int32_t>(which - known.begin()), *to);
  }
  const auto unique = [](auto& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  unique(term.parents);
  unique(term.related);
}

void set_levels(const std::vector<int32_t>& roots_first, std::vector<Ontology::Term>& terms) {
  for (const int32_t t : roots_first) {
    Ontology::Term& term = terms[static_cast<size_t>(t)];
    for (const int32_t parent : term.parents) {
      const Ontology::Term& up = terms[static_cast<size_t>(parent)];
      term.level = term.level == 0 ? up.level + 1 : std::min(term.level, up.level + 1);
      term.depth = std::max(term.depth, up.depth + 1);
    }
  }
}

}  // namespace

const char* short_name(Aspect aspect) {
  constexpr const char* kNames[] = {"BP", "MF", "CC"};
  return kNames[static_cast<size_t>(aspect)];
}

const char* full_name(Aspect aspect) {
  constexpr const char* kNames[] = {"biological_process", "molecular_function",
                                    "cellular_component"};
  return kNames[static_cast<size_t>(aspect)];
}

const std::vector<std::string>& known_relationships() {
  static const std::vector<std::string> names = {"part_of", "regulates", "negatively_regulates",
                                                 "positively_regulates"};
  return names;
}

Ontology Ontology::read(const fs::path& obo) {
  Obo file = parse_obo(obo);
  std::stable_sort(file.terms.begin(), file.terms.end(),
                   [](const Stanza& a, const Stanza& b) { return a.id < b.id; });
  Ontology out;
  out.version_ = file.version;
  PassedOverTally tally;
  const std::vector<const Stanza*> kept =
      current_terms(file, obo, tally, [&](const Stanza& old) { out.obsolete_.insert(old.id); });
  for (const Stanza* term : kept) {
    out.by_id_.emplace(term->id, out.size());
    out.terms_.push_back({term->id, term->name, *aspect_of(term->space), 0, 0, {}, {}});
  }
  for (size_t t = 0; t < kept.size(); ++t)
    for (const std::string& id : kept[t]->alternative)
      out.by_id_.emplace(id, static_cast<int32_t>(t));
  for (size_t t = 0; t < kept.size(); ++t) {
    const auto find = [&](const std::string& id, const std::string& kind) {
      const auto to = out.find(id);
      const bool there = to && *to != static_cast<int32_t>(t);
      if (!there)
        tally.add(kind + " to a term that is not there",
                  place(obo, *kept[t]) + ": " + kept[t]->id + " to " + id);
      return there ? to : std::nullopt;
    };
    link(*kept[t], find, out.terms_[t]);
  }
  const auto above = [&](int32_t t) -> const std::vector<int32_t>& { return out.term(t).parents; };
  const std::vector<int32_t> order = roots_first(out.size(), above);
  if (order.empty())
    throw UserError(obo.string() + ": is_a goes in a circle: " + circle_text(out, above));
  set_levels(order, out.terms_);
  out.passed_over_ = tally.take();
  return out;
}

std::optional<int32_t> Ontology::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

bool Ontology::is_obsolete(const std::string& id) const { return obsolete_.contains(id); }

Closure Ontology::ancestors(const std::vector<std::string>& relationships) const {
  const auto& known = known_relationships();
  std::vector<bool> follow(known.size(), false);
  for (const std::string& name : relationships) {
    const auto which = std::find(known.begin(), known.end(), name);
    if (which == known.end()) {
      std::string all;
      for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
      throw UserError("relationships: \"" + name + "\"" + did_you_mean(name, known) +
                      ", should be of " + all + " (is_a is always followed)");
    }
    follow[static_cast<size_t>(which - known.begin())] = true;
  }
  const auto above = [&](int32_t t) {
    std::vector<int32_t> out = term(t).parents;
    for (const auto& [name, parent] : term(t).related)
      if (follow[static_cast<size_t>(name)]) out.push_back(parent);
    return out;
  };
  const std::vector<int32_t> order = roots_first(size(), above);
  if (order.empty())
    throw UserError("relationships: is_a and the chosen ones go in a circle: " +
                    circle_text(*this, above));
  std::vector<std::vector<int32_t>> sets(static_cast<size_t>(size()));
  for (const int32_t t : order) {
    std::vector<int32_t>& set = sets[static_cast<size_t>(t)];
    set.push_back(t);
    for (const int32_t parent : above(t)) {
      const auto& more = sets[static_cast<size_t>(parent)];
      set.insert(set.end(), more.begin(), more.end());
    }
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
  }
  Closure out;
  out.start.push_back(0);
  for (const auto& set : sets) {
    out.term.insert(out.term.end(), set.begin(), set.end());
    out.start.push_back(static_cast<int64_t>(out.term.size()));
  }
  return out;
}

}  // namespace facet
