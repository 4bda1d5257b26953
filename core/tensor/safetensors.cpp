// Safetensors: the header is checked in full before any tensor is handed out; data are read through
// a mapping. source: the format as in huggingface/safetensors README.md; refusals as in its
// Metadata::validate, and stricter.
#include "facet/safetensors.h"

#include <facet/torch.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "facet/error.h"
#include "facet/value.h"
#include "tensor/safetensors_writer.h"

namespace facet {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

constexpr uint64_t kLongestHeader = 100'000'000;
constexpr int64_t kLengthBytes = 8;  // the header's length stands in front of it

struct Dtype {
  const char* name;
  at::ScalarType type;
};
constexpr Dtype kDtypes[] = {
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
    {"U16", at::kUInt16},
    {"U32", at::kUInt32},
    {"U64", at::kUInt64},
    {"F8_E4M3", at::kFloat8_e4m3fn},
    {"F8_E5M2", at::kFloat8_e5m2},
};

const Dtype* find_dtype(const std::string& name) {
  for (const Dtype& dtype : kDtypes)
    if (name == dtype.name) return &dtype;
  return nullptr;
}

std::vector<std::string> dtype_names() {
  std::vector<std::string> names;
  for (const Dtype& dtype : kDtypes) names.emplace_back(dtype.name);
  return names;
}

const char* dtype_name(at::ScalarType type) {
  for (const Dtype& dtype : kDtypes)
    if (type == dtype.type) return dtype.name;
  throw Bug("safetensors have no dtype for " + std::string(at::toString(type)));
}

std::string shape_text(const std::vector<int64_t>& sizes) {
  std::string out = "[";
  for (size_t i = 0; i < sizes.size(); ++i) out += (i ? ", " : "") + std::to_string(sizes[i]);
  return out + "]";
}

/// The bytes of a file, mapped read-only for as long as this lives.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& file) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) refuse(file, errno);
    struct stat status = {};
    const bool known = fstat(descriptor, &status) == 0;
    const bool regular = known && S_ISREG(status.st_mode);
    if (regular && status.st_size > 0) {
      size_ = status.st_size;
      bytes_ = mmap(nullptr, static_cast<size_t>(size_), PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    const int error = errno;
    close(descriptor);
    if (!known || bytes_ == MAP_FAILED) refuse(file, error);
    if (!regular) throw UserError(file.string() + ": cannot read: not a file");
  }
  ~Mapping() {
    if (bytes_) munmap(bytes_, static_cast<size_t>(size_));
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* at(int64_t offset) const { return static_cast<char*>(bytes_) + offset; }
  int64_t size() const { return size_; }

 private:
  [[noreturn]] static void refuse(const std::filesystem::path& file, int error) {
    throw UserError(file.string() + ": cannot read: " + std::strerror(error));
  }

  void* bytes_ = nullptr;
  int64_t size_ = 0;
};

struct Entry {
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> sizes;
  int64_t begin = 0;  // of the data section
  int64_t end = 0;
};

/// Reads one entry of the header; "" or what is wrong with it.
std::string read_entry(const Value& value, Entry& entry) {
  const Value* dtype = value.find("dtype");
  const Value* shape = value.find("shape");
  const Value* offsets = value.find("data_offsets");
  const auto* name = dtype ? dtype->as<std::string>() : nullptr;
  const auto* sizes = shape ? shape->as<Value::Array>() : nullptr;
  const auto* range = offsets ? offsets->as<Value::Array>() : nullptr;
  if (!name || !sizes || !range || range->size() != 2)
    return "the header should give dtype, shape and two data_offsets";
  const Dtype* known = find_dtype(*name);
  if (!known) return "dtype \"" + *name + "\" is unknown" + did_you_mean(*name, dtype_names());
  entry.dtype = known->type;

  auto bytes = static_cast<int64_t>(at::elementSize(known->type));
  for (const Value& size : *sizes) {
    const auto* length = size.as<int64_t>();
    if (!length || *length < 0) return "shape should be a list of integers that are at least 0";
    entry.sizes.push_back(*length);
    if (__builtin_mul_overflow(bytes, *length, &bytes)) return "shape is too large";
  }
  const auto* begin = (*range)[0].as<int64_t>();
  const auto* end = (*range)[1].as<int64_t>();
  if (!begin || !end || *begin < 0 || *end < *begin)
    return "data_offsets should be two ascending integers that are at least 0";
  entry.begin = *begin;
  entry.end = *end;
  if (*end - *begin != bytes)
    return "holds " + std::to_string(*end - *begin) + " bytes, should be " + std::to_string(bytes) +
           " for " + known->name + " " + shape_text(entry.sizes);
  return "";
}

}  // namespace

struct Safetensors::Mapped {
  explicit Mapped(const std::filesystem::path& path) : file(path), bytes(path) {
    read_header();
    check_cover();
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw UserError(file.string() + ": " + what);
  }

  void read_header() {
    if (bytes.size() < kLengthBytes)
      refuse("cut short: is " + std::to_string(bytes.size()) + " bytes, should be at least 8");
    uint64_t length = 0;
    std::memcpy(&length, bytes.at(0), sizeof length);
    if (length > kLongestHeader)
      refuse("header is " + std::to_string(length) +
             " bytes, should be at most 100000000: not a safetensors file");
    data = kLengthBytes + static_cast<int64_t>(length);
    if (data > bytes.size())
      refuse("cut short: is " + std::to_string(bytes.size()) + " bytes, should be at least " +
             std::to_string(data) + " for the header alone");
    const std::string text(bytes.at(kLengthBytes), length);
    const Value header = parse_json(text, file.string() + ": header");
    const auto* members = header.as<Value::Table>();
    if (!members) refuse("header is " + header.describe() + ", should be a table");
    std::vector<std::string> problems;
    for (const auto& [name, value] : *members) {
      if (name == "__metadata__") {
        read_metadata(value);
        continue;
      }
      const std::string wrong = read_entry(value, entries[name]);
      if (!wrong.empty()) problems.push_back(file.string() + ": " + name + ": " + wrong);
    }
    if (!problems.empty()) throw UserError(problems);
  }

