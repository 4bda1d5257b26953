// Named random streams: one root seed, one independent stream for each purpose.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace facet {

/// xoshiro256** (Blackman and Vigna 2018, arXiv:1805.01407), the same numbers on every machine.
class Rng {
 public:
  /// The stream `purpose` ("sae/init", "train/shuffle") of the root seed: its state is sha256(root,
  /// purpose).
  Rng(uint64_t root, const std::string& purpose);

  uint64_t next();
  double uniform();  ///< [0, 1), 53 bits
  double normal();   ///< mean 0, standard deviation 1 (polar method; keeps no second value)
  uint64_t below(uint64_t n);  ///< uniform over 0 .. n - 1, without bias; n > 0
  std::vector<int64_t> permutation(int64_t n);

  std::array<uint64_t, 4> state() const { return state_; }
  void restore(const std::array<uint64_t, 4>& state) { state_ = state; }

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace facet
