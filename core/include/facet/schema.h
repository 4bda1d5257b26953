// One description of a part's parameters, beside the plain struct that holds them: it parses,
// refuses, and documents. The defaults are the struct's member initialisers and stand nowhere else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "facet/value.h"

namespace facet {

/// How FieldDoc::type begins for a list.
inline constexpr std::string_view kListOf = "list of ";

/// The parameters of a part that has none: Schema<NoParams>().
struct NoParams {};

/// What help, reference pages and completion say of one field.
struct FieldDoc {
  std::string name;
  std::string type;  ///< "integer", "number", "string", "bool", "list of string", "table", "any"
  std::string help;  ///< one sentence
  std::string default_text;  ///< as TOML; empty: required, or nothing is set
  std::string limits;        ///< "at least 1", "one of \"a\", \"b\""; may be empty
  Value keywords;    ///< the limits as JSON Schema's keywords: { minimum = 1 }; may be empty
  std::string unit;  ///< "rows"; may be empty
  bool required = false;
  bool input_path = false;  ///< names a file or folder whose contents enter the run's identity
  bool outside_identity = false;  ///< cannot change a result: left out of the run's identity
  std::string inside_with;        ///< the field that, once set, brings this one into the identity
  std::vector<FieldDoc> fields;   ///< of a nested table
};

/// How much of a table must be there.
enum class Demand {
  whole = 1,  ///< required fields and relations are checked
  part,       ///< a script may still add fields: only each field that is there is checked
};

/// Parsed parameters with their type erased, and every field's value in force with its origin.
struct AnyParams {
  std::shared_ptr<const void> held;
  Value resolved;  ///< a table; paths absolute

