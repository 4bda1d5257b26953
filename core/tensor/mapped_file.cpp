// mmap, and why it failed.
#include "tensor/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "facet/error.h"

namespace facet {
namespace {

[[noreturn]] void refuse_unreadable(const std::filesystem::path& file, int error) {
  throw UserError(file.string() + ": cannot read: " + std::strerror(error));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) refuse_unreadable(file, errno);
  struct stat status = {};
  const bool known = fstat(descriptor, &status) == 0;
  const bool regular = known && S_ISREG(status.st_mode);
  if (regular && status.st_size > 0) {
    size_ = status.st_size;
    bytes_ = mmap(nullptr, static_cast<size_t>(size_), PROT_READ, MAP_PRIVATE, descriptor, 0);
  }
  const int error = errno;
  close(descriptor);
  if (!known || bytes_ == MAP_FAILED) refuse_unreadable(file, error);
  if (!regular) throw UserError(file.string() + ": cannot read: not a file");
}

MappedFile::~MappedFile() {
  if (bytes_) munmap(bytes_, static_cast<size_t>(size_));
}

std::string_view MappedFile::view(int64_t begin, int64_t end) const {
  FACET_ASSERT(begin >= 0 && begin <= end && end <= size_, "bytes outside of a file");
  return {static_cast<const char*>(bytes_) + begin, static_cast<size_t>(end - begin)};
}

void MappedFile::let_go(int64_t begin, int64_t end) const {
  static const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t first = begin / page * page;
  madvise(at(first), static_cast<size_t>(end - first), MADV_DONTNEED);  // if not, they stay
}

}  // namespace facet