  void read_metadata(const Value& value) {
    const auto* members = value.as<Value::Table>();
    if (!members) refuse("__metadata__ is " + value.describe() + ", should be a table of strings");
    for (const auto& [key, member] : *members) {
      const auto* text = member.as<std::string>();
      if (!text)
        refuse("__metadata__." + key + " is " + member.describe() + ", should be a string");
      metadata[key] = *text;
    }
  }

  /// The tensors must lie end to end and fill the file.
  void check_cover() const {
    std::vector<std::pair<const Entry*, const std::string*>> order;
    for (const auto& [name, entry] : entries) order.emplace_back(&entry, &name);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first->begin, a.first->end) < std::pair(b.first->begin, b.first->end);
    });
    int64_t reached = 0;
    for (const auto& [entry, name] : order) {
      if (entry->begin != reached)
        refuse(*name + ": data begin at byte " + std::to_string(entry->begin) + ", should be at " +
               std::to_string(reached) + " where the tensor before ends");
      reached = entry->end;
    }
    const int64_t held = bytes.size() - data;
    if (held < reached)
      refuse("cut short: holds " + std::to_string(held) + " bytes of data, should be " +
             std::to_string(reached));
    if (held > reached)
      refuse("holds " + std::to_string(held) + " bytes of data, should be " +
             std::to_string(reached) + ": no tensor covers the rest");
  }

  const Entry& entry(const std::string& name) const {
    const auto found = entries.find(name);
    if (found != entries.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, unused] : entries) names.push_back(known);
    refuse("tensor \"" + name + "\" is missing" + did_you_mean(name, names));
  }

  std::filesystem::path file;
  Mapping bytes;
  int64_t data = 0;  // where the data section begins
  std::map<std::string, Entry> entries;
  std::map<std::string, std::string> metadata;
};

Safetensors::Safetensors(const std::filesystem::path& file)
    : mapped_(std::make_shared<const Mapped>(file)) {}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : mapped_->entries) names.push_back(name);
  return names;
}

bool Safetensors::has(const std::string& name) const { return mapped_->entries.count(name) > 0; }

const std::vector<int64_t>& Safetensors::sizes(const std::string& name) const {
  return mapped_->entry(name).sizes;
}

Tensor Safetensors::tensor(const std::string& name) const {
  const Entry& entry = mapped_->entry(name);
  if (entry.begin == entry.end) return at::empty(entry.sizes, entry.dtype);
  const int64_t offset = mapped_->data + entry.begin;
  if (offset % static_cast<int64_t>(at::elementSize(entry.dtype)) == 0)
    return at::from_blob(
        mapped_->bytes.at(offset), entry.sizes, [keep = mapped_](void*) {}, entry.dtype);
  Tensor copy = at::empty(entry.sizes, entry.dtype);
  std::memcpy(copy.mutable_data_ptr(), mapped_->bytes.at(offset), copy.nbytes());
  return copy;
}

Tensor Safetensors::tensor(const std::string& name, const std::vector<int64_t>& sizes) const {
  const Entry& entry = mapped_->entry(name);
  if (entry.sizes != sizes)
    mapped_->refuse(name + ": shape is " + shape_text(entry.sizes) + ", should be " +
                    shape_text(sizes));
  return tensor(name).to(at::kFloat);
}

const std::map<std::string, std::string>& Safetensors::metadata() const {
  return mapped_->metadata;
}

const std::filesystem::path& Safetensors::file() const { return mapped_->file; }

std::string safetensors_header(const std::vector<HeaderEntry>& entries,
                               const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> members;
  if (!metadata.empty()) {
    Value table{Value::Table()};
    for (const auto& [key, text] : metadata) table.set(key, text);
    members.push_back("\"__metadata__\":" + emit_json(table));
  }
  for (const HeaderEntry& tensor : entries) {
    Value entry;
    entry.set("dtype", dtype_name(tensor.dtype));
    entry.set("shape", Value::Array(tensor.sizes.begin(), tensor.sizes.end()));
    entry.set("data_offsets", Value::Array{tensor.begin, tensor.end});
    members.push_back(emit_json(tensor.name) + ":" + emit_json(entry));
  }
  std::string header = "{";
  for (const std::string& member : members) header += (header.size() > 1 ? "," : "") + member;
  header += "}";
  header.append((kLengthBytes - header.size() % kLengthBytes) % kLengthBytes, ' ');
  return header;
}

void save_safetensors(const std::filesystem::path& file, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<HeaderEntry> entries;
  int64_t end = 0;
  for (const auto& [name, tensor] : tensors) {
    const int64_t begin = end;
    end += static_cast<int64_t>(tensor.nbytes());
    entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), begin, end});
  }
  const std::string header = safetensors_header(entries, metadata);

  FileWriter writer(file);
  const uint64_t length = header.size();
  writer.write(&length, sizeof length);
  writer.write(header);
  for (const auto& [name, tensor] : tensors) {
    const Tensor bytes = tensor.detach().cpu().contiguous();
    if (bytes.nbytes() > 0) writer.write(bytes.const_data_ptr(), bytes.nbytes());
  }
  writer.commit();
}

}  // namespace facet