  template <class P>
  const P& as() const {
    return *static_cast<const P*>(held.get());
  }
};

/// A Schema<P> with P erased: what the registry keeps of each part.
struct AnySchema {
  std::vector<FieldDoc> fields;
  std::function<AnyParams(const std::string& where, const Value& given, Demand demand,
                          std::vector<std::string>& problems)>
      parse;
};

namespace schema_detail {

// Reads v into out; "" or what is wrong ("expected integer, got string \"32\"").
std::string read(const Value& v, bool& out);
std::string read(const Value& v, int64_t& out);
std::string read(const Value& v, double& out);
std::string read(const Value& v, std::string& out);
std::string read(const Value& v, std::vector<std::string>& out);
std::string read(const Value& v, std::vector<int64_t>& out);
std::string read(const Value& v, std::vector<double>& out);
std::string read(const Value& v, Value& out);

inline Value show(bool v) { return v; }
inline Value show(int64_t v) { return v; }
inline Value show(double v) { return v; }
inline Value show(const std::string& v) { return v; }
inline Value show(const Value& v) { return v; }
Value show(const std::vector<std::string>& v);
Value show(const std::vector<int64_t>& v);
Value show(const std::vector<double>& v);

inline std::string type_name(const bool*) { return "bool"; }
inline std::string type_name(const int64_t*) { return "integer"; }
inline std::string type_name(const double*) { return "number"; }
inline std::string type_name(const std::string*) { return "string"; }
inline std::string type_name(const std::vector<std::string>*) { return "list of string"; }
inline std::string type_name(const std::vector<int64_t>*) { return "list of integer"; }
inline std::string type_name(const std::vector<double>*) { return "list of number"; }
inline std::string type_name(const Value*) { return "any"; }

template <class T>
std::string read(const Value& v, std::optional<T>& out) {
  T inner{};
  std::string wrong = read(v, inner);
  if (wrong.empty()) out = std::move(inner);
  return wrong;
}
template <class T>
Value show(const std::optional<T>& v) {
  return v ? show(*v) : Value();
}
template <class T>
std::string type_name(const std::optional<T>*) {
  return type_name(static_cast<const T*>(nullptr));
}

std::string literal(const Value& v);  // as TOML; "" for an empty value
std::string resolve_path(const Value& v,
                         std::string& path);  // makes it absolute; "" or "\"x\" does not exist"
void add_problem(std::vector<std::string>& problems, const Origin& origin, const std::string& where,
                 const std::string& what);
// Field -> word -> the table that the word stands for.
using Presets = std::map<std::string, std::map<std::string, Value>>;
// `given` and, for each of its words that is a preset, what it lacks of that preset's table.
Value with_presets(const Value& given, const Presets& presets);
void unknown_keys(const std::string& where, const Value& given, const std::vector<FieldDoc>& docs,
                  std::vector<std::string>& problems);
// A relation's message; one that begins with a field's name ("k: 5 exceeds ...") is that field's.
void add_relation(std::vector<std::string>& problems, const Value& given, const std::string& where,
                  const std::vector<FieldDoc>& docs, const std::string& says);

}  // namespace schema_detail

/// A limit on a value: its text for docs and messages, the test, and the same as JSON Schema says
/// it ({ minimum = 1 }).
struct Limit {
  std::string text;
  std::function<bool(const Value&)> holds;
  Value keywords = {};
};
Limit at_least(double least);
Limit at_most(double most);
Limit above(double bound);
Limit between(double least, double most);
Limit one_of(std::vector<std::string> words);

/// "rows", "steps", "residues": what a bare number counts.
struct Unit {
  std::string text;
};
inline Unit unit(std::string text) { return {std::move(text)}; }

struct Required {};
inline constexpr Required required{};
/// A path, relative to the file that names it; it must exist, and its contents enter the run's
/// identity.
struct InputPath {};
inline constexpr InputPath input_path{};
/// Cannot change a result (intervals of logging, names, notes).
struct OutsideIdentity {};
inline constexpr OutsideIdentity outside_identity{};
/// The same while `field` is not set, or is set to its default.
struct OutsideUnless {
  std::string field;
};
inline OutsideUnless outside_identity_unless(std::string field) { return {std::move(field)}; }

/// The schema of the plain struct P.
///
///   Schema<TopKParams>()
///       .field("k", &TopKParams::k, "Latents kept per row.", at_least(1))
///       .check([](const TopKParams& p) { return p.k <= p.d_sae; }, "k must not exceed d_sae");
///
/// Field types: bool, int64_t, double, std::string, vectors of the last three, Value (anything),
/// std::optional of these, and a nested struct with a schema of its own. A float with an exact
/// integer value (50e6) is accepted for an integer; an empty table is an empty list where a list is
/// expected.
template <class P>
class Schema {
 public:
  template <class T, class... Options>
  Schema& field(const std::string& name, T P::*member, const std::string& help,
                Options... options) {
    Field f;
    static_assert(std::is_same_v<T, std::string> || !(std::is_same_v<Options, InputPath> || ...),
                  "input_path is for a field of type std::string");
    f.doc.name = name;
    f.doc.type = schema_detail::type_name(static_cast<const T*>(nullptr));
    f.doc.help = help;
    (apply(f, options), ...);
    f.doc.default_text =
        f.doc.required ? "" : schema_detail::literal(schema_detail::show(P{}.*member));
    const std::vector<Limit> limits = f.limits;
    const bool is_path = f.doc.input_path;
    f.read = [member, limits, is_path](P& p, const Value& v, const std::string& where, Demand,
                                       std::vector<std::string>& problems) {
      T parsed{};
      std::string wrong = schema_detail::read(v, parsed);
      for (const Limit& limit : limits)
        if (wrong.empty() && !limit.holds(v)) wrong = v.describe() + ", must be " + limit.text;
      if constexpr (std::is_same_v<T, std::string>)
        if (wrong.empty() && is_path && !parsed.empty())
          wrong = schema_detail::resolve_path(v, parsed);
      if (wrong.empty())
        p.*member = std::move(parsed);
      else
        schema_detail::add_problem(problems, v.origin, where, wrong);
    };
    f.show = [member](const P& p, const Value&) { return schema_detail::show(p.*member); };
    fields_.push_back(std::move(f));
    return *this;
  }

  /// A nested table with a schema of its own.
  template <class T>
  Schema& field(const std::string& name, T P::*member, const std::string& help, Schema<T> nested) {
    Field f;
    f.doc.name = name;
    f.doc.type = "table";
    f.doc.help = help;
    f.doc.fields = nested.docs();
    f.read = [member, nested](P& p, const Value& v, const std::string& where, Demand demand,
                              std::vector<std::string>& problems) {
      p.*member = nested.parse_into(where, v, demand, problems);
    };
    f.show = [member, nested](const P& p, const Value& given) {
      return nested.resolve(p.*member, given);
    };
    fields_.push_back(std::move(f));
    return *this;
  }

