// The files behind the `path` of a source: one file, or those of a folder.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "facet/data.h"
#include "facet/schema.h"

namespace facet {

/// `path` itself when it is no folder. Of a folder the files directly in it whose names, without
/// .gz or .zst, end in one of `endings`, sorted by name; files whose names begin with a dot are
/// passed over. UserError when a folder has none.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& path,
                                            const std::vector<std::string>& endings);

/// The same, after the sha256 of the file, or of the folder's contents, was compared; empty: it is
/// not. UserError with both when they differ.
std::vector<std::filesystem::path> files_of(const std::string& path, const std::string& sha256,
                                            const std::vector<std::string>& endings);

/// The file's name without folder and without .gz or .zst, so that packing changes no id.
std::string unpacked_name(const std::filesystem::path& file);

/// Advice on a name that is not among those of a file: the nearest one, else the first of them, "
/// (has
/// \"a\", \"b\")".
std::string has_instead(const std::string& name, const std::vector<std::string>& names);

using OpenFile = std::function<std::unique_ptr<RecordReader>(const std::filesystem::path&)>;

/// The records of all files, one file after the other, one open at a time. UserError "file: no
/// records".
std::unique_ptr<RecordReader> read_in_turn(std::vector<std::filesystem::path> files, OpenFile open);

/// The fields that each source of files has: path and sha256.
template <class P>
Schema<P> file_schema(const std::string& path_help) {
  return Schema<P>()
      .field("path", &P::path, path_help, required, input_path)
      .field("sha256", &P::sha256,
             "SHA-256 of the file's bytes (of a folder: of its names and contents); refused when "
             "it differs.");
}

}  // namespace facet
