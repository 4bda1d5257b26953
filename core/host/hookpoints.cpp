// Matches selectors against canonical names and aliases.
#include "host/hookpoints.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "facet/error.h"

namespace facet {

namespace {

struct Range {
  std::string before, after;
  int64_t first = 0, last = 0;
};

/// "layers.{4..12}" in its parts; nothing when the pattern has no braces, UserError when they are
/// no range.
std::optional<Range> parse_range(const std::string& pattern, const std::string& where) {
  const size_t open = pattern.find('{');
  if (open == std::string::npos) return std::nullopt;
  const size_t close = pattern.find('}', open);
  const size_t dots = pattern.find("..", open);
  Range range;
  const auto number = [&](size_t begin, size_t end, int64_t& out) {
    const char* last = pattern.data() + end;
    const auto [at, error] = std::from_chars(pattern.data() + begin, last, out);
    return error == std::errc() && at == last && out >= 0;
  };
  if (close == std::string::npos || dots == std::string::npos || dots > close ||
      !number(open + 1, dots, range.first) || !number(dots + 2, close, range.last) ||
      range.first > range.last)
    throw UserError(where + "\"" + pattern + "\" is no range, should be like \"layers.{4..12}\"");
  range.before = pattern.substr(0, open);
  range.after = pattern.substr(close + 1);
  return range;
}

/// * stands for any letters, ? for one.
bool glob_matches(const char* pattern, const char* text) {
  if (*pattern == '*')
    return glob_matches(pattern + 1, text) || (*text && glob_matches(pattern, text + 1));
  if (!*text) return !*pattern;
  return (*pattern == '?' || *pattern == *text) && glob_matches(pattern + 1, text + 1);
}

class Selection {
 public:
  Selection(const HostInfo& info, std::string where)
      : info_(info), where_(std::move(where)), chosen_(info.points.size(), false) {}

  void add(const std::string& pattern) {
    if (pattern == "middle_half") {
      add_layers(info_.layers / 4, 3 * info_.layers / 4);
    } else if (const auto range = parse_range(pattern, where_)) {
      for (int64_t i = range->first; i <= range->last; ++i)
        add(range->before + std::to_string(i) + range->after);
    } else if (pattern.find_first_of("*?") != std::string::npos) {
      add_glob(pattern);
    } else {
      add_name(pattern);
    }
  }

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (size_t i = 0; i < chosen_.size(); ++i)
      if (chosen_[i]) out.push_back(info_.points[i].name);
    return out;
  }

 private:
  void add_layers(int64_t first, int64_t last) {
    for (int64_t i = first; i <= last; ++i) add_name("layers." + std::to_string(i));
  }

  void add_name(const std::string& name) {
    try {
      chosen_[hookpoint_index(info_, name)] = true;
    } catch (const UserError& e) {
      throw UserError(where_ + e.what());
    }
  }

  void add_glob(const std::string& pattern) {
    bool any = false;
    for (size_t i = 0; i < info_.points.size(); ++i) {
      const HookPoint& point = info_.points[i];
      if (!glob_matches(pattern.c_str(), point.name.c_str()) &&
          !glob_matches(pattern.c_str(), point.alias.c_str()))
        continue;
      any = chosen_[i] = true;
    }
    if (!any) throw UserError(where_ + info_.type + ": no hookpoint matches \"" + pattern + "\"");
  }

  const HostInfo& info_;
  std::string where_;
  std::vector<bool> chosen_;
};

bool has_point(const HostInfo& info, const std::string& name) {
  return std::any_of(info.points.begin(), info.points.end(),
                     [&](const HookPoint& point) { return point.name == name; });
}

// Of the same kind one layer on; "" when there is none.
std::string next_of(const HostInfo& info, const HookPoint& point) {
  std::string next = point.name == "embeddings" ? "blocks.0.out" : "";
  if (point.block >= 0) {
    const std::string block = "blocks." + std::to_string(point.block) + ".";
    FACET_ASSERT(point.name.starts_with(block), point.name + " is not in block " + block);
    const std::string kind = point.name.substr(block.size());
    next = "blocks." + std::to_string(point.block + 1) + "." + kind;
    if (kind == "out" && !has_point(info, next)) next = "final_norm.out";
  }
  return has_point(info, next) ? next : "";
}

std::string prefix_of(const Origin& origin, const std::string& where) {
  const std::string place = origin.text();
  return (place.empty() ? "" : place + ": ") + (where.empty() ? "" : where + ": ");
}

}  // namespace

std::vector<std::string> select_hookpoints(const HostInfo& info, const Value& selector,
                                           const std::string& where) {
  Selection selection(info, prefix_of(selector.origin, where));
  const auto add = [&](const Value& one) {
    const auto* pattern = one.as<std::string>();
    if (!pattern)
      throw UserError(prefix_of(one.origin, where) + "expected string or list of string, got " +
                      one.describe());
    selection.add(*pattern);
  };
  if (const auto* list = selector.as<Value::Array>()) {
    for (const Value& one : *list) add(one);
    if (list->empty())
      throw UserError(prefix_of(selector.origin, where) +
                      "names no hookpoint, should name at least one");
  } else {
    add(selector);
  }
  return selection.names();
}

std::vector<std::string> next_hookpoints(const HostInfo& info,
                                         const std::vector<std::string>& points,
                                         const std::string& where) {
  std::vector<std::string> out;
  for (const std::string& point : points) {
    out.push_back(next_of(info, info.points[hookpoint_index(info, point)]));
    if (out.back().empty())
      throw UserError(where + info.type + ": \"" + point +
                      "\" has no hookpoint of its kind one layer on; name one");
  }
  return out;
}

}  // namespace facet