  /// A relation between fields, tried when every field by itself is right.
  Schema& check(std::function<bool(const P&)> holds, std::string says) {
    return check([holds = std::move(holds), says = std::move(says)](const P& p) {
      return holds(p) ? std::string() : says;
    });
  }
  /// The same with a message made from the values: "" when the relation holds.
  Schema& check(std::function<std::string(const P&)> problem) {
    checks_.push_back(std::move(problem));
    return *this;
  }

  /// Words of the string field `name` that stand for values of other fields; what the table sets by
  /// itself wins. words: word -> table.
  Schema& presets(const std::string& name, std::map<std::string, Value> words) {
    presets_[name] = std::move(words);
    return *this;
  }

  /// The parameters; throws UserError with all problems of the table together.
  P parse(const std::string& where, const Value& given) const {
    std::vector<std::string> problems;
    P p = parse_into(where, given, Demand::whole, problems);
    if (!problems.empty()) throw UserError(problems);
    return p;
  }

  /// The same, appending problems ("file:line:column: where.key: what") instead of throwing.
  P parse_into(const std::string& where, const Value& table, Demand demand,
               std::vector<std::string>& problems) const {
    P p{};
    const size_t before = problems.size();
    const Value given = schema_detail::with_presets(table, presets_);
    if (!given.empty() && !given.is<Value::Table>() &&
        !(given.is<Value::Array>() && given.as<Value::Array>()->empty())) {
      schema_detail::add_problem(problems, given.origin, where,
                                 "expected table, got " + given.describe());
      return p;
    }
    schema_detail::unknown_keys(where, given, docs(), problems);
    for (const Field& f : fields_) {
      const Value* v = given.find(f.doc.name);
      if (v) {
        f.read(p, *v, where + "." + f.doc.name, demand, problems);
      } else if (f.doc.required && demand == Demand::whole) {
        schema_detail::add_problem(problems, given.origin, where + "." + f.doc.name, "required");
      }
    }
    if (problems.size() != before || demand == Demand::part) return p;
    for (const auto& problem : checks_)
      if (std::string says = problem(p); !says.empty())
        schema_detail::add_relation(problems, given, where, docs(), says);
    return p;
  }

  /// Every field's value in force; origins from `given` where it has the key.
  Value resolve(const P& p, const Value& given) const {
    Value out{Value::Table()};
    for (const Field& f : fields_) {
      const Value* from = given.find(f.doc.name);
      Value v = f.show(p, from ? *from : Value());
      if (v.empty()) continue;
      if (from) v.origin = from->origin;
      out.set(f.doc.name, std::move(v));
    }
    out.origin = given.origin;
    return out;
  }

  std::vector<FieldDoc> docs() const {
    std::vector<FieldDoc> out;
    for (const Field& f : fields_) out.push_back(f.doc);
    return out;
  }

  AnySchema erased() const {
    return {docs(), [self = *this](const std::string& where, const Value& given, Demand demand,
                                   std::vector<std::string>& problems) {
              auto p = std::make_shared<P>(self.parse_into(where, given, demand, problems));
              Value resolved = self.resolve(*p, given);
              return AnyParams{std::move(p), std::move(resolved)};
            }};
  }

 private:
  struct Field {
    FieldDoc doc;
    std::vector<Limit> limits;
    std::function<void(P&, const Value&, const std::string& where, Demand,
                       std::vector<std::string>&)>
        read;
    std::function<Value(const P&, const Value& given)> show;
  };

  static void apply(Field& f, const Limit& limit) {
    f.limits.push_back(limit);
    f.doc.limits += (f.doc.limits.empty() ? "" : ", ") + limit.text;
    if (const auto* keywords = limit.keywords.template as<Value::Table>())
      for (const auto& [key, v] : *keywords) f.doc.keywords.set(key, v);
  }
  static void apply(Field& f, const Unit& unit) { f.doc.unit = unit.text; }
  static void apply(Field& f, Required) { f.doc.required = true; }
  static void apply(Field& f, InputPath) { f.doc.input_path = true; }
  static void apply(Field& f, OutsideIdentity) { f.doc.outside_identity = true; }
  static void apply(Field& f, const OutsideUnless& unless) {
    f.doc.outside_identity = true;
    f.doc.inside_with = unless.field;
  }

  std::vector<Field> fields_;
  schema_detail::Presets presets_;
  std::vector<std::function<std::string(const P&)>> checks_;
};

/// The message of a relation between an integer field and its bound: "70000 exceeds d_sae (65536)".
std::string exceeds(int64_t is, const std::string& bound_name, int64_t bound);

}  // namespace facet
