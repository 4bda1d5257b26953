// Bodies of the kernel's sections.
#include "run/sections.h"

#include <algorithm>

#include "data/dataset.h"

namespace facet {
namespace {

using Pair = std::pair<AnyParams, AnyParams>;

Schema<TypeSection> type_schema() {
  return Schema<TypeSection>()
      .field("type", &TypeSection::type, "Which part; `facet list` shows them.", required)
      .field("name", &TypeSection::name, "Tells this section from others of its kind.");
}

Schema<BaselineSection> baseline_section_schema() {
  return Schema<BaselineSection>()
      .field("type", &BaselineSection::type, "Architecture; `facet list` shows them.", required)
      .field("name", &BaselineSection::name,
             "Its column in the report and its folder; by default its type.")
      .field("rows", &BaselineSection::rows,
             "Rows it is trained on; one pass over the data at most.", at_least(1), unit("rows"))
      .field("seed", &BaselineSection::seed, "Root of its own random streams; -1: the run's seed.",
             at_least(-1));
}

std::string encode_problem(const EncodeSection& p) {
  if (p.from.empty() && !p.format.empty()) return "format: is set, but from is not";
  if (p.from.empty() && p.d_sae > 0) return "d_sae: is set, but from is not; an SAE has its own";
  if (p.from.empty()) return "";
  if (p.format.empty()) return "format: required beside from, should be \"rep_saes\"";
  if (p.pool != "none")
    return "pool: is \"" + p.pool + "\", should be \"none\": the codes of `from` are there already";
  return "";
}

// The keys of `given` that the schema knows.
Value only(const Value& given, const std::vector<FieldDoc>& docs) {
  const auto* table = given.as<Value::Table>();
  if (!table) return given;
  Value out{Value::Table()};
  out.origin = given.origin;
  for (const auto& [key, v] : *table)
    if (has_field(docs, key)) out.set(key, v);
  return out;
}

}  // namespace

bool has_field(const std::vector<FieldDoc>& docs, const std::string& name) {
  return std::any_of(docs.begin(), docs.end(),
                     [&](const FieldDoc& doc) { return doc.name == name; });
}

Schema<SaeSection> sae_section_schema() {
  return Schema<SaeSection>()
      .field("type", &SaeSection::type, "Architecture; `facet list` shows them.")
      .field("name", &SaeSection::name, "Tells this SAE from others of the run.")
      .field("on", &SaeSection::on,
             "Name of the [[activations]] it learns from, where the manifest has several.")
      .field("from", &SaeSection::from,
             "Folder of a finished SAE, or id of the run that trained it, to start from.")
      .field("seed", &SaeSection::seed, "Root of the SAE's own random streams; -1: the run's seed.",
             at_least(-1))
      .field("seeds", &SaeSection::seeds,
             "run:saes makes one SAE for each of these seeds, named NAME-SEED.");
}

Schema<EncodeSection> encode_schema() {
  return Schema<EncodeSection>()
      .field("name", &EncodeSection::name, "Tells these codes from others of the run.")
      .field("pool", &EncodeSection::pool,
             "One row of codes for each sequence instead of one for each token: the mean (zeros "
             "counted) or the largest of each latent over the rows that are kept.",
             one_of({"none", "mean", "max"}))
      .field("from", &EncodeSection::from,
             "Folder of codes that another program wrote, in place of an SAE and its rows.",
             input_path)
      .field("format", &EncodeSection::format,
             "What wrote the folder of `from`: rep_saes, numpy_store_results.py of Rep_SAEs_PLMs "
             "(POOLING_* or MEANPOOL_* files).",
             one_of({"rep_saes"}))
      .field("d_sae", &EncodeSection::d_sae,
             "Latents of the SAE behind the codes of `from`, where their files do not say it; 0: "
             "the largest index + 1.",
             between(0, 1 << 24), unit("latents"))
      .check(encode_problem);
}

std::string part_kind(const std::string& section) {
  return section == "baseline" ? "sae" : section;
}

Value filled_baseline(const Value& section, const std::vector<FieldDoc>& fields,
                      const Value& like) {
  Value out = section;
  for (const char* key : {"k", "d_sae"})
    if (const Value* v = like.find(key); v && has_field(fields, key) && !section.find(key))
      out.set(key, *v);
  return out;
}

AnySchema kernel_schema(const std::string& section) {
  if (section == "data") return dataset_schema().erased();
  if (section == "baseline") return baseline_section_schema().erased();
  if (section == "sae") return sae_section_schema().erased();
  return type_schema().erased();
}

AnySchema loaded_sae_schema(const Registry& registry) {
  const AnySchema kernel = kernel_schema("sae");
  std::vector<std::string> brought = {"type", "seed"};
  for (const Part* part : registry.parts())
    if (part->kind == "sae")
      for (const FieldDoc& field : part->schema.fields) brought.push_back(field.name);
  AnySchema loaded;
  loaded.fields = kernel.fields;
  loaded.parse = [kernel, brought](const std::string& where, const Value& given, Demand demand,
                                   std::vector<std::string>& problems) {
    Value own = given;
    if (const auto* table = given.as<Value::Table>())
      for (const auto& [key, v] : *table) {
        if (std::find(brought.begin(), brought.end(), key) == brought.end()) continue;
        schema_detail::add_problem(
            problems, v.origin, where + "." + key,
            "cannot be set together with " + where + ".from, which brings its own");
        own.as<Value::Table>()->erase(key);
      }
    return kernel.parse(where, own, demand, problems);
  };
  return loaded;
}

AnySchema joined_schema(AnySchema kernel, AnySchema own) {
  AnySchema joined;
  joined.fields = kernel.fields;
  joined.fields.insert(joined.fields.end(), own.fields.begin(), own.fields.end());
  joined.parse = [kernel, own, fields = joined.fields](const std::string& where, const Value& given,
                                                       Demand demand,
                                                       std::vector<std::string>& problems) {
    schema_detail::unknown_keys(where, given, fields, problems);
    AnyParams first = kernel.parse(where, only(given, kernel.fields), demand, problems);
    const bool is_table =
        given.empty() || given.is<Value::Table>();  // else the kernel's schema said so already
    AnyParams second = own.parse(where, is_table ? only(given, own.fields) : Value(),
                                 is_table ? demand : Demand::part, problems);
    Value resolved = first.resolved;
    for (const auto& [key, v] : *second.resolved.as<Value::Table>()) resolved.set(key, v);
    return AnyParams{std::make_shared<Pair>(std::move(first), std::move(second)),
                     std::move(resolved)};
  };
  return joined;
}

AnyParams kernel_part(const AnyParams& joined) { return joined.as<Pair>().first; }
AnyParams own_part(const AnyParams& joined) { return joined.as<Pair>().second; }

}  // namespace facet
