// What contestants of bench/run print: rates of blocks, and the last lines. See contest.py.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace facet::bench {

/// What bench/run says of the blocks, in the environment.
inline double said(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atof(text) : otherwise;
}

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Prints a rate for each of BENCH_BLOCKS blocks of BENCH_SECONDS at least, after one to warm up.
class Blocks {
 public:
  /// A block has at least so many steps.
  explicit Blocks(int64_t least_steps = 3) : least_steps_(least_steps) {}

  /// After each step, with what it did (rows, bytes); false: that was the last block.
  bool stepped(double done) {
    ++steps_;
    done_ += done;
    const double passed = now() - begin_;
    if (passed < seconds_ || steps_ < least_steps_) return true;
    if (warm_) {
      std::printf("%.6g\n", done_ / passed);
      std::fflush(stdout);
      --left_;
    }
    warm_ = true;
    steps_ = 0;
    done_ = 0;
    begin_ = now();
    return left_ > 0;
  }

 private:
  int64_t least_steps_;
  double seconds_ = said("BENCH_SECONDS", 1.5);
  int left_ = static_cast<int>(said("BENCH_BLOCKS", 5));
  int64_t steps_ = 0;
  double done_ = 0;
  bool warm_ = false;
  double begin_ = now();
};

/// The line with the process's largest memory. getrusage() would give that of who started it, if
/// that was more.
inline void print_peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (long kib = 0; std::sscanf(line.c_str(), "VmHWM: %ld", &kib) == 1)
      std::printf("peak_mib %ld\n", kib / 1024);
}

}  // namespace facet::bench
