// What this machine has: memory, disk, and how fast it multiplies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace facet {

/// 0 where a figure is unknown.
struct Machine {
  double memory = 0;   ///< bytes that can be had now
  double program = 0;  ///< bytes that facet itself has already
  double device = 0;   ///< bytes free on the GPU; 0: computation is on the CPU
  double disk = 0;     ///< bytes free where runs and stores lie
  double flops = 0;    ///< additions and multiplications a second in a matrix product
};

/// Bytes that can be had without swapping: the system's word, or what is left of the limit of a
/// control group when that is less.
double available_memory();
/// Bytes free for this user.
double free_disk(const std::filesystem::path& folder);
/// The folder itself, or the nearest one above it that exists.
std::filesystem::path existing_folder(const std::filesystem::path& folder);
/// All figures; takes a tenth of a second, in which a matrix product is timed on `device`.
Machine measure_machine(const std::filesystem::path& runs, const std::string& device);

/// "512 B", "3.125 MiB".
std::string bytes_text(double bytes);
/// "40 s", "3.5 min", "12 h", "3 days".
std::string time_text(double seconds);

}  // namespace facet
