// Reads the header once, checking every count against the bytes that are left; tensors on demand.
#include "gguf_file.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>
#include <facet/error.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "gguf_types.h"

namespace facet::llama {

namespace {

using Sizes = std::vector<int64_t>;

static_assert(std::endian::native == std::endian::little, "GGUF is read as little-endian");

// source: ggml/include/gguf.h, gguf_type.
enum MetadataType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};
constexpr std::array<int64_t, 13> kLeastBytes = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

std::string shown_sizes(const Sizes& sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

at::Tensor mapped(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) throw UserError(file.string() + ": no such file");
  const auto size = static_cast<int64_t>(std::filesystem::file_size(file));
  if (!std::ifstream(file)) throw UserError(file.string() + ": cannot read");
  if (size == 0) return at::empty({0}, at::kByte);
  return at::from_file(file.string(), /*shared=*/false, size, at::kByte);
}

}  // namespace

/// Walks the header; a UserError "FILE: cut short: ..." before a byte beyond the file is read.
class GgufFile::Cursor {
 public:
  explicit Cursor(const GgufFile& gguf)
      : gguf_(gguf), bytes_(static_cast<const char*>(gguf.bytes_.const_data_ptr())) {}

  int64_t at() const { return at_; }

  template <class T>
  T number(const std::string& what) {
    need(sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_ + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text(const std::string& what) {
    const int64_t size = count(1, what, "bytes");
    const std::string out(bytes_ + at_, static_cast<size_t>(size));
    at_ += size;
    return out;
  }
  /// A count of things that take at least `least` bytes each, all of which the file still has.
  int64_t count(int64_t least, const std::string& what, const char* things) {
    const uint64_t value = number<uint64_t>(what);
    if (value > static_cast<uint64_t>(left() / least))
      gguf_.refuse("cut short: " + what + " has " + std::to_string(value) + " " + things +
                   ", and " + std::to_string(left()) + " bytes are left");
    return static_cast<int64_t>(value);
  }
  /// A single value; kString and kArray are not numbers.
  Value scalar(uint32_t type, const std::string& key) {
    switch (type) {
      case kUint8:
        return static_cast<int64_t>(number<uint8_t>(key));
      case kInt8:
        return static_cast<int64_t>(number<int8_t>(key));
      case kUint16:
        return static_cast<int64_t>(number<uint16_t>(key));
      case kInt16:
        return static_cast<int64_t>(number<int16_t>(key));
      case kUint32:
        return static_cast<int64_t>(number<uint32_t>(key));
      case kInt32:
        return static_cast<int64_t>(number<int32_t>(key));
      case kInt64:
        return number<int64_t>(key);
      case kFloat32:
        return static_cast<double>(number<float>(key));
      case kFloat64:
        return number<double>(key);
      case kBool:
        return flag(key);
      case kUint64: {
        const uint64_t value = number<uint64_t>(key);
        if (value > INT64_MAX) return static_cast<double>(value);
        return static_cast<int64_t>(value);
      }
      default:
        gguf_.refuse(key + ": type " + std::to_string(type) + " is unknown, should be 0 to 12");
    }
  }

 private:
  bool flag(const std::string& key) {
    const uint8_t value = number<uint8_t>(key);
    if (value > 1) gguf_.refuse(key + ": is " + std::to_string(value) + ", should be 0 or 1");
    return value == 1;
  }
  int64_t left() const { return gguf_.bytes_.numel() - at_; }
  void need(int64_t size, const std::string& what) const {
    if (size > left())
      gguf_.refuse("cut short: " + what + " needs " + std::to_string(size) + " bytes, and " +
                   std::to_string(left()) + " are left");
  }

  const GgufFile& gguf_;
  const char* bytes_;
  int64_t at_ = 0;
};

GgufFile::GgufFile(const std::filesystem::path& file) : file_(file), bytes_(mapped(file)) {
  metadata_ = Value(Value::Table());
  metadata_.origin.file = file_.string();
  Cursor cursor(*this);
  if (bytes_.numel() < 4 || cursor.number<uint32_t>("magic") != 0x46554747)
    refuse("does not begin with \"GGUF\"");
  const auto version = cursor.number<uint32_t>("version");
  if (version != 0 && (version & 0xFFFF) == 0) refuse("is big-endian, should be little-endian");
  if (version != 2 && version != 3)
    refuse("is GGUF of version " + std::to_string(version) + ", should be 2 or 3");
  const auto tensors = cursor.count(24, "header", "tensors");
  const auto entries = cursor.count(13, "header", "metadata entries");
  for (int64_t i = 0; i < entries; ++i) read_entry(cursor);
  for (int64_t i = 0; i < tensors; ++i) read_tensor(cursor);
  place_tensors(cursor.at());
  check_overlaps();
}

void GgufFile::refuse(const std::string& what) const {
  throw UserError(file_.string() + ": " + what);
}

void GgufFile::read_entry(Cursor& cursor) {
  const std::string key = cursor.text("a key of the metadata");
  if (has_key(key)) refuse("key " + quoted(key) + " stands twice");
  const auto type = cursor.number<uint32_t>(key);
  if (type == kArray)
    read_array(cursor, key);
  else
    metadata_.set(key, type == kString ? Value(cursor.text(key)) : cursor.scalar(type, key));
}

void GgufFile::read_array(Cursor& cursor, const std::string& key) {
  const auto type = cursor.number<uint32_t>(key);
  if (type == kArray) refuse(key + ": is an array of arrays, should be one of numbers or texts");
  if (type >= kLeastBytes.size())
    refuse(key + ": type " + std::to_string(type) + " is unknown, should be 0 to 12");
  const int64_t size = cursor.count(kLeastBytes[type], key, "elements");
  if (type == kString) {
    for (int64_t i = 0; i < size; ++i) strings_[key].push_back(cursor.text(key));
    strings_.try_emplace(key);
    return;
  }
  const bool real = type == kFloat32 || type == kFloat64;
  if (real) numbers_.try_emplace(key);
  if (!real) integers_.try_emplace(key);
  for (int64_t i = 0; i < size; ++i) {
    const Value value = cursor.scalar(type, key);
    if (real)
      numbers_[key].push_back(*value.as<double>());
    else if (const int64_t* whole = value.as<int64_t>())
      integers_[key].push_back(*whole);
    else if (const bool* flag = value.as<bool>())
      integers_[key].push_back(*flag);
    else
      refuse(key + ": element " + std::to_string(i) + " exceeds the largest int64");
  }
}

void GgufFile::read_tensor(Cursor& cursor) {
  const std::string name = cursor.text("the name of a tensor");
  if (has(name)) refuse("tensor " + quoted(name) + " stands twice");
  const auto dimensions = cursor.number<uint32_t>(name);
  if (dimensions < 1 || dimensions > 4)
    refuse(name + ": has " + std::to_string(dimensions) + " dimensions, should have 1 to 4");
  Entry made;
  int64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto size = cursor.number<uint64_t>(name);
    if (size == 0)
      refuse(name + ": dimension " + std::to_string(i) + " is 0, should be at least 1");
    if (size > static_cast<uint64_t>(INT64_MAX / elements))
      refuse(name + ": has more elements than an int64 counts");
    elements *= static_cast<int64_t>(size);
    made.sizes.insert(made.sizes.begin(), static_cast<int64_t>(size));  // the innermost comes first
  }
  made.type = cursor.number<uint32_t>(name);
  const GgmlType* type = find_ggml_type(made.type);
  const std::string type_name = ggml_type_name(made.type);
  if (!type)
    refuse(name + ": type " + (type_name.empty() ? std::to_string(made.type) : type_name) +
           " is not read, should be one of " + readable_ggml_types());
  if (made.sizes.back() % type->values != 0)
    refuse(name + ": has rows of " + std::to_string(made.sizes.back()) +
           ", should be a multiple of " + std::to_string(type->values) + " for " + type->name);
  const auto offset = cursor.number<uint64_t>(name);
  const int64_t blocks = elements / type->values;
  const int64_t file = bytes_.numel();
  if (offset > static_cast<uint64_t>(file) || blocks > file / type->bytes)
    refuse(name + ": its " + std::to_string(blocks) + " blocks of " + std::to_string(type->bytes) +
           " bytes at " + std::to_string(offset) + " exceed the file's " + std::to_string(file));
  made.begin = static_cast<int64_t>(offset);
  made.end = made.begin + blocks * type->bytes;
  tensors_.emplace(name, std::move(made));
}

void GgufFile::place_tensors(int64_t header) {
  const Value* given = metadata_.find("general.alignment");
  const int64_t* whole = given ? given->as<int64_t>() : nullptr;
  const int64_t alignment = whole ? *whole : given ? 0 : 32;
  if (alignment < 8 || alignment > (1 << 30) ||
      !std::has_single_bit(static_cast<uint64_t>(alignment)))
    refuse("general.alignment: " + given->describe() + ", should be a power of 2 from 8 to 2^30");
  const int64_t data = (header + alignment - 1) / alignment * alignment;
  for (auto& [name, entry] : tensors_) {
    if (entry.begin % alignment != 0)
      refuse(name + ": begins at " + std::to_string(entry.begin) + ", should be a multiple of " +
             std::to_string(alignment));
    entry.begin += data;
    entry.end += data;
    if (entry.end > bytes_.numel())
      refuse(name + ": ends at byte " + std::to_string(entry.end) + ", the file has " +
             std::to_string(bytes_.numel()));
  }
}

void GgufFile::check_overlaps() const {
  std::vector<std::pair<const Entry*, const std::string*>> placed;
  for (const auto& [name, entry] : tensors_) placed.emplace_back(&entry, &name);
  std::sort(placed.begin(), placed.end(),
            [](const auto& a, const auto& b) { return a.first->begin < b.first->begin; });
  for (size_t i = 1; i < placed.size(); ++i)
    if (placed[i].first->begin < placed[i - 1].first->end)
      refuse(*placed[i].second + ": overlaps " + *placed[i - 1].second);
}

bool GgufFile::has_key(const std::string& key) const {
  return metadata_.find(key) || strings_.contains(key) || integers_.contains(key) ||
         numbers_.contains(key);
}

template <class Array>
const Array& GgufFile::array(const std::map<std::string, Array>& arrays, const std::string& key,
                             const char* of) const {
  const auto found = arrays.find(key);
  if (found == arrays.end())
    refuse(key + (has_key(key) ? std::string(": is no array of ") + of : ": missing"));
  return found->second;
}
const std::vector<std::string>& GgufFile::strings(const std::string& key) const {
  return array(strings_, key, "texts");
}
const std::vector<int64_t>& GgufFile::integers(const std::string& key) const {
  return array(integers_, key, "integers");
}
const std::vector<double>& GgufFile::numbers(const std::string& key) const {
  return array(numbers_, key, "floating-point numbers");
}

std::vector<std::string> GgufFile::names() const {
  std::vector<std::string> out;
  for (const auto& [name, entry] : tensors_) out.push_back(name);
  return out;
}

const GgufFile::Entry& GgufFile::entry(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) refuse("no tensor " + quoted(name) + did_you_mean(name, names()));
  return found->second;
}

const Sizes& GgufFile::sizes(const std::string& name) const { return entry(name).sizes; }
std::string GgufFile::type(const std::string& name) const {
  return ggml_type_name(entry(name).type);
}

at::Tensor GgufFile::tensor(const std::string& name) const {
  const Entry& there = entry(name);
  const GgmlType& type = *find_ggml_type(there.type);
  const at::Tensor raw = bytes_.slice(0, there.begin, there.end);
  if (!type.unpack) return raw.view(type.whole).view(there.sizes).to(at::kFloat);
  const at::Tensor out = at::empty(there.sizes, at::kFloat);
  const char* from = static_cast<const char*>(raw.const_data_ptr());
  float* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, out.numel() / type.values, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) type.unpack(from + i * type.bytes, to + i * type.values);
  });
  return out;
}

at::Tensor GgufFile::tensor(const std::string& name, const Sizes& sizes) const {
  const Sizes& is = entry(name).sizes;
  if (is != sizes) refuse(name + ": is " + shown_sizes(is) + ", should be " + shown_sizes(sizes));
  return tensor(name);
}

}  // namespace facet::llama
