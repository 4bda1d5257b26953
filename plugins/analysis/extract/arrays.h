// Arrays of NumPy (.npy) as bytes, filled row by row.
#pragma once

#include <cstdint>
#include <string>

/// The bytes of an array [rows, columns] of zeros, as numpy.save writes it (version 1.0).
class NpyArray {
 public:
  /// kind "<f4", "<f8" or "<i8". UserError naming `file` when the array has more than `most_bytes`.
  NpyArray(const std::string& file, const std::string& kind, int64_t rows, int64_t columns,
           int64_t most_bytes);

  /// Where row `row` begins; T is of the array's kind.
  template <class T>
  T* row(int64_t row) {
    return reinterpret_cast<T*>(bytes_.data() + data_) + row * columns_;
  }
  const std::string& file() const { return file_; }
  const std::string& kind() const { return kind_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string file_, kind_;
  int64_t rows_, columns_;
  size_t data_;  // a multiple of 64: rows lie straight
  std::string bytes_;
};
