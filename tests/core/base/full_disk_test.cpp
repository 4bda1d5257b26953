// A disk that is really full: a file system of one mebibyte in memory, where the user may mount
// one.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0)
      GTEST_SKIP() << "NOT TESTED: a really full disk; mounting a small tmpfs needs root";
    fs::create_directory(disk_);
    mounted_ = ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=1m") == 0;
    if (!mounted_)
      GTEST_SKIP() << "NOT TESTED: a really full disk; mount refused: " << std::strerror(errno);
  }
  void TearDown() override {
    if (mounted_) {
      EXPECT_EQ(::umount2(disk_.c_str(), MNT_DETACH), 0);
    }
  }
  static std::string full(const fs::path& file) {
    return file.string() + ": cannot write: No space left on device";
  }

  TestFolder folder_;
  fs::path disk_ = folder_ / "disk";
  bool mounted_ = false;
};

}  // namespace

TEST_F(FullDisk, leaves_the_old_file_whole_and_gives_the_room_back) {
  write_file(disk_ / "x", "old");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(refusal_of([&] { write_file(disk_ / "x", std::string(2 << 20, 'n')); }),
              full(disk_ / "x"));
    EXPECT_EQ(read_file(disk_ / "x"), "old");
    EXPECT_FALSE(fs::exists(disk_ / "x.partial"));
  }
  write_file(disk_ / "x", std::string(500000, 'n'));
  EXPECT_EQ(fs::file_size(disk_ / "x"), 500000u);
}

TEST_F(FullDisk, ends_a_log_at_a_whole_line) {
  Appender lines(disk_ / "log");
  const std::string text(99999, 'x');
  EXPECT_EQ(refusal_of([&] {
              while (true) lines.line(text);
            }),
            full(disk_ / "log"));
  EXPECT_EQ(static_cast<int64_t>(fs::file_size(disk_ / "log")), lines.size());
  EXPECT_EQ(lines.size() % 100000, 0);
  EXPECT_GT(lines.size(), 0);
}
