// The header is checked in full before any tensor is handed out; data are read through a mapping.
// source: the format as in huggingface/safetensors README.md; refusals as in its
// Metadata::validate, and stricter.
#include "tensor/safetensors_file.h"

#include <facet/torch.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "facet/error.h"
#include "facet/value.h"
#include "tensor/mapped_file.h"

namespace facet {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

constexpr uint64_t kLongestHeader = 100'000'000;

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
    {"F8_E8M0", at::kFloat8_e8m0fnu},
    {"C64", at::kComplexFloat},
};
/// Of the format, but less than a byte wide.
constexpr const char* kNarrow[] = {"F4", "F6_E2M3", "F6_E3M2"};

const Dtype* find_dtype(const std::string& name) {
  for (const Dtype& dtype : kDtypes)
    if (name == dtype.name) return &dtype;
  return nullptr;
}

std::string dtype_problem(const std::string& name) {
  for (const char* narrow : kNarrow)
    if (name == narrow) return "dtype \"" + name + "\" is none that LibTorch can hold";
  std::vector<std::string> names;
  for (const Dtype& dtype : kDtypes) names.emplace_back(dtype.name);
  return "dtype \"" + name + "\" is unknown" + did_you_mean(name, names);
}

/// Reads one entry of the header; "" or what is wrong with it.
std::string read_entry(const Value& value, SafetensorsFile::Entry& entry) {
  const Value* dtype = value.find("dtype");
  const Value* shape = value.find("shape");
  const Value* offsets = value.find("data_offsets");
  const auto* name = dtype ? dtype->as<std::string>() : nullptr;
  const auto* sizes = shape ? shape->as<Value::Array>() : nullptr;
  const auto* range = offsets ? offsets->as<Value::Array>() : nullptr;
  if (!name || !sizes || !range || range->size() != 2)
    return "the header should give dtype, shape and two data_offsets";
  const Dtype* known = find_dtype(*name);
  if (!known) return dtype_problem(*name);
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

std::string shape_text(const std::vector<int64_t>& sizes) {
  std::string out = "[";
  for (size_t i = 0; i < sizes.size(); ++i) out += (i ? ", " : "") + std::to_string(sizes[i]);
  return out + "]";
}

const char* safetensors_dtype(at::ScalarType type) {
  for (const Dtype& dtype : kDtypes)
    if (type == dtype.type) return dtype.name;
  throw Bug("safetensors have no dtype for " + std::string(at::toString(type)));
}

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& file) {
  return std::shared_ptr<const SafetensorsFile>(new SafetensorsFile(file));
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file)
    : path_(file), bytes_(std::make_unique<const MappedFile>(file)) {
  read_header();
  check_cover();
}

SafetensorsFile::~SafetensorsFile() = default;

void SafetensorsFile::refuse(const std::string& what) const {
  throw UserError(path_.string() + ": " + what);
}

void SafetensorsFile::read_header() {
  if (bytes_->size() < kHeaderLengthBytes)
    refuse("cut short: is " + std::to_string(bytes_->size()) + " bytes, should be at least 8");
  uint64_t length = 0;
  std::memcpy(&length, bytes_->at(0), sizeof length);
  if (length > kLongestHeader)
    refuse("header is " + std::to_string(length) +
           " bytes, should be at most 100000000: not a safetensors file");
  data_ = kHeaderLengthBytes + static_cast<int64_t>(length);
  if (data_ > bytes_->size())
    refuse("cut short: is " + std::to_string(bytes_->size()) + " bytes, should be at least " +
           std::to_string(data_) + " for the header alone");
  if (length == 0 || *bytes_->at(kHeaderLengthBytes) != '{')
    refuse("header should be a JSON object: not a safetensors file");
  const std::string text(bytes_->at(kHeaderLengthBytes), length);
  const Value header = parse_json(text, path_.string() + ": header");
  std::vector<std::string> problems;
  for (const auto& [name, value] : *header.as<Value::Table>()) {
    if (name == "__metadata__") {
      read_metadata(value);
      continue;
    }
    const std::string wrong = read_entry(value, entries_[name]);
    if (!wrong.empty()) problems.push_back(path_.string() + ": " + name + ": " + wrong);
  }
  if (!problems.empty()) throw UserError(problems);
}

void SafetensorsFile::read_metadata(const Value& value) {
  const auto* members = value.as<Value::Table>();
  if (!members) refuse("__metadata__ is " + value.describe() + ", should be a table of strings");
  for (const auto& [key, member] : *members) {
    const auto* text = member.as<std::string>();
    if (!text) refuse("__metadata__." + key + " is " + member.describe() + ", should be a string");
    metadata_[key] = *text;
  }
}

/// The tensors must lie end to end and fill the file.
void SafetensorsFile::check_cover() const {
  std::vector<std::pair<const Entry*, const std::string*>> order;
  for (const auto& [name, entry] : entries_) order.emplace_back(&entry, &name);
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
  const int64_t held = bytes_->size() - data_;
  if (held < reached)
    refuse("cut short: holds " + std::to_string(held) + " bytes of data, should be " +
           std::to_string(reached));
  if (held > reached)
    refuse("holds " + std::to_string(held) + " bytes of data, should be " +
           std::to_string(reached) + ": no tensor covers the rest");
}

at::Tensor SafetensorsFile::tensor(const Entry& entry) const {
  if (entry.begin == entry.end) return at::empty(entry.sizes, entry.dtype);
  char* const data = bytes_->at(data_ + entry.begin);
  const auto alignment = static_cast<int64_t>(at::elementSize(entry.dtype));
  if ((data_ + entry.begin) % alignment == 0)
    return at::from_blob(
        data, entry.sizes,
        [keep = shared_from_this(), begin = data_ + entry.begin, end = data_ + entry.end](void*) {
          keep->bytes_->let_go(begin, end);
        },
        entry.dtype);
  at::Tensor copy = at::empty(entry.sizes, entry.dtype);
  std::memcpy(copy.mutable_data_ptr(), data, copy.nbytes());
  return copy;
}

}  // namespace facet
