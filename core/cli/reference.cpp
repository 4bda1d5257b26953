// facet list, facet help and facet docs: what the schemas say.
#include <algorithm>
#include <iostream>

#include "activations/activation_stream.h"
#include "base/files.h"
#include "cli/commands.h"
#include "lua/annotations.h"
#include "run/manifest.h"
#include "run/manifest_json_schema.h"
#include "run/sections.h"
#include "schema/reference.h"
#include "train/trainer.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* name;
  const char* title;
  const char* about;
};
constexpr Kind kKinds[] = {
    {"sae", "SAE architectures", "`[sae]`: `type` is one of these."},
    {"host", "Host models", "`[host]`: `type` is one of these."},
    {"data", "Data sources", "`[data]`: `type` is one of these."},
    {"analysis", "Analyses", "`[[analysis]]`: `type` is one of these."},
    {"normaliser", "Normalisers",
     "`normalize` in `[activations]` is one of these, by name or as a table with `type`."},
};

std::vector<FieldDoc> fields_of_section(const std::string& section) {
  if (section == "manifest") return manifest_schema().docs();
  if (section == "activations") return stream_schema().docs();
  if (section == "train") return train_schema().docs();
  if (section == "encode") return encode_schema().docs();
  if (section == "baseline") return kernel_schema(section).fields;
  return {};
}

constexpr Kind kSections[] = {
    {"manifest", "The manifest's own keys", "The keys above the sections."},
    {"activations", "`[activations]`", "Rows of a host at its hookpoints."},
    {"train", "`[train]`", "How long and how an SAE is trained."},
    {"baseline", "`[[baseline]]`",
     "Something plain that is trained and measured beside the SAE. Its other keys are those of the "
     "SAE architecture that `type` names; `k` and `d_sae` are the SAE's where they are not set."},
    {"encode", "`[encode]`",
     "What an SAE says of every row, kept on disk; or codes that another program wrote."},
};

constexpr char kGenerated[] =
    "<!-- Written by `facet docs`; change the schema, not this page. -->\n";

std::string page_of(const Kind& kind, const Registry& registry) {
  std::string out = std::string(kGenerated) + "# " + kind.title + "\n\n" + kind.about + "\n";
  const AnySchema kernel = kernel_schema(kind.name);
  if (std::string(kind.name) != "normaliser")
    out += "\n## Keys of every " + std::string(kind.name) + "\n\n" + reference_table(kernel.fields);
  for (const Part* part : registry.parts())
    if (part->kind == kind.name)
      out += "\n## " + part->name + "\n\n" + part->help + "\n\n" +
             reference_table(part->schema.fields);
  return out;
}

std::string sections_page() {
  std::string out = std::string(kGenerated) + "# Sections of a manifest\n";
  for (const Kind& section : kSections)
    out += std::string("\n## ") + section.title + "\n\n" + section.about + "\n\n" +
           reference_table(fields_of_section(section.name));
  return out;
}

}  // namespace

int list(const std::vector<fs::path>& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  for (const Kind& kind : kKinds) {
    std::cout << kind.name << "\n";
    for (const Part* part : kernel.registry.parts()) {
      if (part->kind != kind.name) continue;
      std::cout << "  " << part->name
                << std::string(part->name.size() < 16 ? 16 - part->name.size() : 1, ' ')
                << part->help << " [" << part->plugin << "]\n";
    }
  }
  return 0;
}

int help(const std::vector<std::string>& words, const std::vector<fs::path>& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  const std::string& first = words[0];
  for (const Kind& section : kSections) {
    if (first != section.name) continue;
    std::cout << section.about << "\n\n" << help_text(fields_of_section(first));
    return 0;
  }
  for (const Kind& kind : kKinds) {
    if (first != kind.name) continue;
    if (words.size() < 2) {
      for (const Part* part : kernel.registry.parts())
        if (part->kind == first) std::cout << part->name << ": " << part->help << "\n";
      return 0;
    }
    const Part& part = kernel.registry.part(first, words[1]);
    std::cout << part.name << ": " << part.help << " [" << part.plugin << "]\n\n";
    if (first != "normaliser") std::cout << help_text(kernel_schema(first).fields) << "\n";
    std::cout << help_text(part.schema.fields);
    return 0;
  }
  const std::vector<std::string> known = help_topics();
  std::string all;
  for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
  throw UserError("help: \"" + first + "\"" + did_you_mean(first, known) + ", should be one of " +
                  all);
}

std::vector<std::string> help_topics() {
  std::vector<std::string> known;
  for (const Kind& section : kSections) known.emplace_back(section.name);
  for (const Kind& kind : kKinds) known.emplace_back(kind.name);
  return known;
}

int docs(const fs::path& folder, bool only_check, const std::vector<fs::path>& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  std::vector<std::pair<std::string, std::string>> pages = {{"sections.md", sections_page()}};
  for (const Kind& kind : kKinds)
    pages.emplace_back(std::string(kind.name) + ".md", page_of(kind, kernel.registry));
  pages.emplace_back("manifest.schema.json",
                     emit_json_pretty(manifest_json_schema(kernel.registry)));
  pages.emplace_back("facet.lua", lua_annotations(kernel.registry));
  std::vector<std::string> problems;
  if (!only_check) fs::create_directories(folder);
  for (const auto& [name, text] : pages) {
    const fs::path file = folder / name;
    if (!only_check)
      write_file(file, text);
    else if (!fs::exists(file) || read_file(file) != text)
      problems.push_back(file.string() +
                         ": out of step with the schemas, should be written by `facet docs " +
                         folder.string() + "`");
  }
  if (!problems.empty()) throw UserError(problems);
  return 0;
}

}  // namespace facet::cli
