// Files that torch.save() wrote: their tensors, without running anything that is in them.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "facet/value.h"

namespace facet {

/// What a .pt, .pth or .ckpt holds. Keys of tables and places in lists are joined by ".":
/// {"state_dict": {"weight": t}} has the tensor "state_dict.weight".
struct TorchFile {
  std::map<std::string, at::Tensor> tensors;  ///< they share the mapped file; do not write to them
  std::map<std::string, Value> values;        ///< numbers, strings, flags; null is an empty value
};

/// Reads the zip archive of PyTorch 1.6 and later. Its pickle is not executed: of everything that a
/// pickle may ask for, only tensors, their storages, OrderedDict and plain tables, lists, numbers
/// and strings are known.
///
/// throws  UserError naming the file when it asks for anything else, by its name ("asks for
///         os.system: only tensors are read, no code is run"); when it is PyTorch's format before
///         1.6; when a tensor leaves its storage; when the file is damaged or cut short.
/// source  CPython's pickletools.py (opcodes); PyTorch 2.11, torch/serialization.py (_save) and
///         torch/_utils.py (_rebuild_tensor_v2)
TorchFile read_torch_file(const std::filesystem::path& file);

}  // namespace facet
