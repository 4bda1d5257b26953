// What a file of rows says of itself: the metadata that `facet activations` writes and `facet
// encode` compares with an SAE's record.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/sae_folder.h"

namespace facet::cli {

inline constexpr char kRowFile[] = "facet activations 1";  ///< metadata["format"]

/// Where rows come from.
struct RowOrigin {
  std::string host;
  std::string weights;  ///< hash
  std::vector<std::string> hookpoints;
  std::string rows;  ///< row policy
  std::string pool;  ///< "none", "mean", "max"
};
std::map<std::string, std::string> metadata_of(const RowOrigin& origin);
/// False: a stranger's file, which says nothing. UserError when facet's own metadata is damaged.
bool try_origin(const std::map<std::string, std::string>& metadata, const std::string& file,
                RowOrigin& origin);

/// What of the rows of `tensor` is not what the SAE was trained on; empty: everything agrees.
std::vector<std::string> differences(const SaeRecord& record, const RowOrigin& origin,
                                     const std::string& file, const std::string& tensor);

}  // namespace facet::cli
