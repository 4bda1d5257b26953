// Command-line options as the sections of a manifest, so that one set of rules and messages serves
// both; and what is opened from them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "activations/activation_stream.h"
#include "cli/commands.h"
#include "run/handles.h"
#include "run/input_hash.h"

namespace facet::cli {

/// One value that an option gave: {"--weights", "host", "weights", "models/esm2_mini"}.
struct Given {
  std::string option;
  std::string section;
  std::string key;
  std::string text;
};
/// The sections, with --set laid over them; options without a text are left out. UserError when a
/// --set names another section than those of `allowed`.
Value sections_of(const std::vector<Given>& given, const std::vector<std::string>& sets,
                  const std::vector<std::string>& allowed);

/// The type of data that a file's ending stands for (.gz and .zst may follow); UserError for an
/// ending that stands for none.
std::string data_type_of(const std::string& file);

/// The hashes that runs remember, in the store beside the runs folder.
InputHash remembered_hashes(const RunRequest& request);

/// The host of the section "host".
std::shared_ptr<HostHandle> host_of(const Value& sections, const Kernel& kernel,
                                    const RunRequest& request);
/// The data of the section "data".
std::shared_ptr<DataHandle> data_of(const Value& sections, const Kernel& kernel);

}  // namespace facet::cli
