// Body of the annotations of the Lua module.
#include "lua/annotations.h"

#include "lua/handle_kinds.h"
#include "run/bound_sae.h"
#include "run/manifest.h"
#include "run/sections.h"
#include "schema/lua_annotations.h"

namespace facet {
namespace {

using lua::HandleField;

// A verb of the run as a script calls it: handles beside the keys of its section.
struct Verb {
  const char* name;
  const char* about;
  const char* section;  // "" when it has no keys of its own
  std::vector<HandleField> handles;
  const char* returns;
};

const HandleField kOnRows{"on", "facet.Activations", "The rows."};
const HandleField kSae{"sae", "facet.Sae", "The SAE."};

std::vector<Verb> verbs() {
  const std::vector<HandleField> subject = {
      {"on", "facet.Codes|facet.Activations", "What an SAE said of the rows, or the rows."},
      {"sae", "facet.Sae", "By default the codes' own."},
      {"host", "facet.Host", "By default the rows' own."},
      {"data", "facet.Data", "Records, for analyses that read them."}};
  return {
      {"host", "Loads a host model.", "host", {}, "facet.Host"},
      {"data", "Opens records to read.", "data", {}, "facet.Data"},
      {"activations",
       "Rows of a host at its hookpoints, over the records of some data.",
       "activations",
       {{"host", "facet.Host", "The model."}, {"data", "facet.Data", "The records."}},
       "facet.Activations"},
      {"sae", "Makes an SAE, or loads a finished one (`from`).", "sae", {kOnRows}, "facet.Sae"},
      {"streams",
       "Every [[activations]] of the manifest over the same host and data: a list, and by name.",
       "",
       {{"host", "facet.Host", "The model."}, {"data", "facet.Data", "The records."}},
       "facet.Activations[]"},
      {"saes",
       "Every [[sae]] of the manifest, each on the rows that its key `on` names.",
       "",
       {{"on", "facet.Activations[]", "What run:streams gave."}},
       "facet.Sae[]"},
      {"train",
       "Trains an SAE, or several together on shared passes of the host; returns the metrics of "
       "the "
       "last step and what its evaluations came to, of several by their names.",
       "train",
       {{"sae", "facet.Sae|facet.Sae[]", "What is trained."},
        {"on", "facet.Activations", "Its rows; nothing: those it was made for."},
        {"eval_on", "facet.Activations|facet.Activations[]",
         "Held-out rows, for `eval_every`; of several streams, by their names."},
        {"on_step", "fun(m: table<string, any>, state: table): boolean?",
         "Called after each step; false ends the training."}},
       "table<string, any>"},
      {"baselines",
       "Trains every [[baseline]]: something plain that is measured beside the SAE.",
       "",
       {{"like", "facet.Sae", "The trained SAE, whose `k` and `d_sae` they take."},
        kOnRows,
        {"baseline", "facet.args.baseline[]", "In place of the manifest's."}},
       "facet.Sae[]"},
      {"encode",
       "What an SAE says of every row, kept on disk; or codes that another program wrote (`from`).",
       "encode",
       {kSae, kOnRows},
       "facet.Codes"},
      {"analyze", "One analysis; returns its figures.", "analysis", subject,
       "table<string, number>"},
      {"analyze_all", "Every [[analysis]] of the manifest; returns the figures of each.", "",
       subject, "table<string, table<string, number>>"},
      {"table",
       "A table that the script worked out, as a file of the run and in its report.",
       "",
       {{"name", "string", "Of the file, artefacts/NAME.tsv."},
        {"title", "string", "A sentence for the report."},
        {"columns", "table[]", "{ name = ..., definition = ... } each."},
        {"rows", "any[][]", "One value for each column."}},
       ""},
  };
}

// "block_codes" is BlockCodes.
std::string class_name(const std::string& kind) {
  std::string name;
  bool begins = true;
  for (const char c : kind) {
    if (c != '_') name += begins ? static_cast<char>(c - 'a' + 'A') : c;
    begins = c == '_';
  }
  return name;
}

std::string method_text(const std::string& of, const lua::HandleMethod& method) {
  std::string out = "---" + method.about + "\n", names;
  for (const HandleField& param : method.params) {
    const std::string name = param.name.substr(0, param.name.find('?'));
    names += (names.empty() ? "" : ", ") + name;
    out += "---@param " + param.name + " " + param.type + " " + param.help + "\n";
  }
  return out + "---@return " + method.returns + "\nfunction " + of + ":" + method.name + "(" +
         names + ") end\n\n";
}

std::string field_lines(const std::vector<HandleField>& fields, const char* optional) {
  std::string out;
  for (const HandleField& field : fields)
    out += "---@field " + field.name + optional + " " + field.type + " " + field.help + "\n";
  return out;
}

// The classes of a verb's table, one for each part that `type` may choose; appended to `out`.
// Returns the union of their names.
std::string argument_classes(const std::string& section, const std::vector<HandleField>& handles,
                             const Registry& registry, std::string& out) {
  const std::string base = "facet.args." + section;
  const std::string more = field_lines(handles, "?");
  if (section == "activations" || section == "train" || section == "encode") {
    out += lua_class(base, "Keys of run:" + section + ".",
                     section_schema(section, Value(), registry).fields, more);
    return base;
  }
  out += lua_class(base, "Keys of every [" + section + "].", kernel_schema(section).fields, more);
  for (const Part* part : registry.parts())
    if (part->kind == part_kind(section))
      out += lua_class(base + "." + part->name + ": " + base, part->help, part->schema.fields,
                       "---@field type? \"" + part->name + "\"\n");
  std::string all = base;
  for (const Part* part : registry.parts())
    if (part->kind == part_kind(section)) all += "|" + base + "." + part->name;
  return all;
}

}  // namespace

std::string lua_annotations(const Registry& registry) {
  std::string out =
      "---@meta facet\n-- Written by `facet docs`; change the schema, not this file.\n\n";
  out += lua_class("facet.args.bind", "Keys of sae:bind.", bind_schema().docs());
  out += lua_class("facet.args.generate", "Keys of bound:generate.", continue_schema().docs());
  for (const lua::HandleKind& kind : lua::handle_kinds()) {
    const std::string name = class_name(kind.name);
    out += "---" + kind.about + "\n---@class facet." + name + "\n" + field_lines(kind.fields, "");
    if (!kind.methods.empty()) out += "local " + name + " = {}\n";
    out += "\n";
    for (const lua::HandleMethod& method : kind.methods) out += method_text(name, method);
  }
  argument_classes("baseline", {}, registry, out);
  std::string functions;
  for (const Verb& verb : verbs()) {
    std::string type;
    if (*verb.section) {
      type = argument_classes(verb.section, verb.handles, registry, out);
    } else {
      type = std::string("facet.args.") + verb.name;
      out += lua_class(type, std::string("Keys of run:") + verb.name + ".", {},
                       field_lines(verb.handles, "?"));
    }
    functions += std::string("---") + verb.about + "\n---@param keys? " + type + "\n---@return " +
                 verb.returns + "\nfunction run:" + verb.name + "(keys) end\n\n";
  }
  out += lua_class("facet.args.run", "Keys of facet.run.", manifest_schema().docs());
  out +=
      "---One run: a folder with all that it was made of and all that came out.\n"
      "---@class facet.Run\n"
      "---@field id string Hash of all that can change its result.\n"
      "---@field folder string Where it lies.\n"
      "---@field seed integer Root of every random stream.\n"
      "local run = {}\n\n" +
      functions +
      "---@class facet\n"
      "---@field version string\n"
      "local facet = {}\n\n"
      "---Opens the run; a script has one. Without keys: as the manifest says.\n"
      "---@param keys? facet.args.run\n"
      "---@return facet.Run\n"
      "function facet.run(keys) end\n\n"
      "return facet\n";
  return out;
}

}  // namespace facet
