// What the stores on disk share: numbered parts that a cut build goes on from, and what is said of
// damage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "facet/safetensors.h"

namespace facet {

/// Where a build stands after a part. It is kept in the part's own metadata, so that a part is
/// whole with it or absent.
struct PartEnd {
  std::string key;        ///< of the store
  int64_t next_item = 0;  ///< of the RowFeed: where the next part begins
  int64_t read = 0;       ///< rows of the feed so far
  int64_t rows = 0;       ///< rows of the store so far
};

/// folder/00000.safetensors and so on.
std::filesystem::path part_file(const std::filesystem::path& folder, int64_t index);

/// Makes folder and its parents.
void make_folder(const std::filesystem::path& folder);

/// The ends of the parts 0, 1, ... that an earlier build left in store/parts. UserError when one of
/// them is damaged or belongs to another store.
std::vector<PartEnd> finished_parts(const std::filesystem::path& store,
                                    const std::filesystem::path& parts, const std::string& key);
/// The tensors of a part, in the order of the file: pieces that follow one another along the first
/// axis.
using NamedPieces = std::vector<std::pair<std::string, std::vector<Tensor>>>;
/// Writes the pieces as they are, without joining them. UserError when it cannot be written whole;
/// nothing is left of it then.
void save_part(const std::filesystem::path& file, const NamedPieces& tensors, const PartEnd& end);

/// A file of a finished store; UserError with what to do when it is missing or damaged.
Safetensors open_part(const std::filesystem::path& store, const std::filesystem::path& file);
/// UserError when a file of a store does not hold as many of something as another file says.
void check_equal(const std::filesystem::path& store, const std::filesystem::path& file,
                 const std::string& what, int64_t is, int64_t should_be);
/// UserError when the record of a store says that it is another's.
void check_key(const std::filesystem::path& store, const std::filesystem::path& record,
               const std::string& is, const std::string& should_be);

}  // namespace facet
