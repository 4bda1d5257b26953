// Opens the host and the data that a section asks for: the same for a run's verbs and for commands.
#pragma once

#include <memory>
#include <string>

#include "facet/plugin.h"
#include "run/handles.h"
#include "run/input_hash.h"

namespace facet {

/// A section ("host", "data", "activations", ...) as parameters. UserError with all its problems.
AnyParams parse_section(const std::string& section, const Value& value, const Registry& registry);

/// A host from the parameters that parse_section gave. Its weights_hash is the host's own word (of
/// a seed), or the hash of the file that the section names.
std::shared_ptr<HostHandle> open_host(const HostPart& part, const AnyParams& params,
                                      const HostSetup& setup, InputHash& hash);
/// A source of records or rows with its policies; `source_key` decides what the source yields.
std::shared_ptr<DataHandle> open_data(const DataPart& part, const AnyParams& params,
                                      const std::string& source_key);

}  // namespace facet
