// The header of a .npy file: a Python dictionary of three keys, read without Python.
#include "tensor/npy_file.h"

#include <facet/torch.h>

#include <algorithm>
#include <map>
#include <optional>

#include "facet/error.h"
#include "tensor/safetensors_file.h"

namespace facet {
namespace {

constexpr std::string_view kNpyMagic("\x93NUMPY", 6);
constexpr int64_t kNpyVersionBytes = 2;
constexpr int64_t kLongestNpyHeader = 1 << 16;  // of three keys; records of fields are refused
constexpr size_t kMostNpyAxes = 16;
constexpr size_t kMostNpyDigits = 18;  // of a size: it fits 64 bits

struct NpyKind {
  std::string_view name;
  at::ScalarType type;
  int64_t bytes;
};
constexpr NpyKind kNpyKinds[] = {
    {"<f4", at::kFloat, 4}, {"<f8", at::kDouble, 8}, {"<i4", at::kInt, 4}, {"<i8", at::kLong, 8}};

// Words of a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (20, 12), }.
// Each read gives nothing when something else stands there.
class NpyWords {
 public:
  explicit NpyWords(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_blanks();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> text() {
    skip_blanks();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) return std::nullopt;
    const size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string out(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return out;
  }
  std::optional<bool> flag() {
    skip_blanks();
    for (const auto& [word, value] :
         {std::pair<std::string_view, bool>("True", true), {"False", false}})
      if (text_.starts_with(word)) {
        text_.remove_prefix(word.size());
        return value;
      }
    return std::nullopt;
  }
  std::optional<std::vector<int64_t>> sizes() {
    if (!take('(')) return std::nullopt;
    std::vector<int64_t> out;
    while (!take(')')) {
      const auto size = number();
      if (!size || out.size() == kMostNpyAxes) return std::nullopt;
      out.push_back(*size);
      if (!take(',') && (text_.empty() || text_.front() != ')')) return std::nullopt;
    }
    return out;
  }
  bool at_end() {
    skip_blanks();
    return text_.empty();
  }

 private:
  void skip_blanks() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size()));
  }
  std::optional<int64_t> number() {
    skip_blanks();
    const size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
    if (digits == 0 || digits > kMostNpyDigits) return std::nullopt;
    const int64_t out = std::stoll(std::string(text_.substr(0, digits)));
    text_.remove_prefix(digits);
    return out;
  }

  std::string_view text_;
};

struct NpyHeader {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

// Nothing: the text is no such dictionary, or one of its values is of another kind.
std::optional<NpyHeader> npy_header_of(std::string_view text) {
  NpyWords words(text);
  NpyHeader out;
  if (!words.take('{')) return std::nullopt;
  while (!words.take('}')) {
    const auto key = words.text();
    if (!key || !words.take(':')) return std::nullopt;
    if (*key == "descr" && !out.descr)
      out.descr = words.text();
    else if (*key == "fortran_order" && !out.fortran_order)
      out.fortran_order = words.flag();
    else if (*key == "shape" && !out.shape)
      out.shape = words.sizes();
    else
      return std::nullopt;
    if (words.take(',')) continue;
    if (!words.take('}')) return std::nullopt;
    break;
  }
  if (!words.at_end() || !out.descr || !out.fortran_order || !out.shape) return std::nullopt;
  return out;
}

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& file)
    : path_(file), bytes_(std::make_shared<const MappedFile>(file)) {
  const std::string text = header();
  const auto said = npy_header_of(text);
  if (!said)
    refuse("its header should name descr (one kind of number), fortran_order and shape, is " +
           text.substr(0, text.find_last_not_of(" \n") + 1));
  const auto* const kind =
      std::find_if(std::begin(kNpyKinds), std::end(kNpyKinds),
                   [&](const NpyKind& one) { return one.name == *said->descr; });
  if (kind == std::end(kNpyKinds))
    refuse("holds numbers of kind \"" + *said->descr + "\", should be <f4, <f8, <i4 or <i8");
  if (*said->fortran_order)
    refuse("stands in Fortran order, should be in C order: numpy.ascontiguousarray makes it so");
  type_ = kind->type;
  sizes_ = *said->shape;
  check_length(kind->bytes);
}

void NpyFile::refuse(const std::string& what) const {
  throw UserError(path_.string() + ": " + what);
}

// The text of the dictionary; data_ is behind it.
std::string NpyFile::header() {
  const auto magic = static_cast<int64_t>(kNpyMagic.size());
  const int64_t size = bytes_->size();
  if (size < magic + kNpyVersionBytes || bytes_->view(0, magic) != kNpyMagic)
    refuse("no .npy file: does not begin as numpy.save begins");
  const int version = static_cast<unsigned char>(*bytes_->at(magic));
  if (version < 1 || version > 3)
    refuse("is of version " + std::to_string(version) + " of the .npy format, should be 1 to 3");
  const int64_t length_at = magic + kNpyVersionBytes, length_bytes = version == 1 ? 2 : 4;
  if (size < length_at + length_bytes) refuse("cut short: ends in its header");
  int64_t length = 0;
  for (int64_t i = length_bytes - 1; i >= 0; --i)
    length = length << 8 | static_cast<unsigned char>(*bytes_->at(length_at + i));
  if (length > kLongestNpyHeader)
    refuse("has a header of " + std::to_string(length) + " bytes, should have at most " +
           std::to_string(kLongestNpyHeader));
  data_ = length_at + length_bytes + length;
  if (size < data_) refuse("cut short: ends in its header");
  return std::string(bytes_->view(data_ - length, data_));
}

void NpyFile::check_length(int64_t item_bytes) const {
  int64_t wanted = item_bytes;
  bool fits = true;
  for (const int64_t size : sizes_) fits = fits && !__builtin_mul_overflow(wanted, size, &wanted);
  const int64_t there = bytes_->size() - data_;
  const std::string numbers = shape_text(sizes_) + " of " + std::to_string(item_bytes) + " bytes";
  if (!fits) refuse("says that it holds " + numbers + ", more than a file can");
  if (there < wanted)
    refuse("cut short: has " + std::to_string(there) + " bytes of numbers, should have " +
           std::to_string(wanted) + " for " + numbers);
  if (there > wanted)
    refuse("has " + std::to_string(there - wanted) + " bytes behind its numbers, " + numbers);
  if (data_ % item_bytes != 0)
    refuse("its numbers begin at byte " + std::to_string(data_) + ", should at a multiple of " +
           std::to_string(item_bytes));
}

at::Tensor NpyFile::tensor() const {
  const auto options = at::TensorOptions().dtype(type_);
  if (bytes_->size() == data_) return at::empty(sizes_, options);
  return at::from_blob(
      bytes_->at(data_), sizes_, [kept = bytes_](void*) {}, options);
}

}  // namespace facet
