// Validation of a manifest before anything is loaded.
#pragma once

#include "facet/plugin.h"
#include "facet/value.h"

namespace facet {

/// Every section against its schema, all problems at once. A required key that the manifest lacks
/// is a problem unless the script sets it ("d_sae ="), and relations are checked when every key is
/// there.
void check_manifest(const Value& manifest, const Registry& registry);

/// For a script by itself: the keys that --set laid down must be a manifest's. Their values are the
/// verbs' to check.
void check_keys(const Value& manifest);

}  // namespace facet
