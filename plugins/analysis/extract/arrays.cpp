// The header that numpy.save writes, and the numbers behind it.
#include "arrays.h"

#include <facet/error.h>
#include <facet/table.h>

using namespace facet;

namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

// source: NumPy 2, numpy/lib/_format_impl.py: blanks fill the header up to a multiple of 64, with
// room for 21 digits of the first size.
std::string npy_header(const std::string& kind, int64_t rows, int64_t columns) {
  constexpr size_t kGrowthDigits = 21, kAlign = 64, kFront = 10;
  std::string text = "{'descr': '" + kind + "', 'fortran_order': False, 'shape': (" +
                     std::to_string(rows) + ", " + std::to_string(columns) + "), }";
  text += std::string(kGrowthDigits - std::to_string(rows).size(), ' ');
  text += std::string(kAlign - (kFront + text.size() + 1) % kAlign, ' ') + "\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(text.size() & 255) +
         static_cast<char>(text.size() >> 8) + text;
}

int64_t item_bytes(const std::string& kind) { return kind == "<f4" ? 4 : 8; }

}  // namespace

NpyArray::NpyArray(const std::string& file, const std::string& kind, int64_t rows, int64_t columns,
                   int64_t most_bytes)
    : file_(file), kind_(kind), rows_(rows), columns_(columns) {
  const double wanted = static_cast<double>(rows) * static_cast<double>(columns) *
                        static_cast<double>(item_bytes(kind));
  if (wanted > static_cast<double>(most_bytes))
    throw UserError("extract: " + file + ": " + std::to_string(rows) + " rows of " +
                    std::to_string(columns) + " numbers of " + std::to_string(item_bytes(kind)) +
                    " bytes are " + for_eyes(wanted / kGib) + " GiB, more than largest_file (" +
                    for_eyes(static_cast<double>(most_bytes) / kGib) +
                    "): a file is made in memory; raise it, or draw fewer records (data.sample)");
  bytes_ = npy_header(kind, rows, columns);
  data_ = bytes_.size();
  bytes_.resize(data_ + static_cast<size_t>(rows * columns * item_bytes(kind)));
}
