// Bodies of what the stores share.
#include "activations/store_parts.h"

#include <facet/torch.h>

#include <cstdio>

#include "facet/error.h"
#include "tensor/safetensors_writer.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const fs::path& store, const std::string& what) {
  throw UserError(what + "\nthe store is damaged: remove " + store.string() + " to build it again");
}

int64_t number(const Safetensors& part, const char* name) {
  return std::stoll(part.metadata().at(name));
}

PartEnd end_of(const fs::path& store, const Safetensors& part) {
  for (const char* name : {"key", "next_item", "read", "rows"})
    if (!part.metadata().contains(name))
      refuse(store, part.file().string() + ": not a part of a store: it has no \"" + name + "\"");
  return {part.metadata().at("key"), number(part, "next_item"), number(part, "read"),
          number(part, "rows")};
}

GrowingTensor form_of(const std::string& name, const std::vector<Tensor>& pieces) {
  const Tensor& first = pieces.at(0);
  GrowingTensor form{name, first.scalar_type(), first.sizes().slice(1).vec(), 0};
  for (const Tensor& piece : pieces) form.rows += piece.size(0);
  return form;
}

}  // namespace

fs::path part_file(const fs::path& folder, int64_t index) {
  char name[40];
  std::snprintf(name, sizeof(name), "%05lld.safetensors", static_cast<long long>(index));
  return folder / name;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UserError(folder.string() + ": cannot make folder: " + error.message());
}

std::vector<PartEnd> finished_parts(const fs::path& store, const fs::path& parts,
                                    const std::string& key) {
  std::vector<PartEnd> out;
  for (fs::path file;
       file = part_file(parts, static_cast<int64_t>(out.size())), fs::exists(file);) {
    out.push_back(end_of(store, open_part(store, file)));
    check_key(store, file, out.back().key, key);
  }
  return out;
}

void save_part(const fs::path& file, const NamedPieces& tensors, const PartEnd& end) {
  try {
    std::vector<GrowingTensor> forms;
    for (const auto& [name, pieces] : tensors) forms.push_back(form_of(name, pieces));
    SafetensorsWriter writer(file, std::move(forms),
                             {{"key", end.key},
                              {"next_item", std::to_string(end.next_item)},
                              {"read", std::to_string(end.read)},
                              {"rows", std::to_string(end.rows)}});
    for (const auto& [name, pieces] : tensors)
      for (const Tensor& piece : pieces) writer.add(name, piece);
    writer.commit();
  } catch (const UserError& e) {
    throw UserError(std::string(e.what()) +
                    "\nwhat is finished stays: make room, then run the same command again");
  }
}

Safetensors open_part(const fs::path& store, const fs::path& file) {
  try {
    return Safetensors(file);
  } catch (const UserError& e) {
    refuse(store, e.what());
  }
}

void check_equal(const fs::path& store, const fs::path& file, const std::string& what, int64_t is,
                 int64_t should_be) {
  if (is != should_be)
    refuse(store, file.string() + ": " + what + ": is " + std::to_string(is) + ", should be " +
                      std::to_string(should_be));
}

void check_key(const fs::path& store, const fs::path& record, const std::string& is,
               const std::string& should_be) {
  if (is != should_be)
    refuse(store, record.string() + ": key: is " + is + ", should be " + should_be);
}

}  // namespace facet
