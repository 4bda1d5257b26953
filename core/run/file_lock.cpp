// Bodies of the lock file.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "run/run_folder.h"

namespace facet {
namespace {

int open_lock(const std::filesystem::path& file) {
  std::filesystem::create_directories(file.parent_path());
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) throw UserError(file.string() + ": cannot lock: " + std::strerror(errno));
  return descriptor;
}

void sign(int descriptor) {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  char now[32];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S", std::localtime(&seconds));
  const std::string text =
      "process " + std::to_string(::getpid()) + " on " + host + " since " + now;
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, text.data(), text.size(), 0) < 0)
    return;  // only a courtesy
}

}  // namespace

std::unique_ptr<FileLock> FileLock::try_take(const std::filesystem::path& file,
                                             std::string& holder) {
  const int descriptor = open_lock(file);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    char text[512] = "";
    const ssize_t size = ::pread(descriptor, text, sizeof text - 1, 0);
    holder = size > 0 ? std::string(text, static_cast<size_t>(size)) : "another process";
    ::close(descriptor);
    return nullptr;
  }
  sign(descriptor);
  return std::unique_ptr<FileLock>(new FileLock(descriptor));
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace facet
