// The archive's pickle as tensors on the mapped file.
#include "tensor/torch_file.h"

#include <facet/torch.h>

#include <cstring>

#include "facet/error.h"
#include "tensor/pickle.h"
#include "tensor/safetensors_file.h"
#include "tensor/zip_file.h"

namespace facet {
namespace {

constexpr int kDeepest = 64;               // tables in tables
constexpr int64_t kMostEntries = 1 << 20;  // of all of them, each counted where it stands
constexpr size_t kLongestKey = 1000;
constexpr size_t kMostText = size_t{64} << 20;  // of all strings, each counted where it stands
constexpr size_t kMostAxes = 16;

struct StorageKind {
  std::string_view name;
  at::ScalarType type;
};
constexpr StorageKind kStorageKinds[] = {
    {"FloatStorage", at::kFloat},       {"DoubleStorage", at::kDouble}, {"HalfStorage", at::kHalf},
    {"BFloat16Storage", at::kBFloat16}, {"LongStorage", at::kLong},     {"IntStorage", at::kInt},
    {"ShortStorage", at::kShort},       {"CharStorage", at::kChar},     {"ByteStorage", at::kByte},
    {"BoolStorage", at::kBool},
};

class TorchArchive {
 public:
  explicit TorchArchive(const std::filesystem::path& file) : where_(file.string()), zip_(file) {
    for (const auto& [name, bytes] : zip_.entries())
      if (name.ends_with("/data.pkl") && name.find('/') == name.size() - kPickleName.size())
        folder_ = name.substr(0, name.size() - kPickleName.size() + 1);
    if (folder_.empty()) refuse("no file of torch.save: the archive has no data.pkl");
    const auto order = zip_.entries().find(folder_ + "byteorder");
    if (order != zip_.entries().end() && order->second != "little")
      refuse("byteorder is not \"little\"");
  }

  TorchFile read() {
    const Pickle pickle(zip_.entries().at(folder_ + "data.pkl"), where_);
    add("", pickle.root(), 0);
    return std::move(out_);
  }

 private:
  static constexpr std::string_view kPickleName = "/data.pkl";

  [[noreturn]] void refuse(const std::string& what) const { throw UserError(where_ + ": " + what); }

  void add(const std::string& name, const PickleNode& node, int depth) {
    if (depth > kDeepest) refuse("holds tables in tables, more than " + std::to_string(kDeepest));
    if (++entries_ > kMostEntries)
      refuse("holds more than " + std::to_string(kMostEntries) + " entries");
    if (const auto* call = std::get_if<const PickleCall*>(&node.data))
      return add_tensor(name, **call);
    if (auto* const* items = std::get_if<PickleItems*>(&node.data))
      return (*items)->table ? add_table(name, **items, depth) : add_list(name, **items, depth);
    Value value;
    if (const auto* flag = std::get_if<bool>(&node.data))
      value = *flag;
    else if (const auto* whole = std::get_if<int64_t>(&node.data))
      value = *whole;
    else if (const auto* number = std::get_if<double>(&node.data))
      value = *number;
    else if (const auto* text = std::get_if<std::string_view>(&node.data)) {
      if ((text_ += text->size()) > kMostText) refuse("holds too long strings");
      value = std::string(*text);
    } else if (!std::holds_alternative<std::monostate>(node.data))
      refuse(name + ": is no tensor, number, string or table");
    if (!out_.values.try_emplace(name, std::move(value)).second) refuse_twice(name);
  }

  [[noreturn]] void refuse_twice(const std::string& name) const {
    refuse("holds \"" + name + "\" twice");
  }

  static std::string inner(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }
  void add_list(const std::string& name, const PickleItems& list, int depth) {
    for (size_t i = 0; i < list.items.size(); ++i)
      add(inner(name, std::to_string(i)), list.items[i], depth + 1);
  }
  void add_table(const std::string& name, const PickleItems& table, int depth) {
    for (size_t i = 0; i + 1 < table.items.size(); i += 2) {
      const PickleNode& key = table.items[i];
      const auto* text = std::get_if<std::string_view>(&key.data);
      const auto* number = std::get_if<int64_t>(&key.data);
      if (!text && !number) refuse(inner(name, "") + ": has a key that is no string");
      if (text && text->size() > kLongestKey)
        refuse("has a key of " + std::to_string(text->size()) + " bytes");
      add(inner(name, text ? std::string(*text) : std::to_string(*number)), table.items[i + 1],
          depth + 1);
    }
  }

  void add_tensor(const std::string& name, const PickleCall& call) {
    const PickleCall* tensor = &call;
    if (call.name.name == "_rebuild_parameter") {
      const auto* inside = call.arguments->items.empty()
                               ? nullptr
                               : std::get_if<const PickleCall*>(&call.arguments->items[0].data);
      if (!inside) refuse(name + ": is a parameter without a tensor");
      tensor = *inside;
    }
    if (tensor->name.name != "_rebuild_tensor_v2") refuse(name + ": is a parameter of a parameter");
    if (!out_.tensors.try_emplace(name, tensor_of(name, tensor->arguments->items)).second)
      refuse_twice(name);
  }

