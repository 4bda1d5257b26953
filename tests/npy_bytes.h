// Bytes of .npy files, for tests that make some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// As numpy.save writes it: blanks fill the header up to a multiple of 64.
inline std::string npy(const std::string& header, const std::string& numbers, int version = 1) {
  const size_t length_bytes = version == 1 ? 2 : 4, front = 8 + length_bytes;
  std::string text = header;
  while ((front + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string out = std::string("\x93NUMPY", 6) + static_cast<char>(version) + '\0';
  for (size_t i = 0; i < length_bytes; ++i) out += static_cast<char>(text.size() >> (8 * i) & 255);
  return out + text + numbers;
}
/// Of one array in C order; shape "(2, 3)".
inline std::string header_of(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}
template <class T>
std::string raw_bytes(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}
