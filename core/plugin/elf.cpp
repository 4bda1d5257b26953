// Reads the tables of an ELF file that say how long it is.
#include "plugin/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace facet {
namespace {

std::string cut_short(size_t is, uint64_t should_be) {
  return "cut short: " + std::to_string(is) + " bytes, should be " + std::to_string(should_be);
}

}  // namespace

std::string elf_problem(const std::string& bytes) {
  if (!bytes.starts_with(ELFMAG)) return "no shared library";
  Elf64_Ehdr head;
  if (bytes.size() < sizeof head) return cut_short(bytes.size(), sizeof head);
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_type != ET_DYN) return "no shared library";

  const uint64_t segments_end = head.e_phoff + uint64_t{head.e_phnum} * sizeof(Elf64_Phdr);
  uint64_t end = std::max(segments_end, head.e_shoff + uint64_t{head.e_shnum} * sizeof(Elf64_Shdr));
  for (size_t i = 0; segments_end <= bytes.size() && i < head.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + head.e_phoff + i * sizeof segment, sizeof segment);
    end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  return end <= bytes.size() ? "" : cut_short(bytes.size(), end);
}

}  // namespace facet