  int64_t whole_of(const std::string& name, const PickleNode& node, const char* what) const {
    const auto* number = std::get_if<int64_t>(&node.data);
    if (!number || *number < 0) refuse(name + ": " + what + " is no integer that is at least 0");
    return *number;
  }
  std::vector<int64_t> wholes_of(const std::string& name, const PickleNode& node,
                                 const char* what) const {
    auto* const* items = std::get_if<PickleItems*>(&node.data);
    if (!items || (*items)->table) refuse(name + ": " + what + " is no tuple");
    if ((*items)->items.size() > kMostAxes)
      refuse(name + ": " + what + " has more than " + std::to_string(kMostAxes) + " axes");
    std::vector<int64_t> out;
    for (const PickleNode& item : (*items)->items) out.push_back(whole_of(name, item, what));
    return out;
  }

  // arguments: storage, its offset, size, stride, and what is of no use here
  at::Tensor tensor_of(const std::string& name, const std::vector<PickleNode>& arguments) {
    if (arguments.size() < 4) refuse(name + ": is a tensor of fewer than 4 arguments");
    const auto* said = std::get_if<PickleStorage>(&arguments[0].data);
    if (!said) refuse(name + ": is a tensor without a storage");
    const at::Tensor storage = storage_of(name, said->said->items);
    const int64_t offset = whole_of(name, arguments[1], "the storage's offset");
    const auto sizes = wholes_of(name, arguments[2], "the size");
    const auto strides = wholes_of(name, arguments[3], "the stride");
    if (sizes.size() != strides.size())
      refuse(name + ": has " + std::to_string(sizes.size()) + " sizes and " +
             std::to_string(strides.size()) + " strides");
    int64_t count = 1, last = offset;
    bool fits = true;
    for (size_t i = 0; i < sizes.size(); ++i) {
      int64_t reach = 0;
      fits = fits && !__builtin_mul_overflow(count, sizes[i], &count) &&
             !__builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    const int64_t held = storage.numel();
    if (!fits || count > held || (count > 0 && last >= held))
      refuse(name + ": is " + shape_text(sizes) + " from number " + std::to_string(offset) +
             " of a storage of " + std::to_string(held));
    if (count == 0) return at::empty(sizes, storage.options());
    return storage.as_strided(sizes, strides, offset);
  }

  // said: "storage", its kind, its key, the device, how many numbers
  at::Tensor storage_of(const std::string& name, const std::vector<PickleNode>& said) {
    const auto* kind = said.size() == 5 ? std::get_if<PickleName>(&said[1].data) : nullptr;
    const auto* key = said.size() == 5 ? std::get_if<std::string_view>(&said[2].data) : nullptr;
    if (!kind || !key) refuse(name + ": its storage is described otherwise than torch.save does");
    const int64_t count = whole_of(name, said[4], "the storage's size");
    const StorageKind* known = nullptr;
    for (const StorageKind& one : kStorageKinds)
      if (kind->name == one.name) known = &one;
    if (!known) refuse(name + ": its storage has no kind");
    const auto file = zip_.entries().find(folder_ + "data/" + std::string(*key));
    if (file == zip_.entries().end())
      refuse(name + ": its storage is missing: the archive has no " + folder_ + "data/" +
             std::string(*key));
    const auto width = static_cast<int64_t>(at::elementSize(known->type));
    int64_t bytes = 0;
    const std::string_view there = file->second;
    if (__builtin_mul_overflow(count, width, &bytes) || bytes != static_cast<int64_t>(there.size()))
      refuse(name + ": its storage should hold " + std::to_string(count) + " numbers of " +
             std::to_string(width) + " bytes, is " + std::to_string(there.size()) + " bytes");
    const auto [at, added] = storages_.try_emplace({file->first, known->type});
    if (added) at->second = numbers_in(there, count, known->type);
    return at->second;
  }

  // On the mapping where they lie straight, as torch.save lays them; else copied, once.
  at::Tensor numbers_in(std::string_view bytes, int64_t count, at::ScalarType type) {
    if (count == 0) return at::empty({0}, type);
    const auto width = static_cast<uintptr_t>(at::elementSize(type));
    if (type != at::kBool && reinterpret_cast<uintptr_t>(bytes.data()) % width == 0)
      return at::from_blob(
          const_cast<char*>(bytes.data()), {count}, [keep = zip_.bytes()](void*) {}, type);
    if ((copied_ += bytes.size()) > static_cast<uint64_t>(zip_.bytes()->size()))
      refuse("damaged: its storages lie in one another");
    at::Tensor copy = at::empty({count}, type);
    if (type != at::kBool)
      std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
    else  // a bool is 0 or 1, whatever the file says
      for (size_t i = 0; i < bytes.size(); ++i) copy.mutable_data_ptr<bool>()[i] = bytes[i] != 0;
    return copy;
  }

  std::string where_;
  ZipFile zip_;
  std::string folder_;
  int64_t entries_ = 0;
  uint64_t text_ = 0, copied_ = 0;  // bytes
  std::map<std::pair<std::string, at::ScalarType>, at::Tensor> storages_;
  TorchFile out_;
};

// Before 1.6 torch.save wrote pickles one behind another, the first of them this number.
// source: PyTorch, torch/serialization.py, MAGIC_NUMBER
bool is_legacy(const MappedFile& bytes) {
  constexpr std::string_view kStart("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);
  return bytes.size() >= static_cast<int64_t>(kStart.size()) &&
         bytes.view(0, static_cast<int64_t>(kStart.size())) == kStart;
}

}  // namespace

TorchFile read_torch_file(const std::filesystem::path& file) {
  if (is_legacy(MappedFile(file)))
    throw UserError(file.string() +
                    ": is of torch.save before PyTorch 1.6, should be a zip archive: load it there "
                    "and save it again");
  return TorchArchive(file).read();
}

}  // namespace facet
