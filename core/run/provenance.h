// Finding a finished SAE, and refusing one that was made for other rows.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "facet/plugin.h"
#include "facet/splice.h"
#include "run/handles.h"

namespace facet {

/// The folder that `sae.from` names: a folder with an SAE (or with one in sae/), or a run under
/// `runs` by its id or at least its first four letters. UserError when there is none, or more than
/// one.
std::filesystem::path sae_folder_of(const Value& from, const std::filesystem::path& runs);

/// UserError with every difference between the rows that an SAE was trained on and `on`: host, its
/// weights, hookpoints, row policy, pooling, width, normaliser. Equal widths alone say nothing.
/// `where` begins each problem: "train.lua:9: encode.sae"; `key` is what the call names the rows.
///
/// An SAE of another program is compared by its width and its normaliser; what is not known of it,
/// or looks like another hookpoint, is said by provenance_notices().
void check_provenance(const SaeRecord& record, const RowsHandle& on, const Registry& registry,
                      const std::string& where, const std::string& key = "on");
/// Where an SAE belongs in `host`; an SAE of another program that names no hookpoint of this host
/// belongs where `on` (or nullptr) has its rows. UserError that begins with `where`: it was trained
/// on another host, its rows were pooled, or nobody knows its hookpoints.
Place place_of(const SaeRecord& record, const HostHandle& host, const RowsHandle* on,
               const std::string& where);
/// Of an SAE of another program: what its user should look at before it is used on rows of `on`.
std::vector<std::string> provenance_notices(const SaeRecord& record, const RowsHandle& on,
                                            const std::string& where);

}  // namespace facet
