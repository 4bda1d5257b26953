// Whether a file is a whole shared library, told from its bytes: the system's loader crashes on one
// cut short.
#pragma once

#include <string>

namespace facet {

/// "" when `bytes` are a complete 64-bit ELF shared library; otherwise what is wrong: "no shared
/// library", or "cut short: 1000 bytes, should be 24832".
std::string elf_problem(const std::string& bytes);

}  // namespace facet
