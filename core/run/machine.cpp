// Bodies of the machine's figures.
#include "run/machine.h"

#include <ATen/DeviceAccelerator.h>
#include <facet/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr double kKiB = 1024;
constexpr int64_t kSide = 1024;       // of the matrices that are multiplied
constexpr double kLongEnough = 0.05;  // seconds

// The number behind `name:` in a file of such lines, or 0.
double entry_of(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":")) return std::atof(line.c_str() + name.size() + 1);
  return 0;
}

// The number that is all of a file, or 0.
double number_in(const fs::path& file) {
  std::ifstream in(file);
  double number = 0;
  return in >> number ? number : 0;
}

// What is left of this process's control group, or 0 without a limit.
double left_of_group() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("0::")) continue;
    for (fs::path group = "/sys/fs/cgroup" + line.substr(3);; group = group.parent_path()) {
      const double limit = number_in(group / "memory.max");  // "max" reads as 0
      if (limit > 0) return std::max(1.0, limit - number_in(group / "memory.current"));
      if (group == "/sys/fs/cgroup" || !group.has_relative_path()) break;
    }
  }
  return 0;
}

double multiply_rate(const std::string& device) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor a = torch::full({kSide, kSide}, 0.5, torch::TensorOptions().device(device));
  torch::Tensor product = torch::matmul(a, a);  // the first one starts threads
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  double seconds = 0;
  int64_t times = 0;
  while (seconds < kLongEnough) {
    product = torch::matmul(a, product * 1e-3);
    product[0][0].item<float>();  // waits for the device
    ++times;
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return 2.0 * kSide * kSide * kSide * static_cast<double>(times) / seconds;
}

std::string number_text(double number, const std::string& unit) {
  char text[32];
  std::snprintf(text, sizeof text, number < 9.95 ? "%.1f" : "%.0f", number);
  return text + (" " + unit);
}

}  // namespace

double available_memory() {
  const double system = entry_of("/proc/meminfo", "MemAvailable") * kKiB;
  const double group = left_of_group();
  return group > 0 ? std::min(system, group) : system;
}

double free_disk(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  return error ? 0 : static_cast<double>(space.available);
}

fs::path existing_folder(const fs::path& folder) {
  fs::path there = fs::absolute(folder);
  std::error_code error;
  while (!fs::is_directory(there, error) && there.has_relative_path()) there = there.parent_path();
  return there;
}

Machine measure_machine(const fs::path& runs, const std::string& device) {
  Machine machine;
  machine.memory = available_memory();
  machine.program = entry_of("/proc/self/status", "VmRSS") * kKiB;
  machine.disk = free_disk(existing_folder(runs));
  machine.flops = multiply_rate(device);
  if (device != "cpu") {
    const size_t colon = device.find(':');
    const auto index = colon == std::string::npos ? 0 : std::stoi(device.substr(colon + 1));
    const auto free = at::accelerator::getMemoryInfo(static_cast<c10::DeviceIndex>(index)).first;
    machine.device = static_cast<double>(free);
  }
  return machine;
}

std::string bytes_text(double bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  for (; bytes >= kKiB && unit + 1 < std::size(units); ++unit) bytes /= kKiB;
  if (unit == 0) return std::to_string(static_cast<int64_t>(bytes)) + " B";
  return number_text(bytes, units[unit]);
}

std::string time_text(double seconds) {
  if (seconds < 1) return "less than 1 s";
  if (seconds < 90) return number_text(seconds, "s");
  if (seconds < 90 * 60.0) return number_text(seconds / 60, "min");
  if (seconds < 48 * 3600.0) return number_text(seconds / 3600, "h");
  return number_text(seconds / 86400, "days");
}

}  // namespace facet
