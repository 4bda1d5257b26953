// Finding a finished SAE, and refusing one that was made for other rows.
#pragma once

#include <filesystem>
#include <string>

#include "facet/plugin.h"
#include "run/handles.h"

namespace facet {

/// The folder that `sae.from` names: a folder with an SAE (or with one in sae/), or a run under
/// `runs` by its id or at least its first four letters. UserError when there is none, or more than
/// one.
std::filesystem::path sae_folder_of(const Value& from, const std::filesystem::path& runs);

/// UserError with every difference between the rows that an SAE was trained on and `on`: host, its
/// weights, hookpoints, row policy, pooling, width, normaliser. Equal widths alone say nothing.
/// `where` begins each problem: "train.lua:9: encode.sae"; `key` is what the call names the rows.
void check_provenance(const SaeRecord& record, const RowsHandle& on, const Registry& registry,
                      const std::string& where, const std::string& key = "on");

}  // namespace facet
