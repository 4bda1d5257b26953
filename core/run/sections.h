// What the kernel itself reads of each section, and how it is joined with the fields of a part.
#pragma once

#include <string>

#include "facet/plugin.h"
#include "facet/schema.h"

namespace facet {

/// The fields of [sae] that are the kernel's.
struct SaeSection {
  std::string type;
  std::string name;
  std::string on;              ///< name of the [[activations]] it learns from
  std::string from;            ///< folder of a finished SAE, or id of the run that trained it
  int64_t seed = -1;           ///< -1: the run's
  std::vector<int64_t> seeds;  ///< of run:saes: one SAE for each
};
/// The fields of [[baseline]] that are the kernel's.
struct BaselineSection {
  std::string type;
  std::string name;
  int64_t rows = 65536;
  int64_t seed = -1;  ///< -1: the run's
};
/// The fields of a section that has only a `type`, and perhaps a `name`.
struct TypeSection {
  std::string type;
  std::string name;
};
/// The fields of [encode].
struct EncodeSection {
  std::string name;
  std::string pool = "none";  ///< mean, max: one row of codes for each sequence
  std::string from;           ///< folder of codes that another program wrote
  std::string format;         ///< of that folder
  int64_t d_sae = 0;          ///< of those codes; 0: as its files say
};
Schema<SaeSection> sae_section_schema();
Schema<EncodeSection> encode_schema();

/// The kind of part that a section chooses by `type`: "sae" for [sae] and [[baseline]].
std::string part_kind(const std::string& section);
/// A [[baseline]] whose `k` and `d_sae`, where its part has such fields and the section does not
/// set them, are those of `like`, the parameters of an SAE.
Value filled_baseline(const Value& section, const std::vector<FieldDoc>& fields, const Value& like);

bool has_field(const std::vector<FieldDoc>& fields, const std::string& name);
/// The kernel's fields of a section, erased.
AnySchema kernel_schema(const std::string& section);
/// For a [sae] with `from`: the loaded SAE brings every key but its name.
AnySchema loaded_sae_schema(const Registry& registry);
/// A schema that reads the keys of both; problems are reported together. `held` of the result is a
/// pair, see kernel_part and own_part.
AnySchema joined_schema(AnySchema kernel, AnySchema own);
AnyParams kernel_part(const AnyParams& joined);
AnyParams own_part(const AnyParams& joined);

}  // namespace facet
