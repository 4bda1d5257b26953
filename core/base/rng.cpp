// Bodies of the named random streams.
#include "facet/rng.h"

#include <cmath>
#include <numeric>

#include "base/hash.h"
#include "facet/error.h"

namespace facet {
namespace {

uint64_t rotated(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

Rng::Rng(uint64_t root, const std::string& purpose) {
  const std::string digest = sha256(std::to_string(root) + "/" + purpose);
  for (size_t i = 0; i < 4; ++i) state_[i] = std::stoull(digest.substr(16 * i, 16), nullptr, 16);
}

uint64_t Rng::next() {
  const uint64_t result = rotated(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotated(state_[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::normal() {
  while (true) {
    const double u = 2 * uniform() - 1;
    const double v = 2 * uniform() - 1;
    const double s = u * u + v * v;
    if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
  }
}

uint64_t Rng::below(uint64_t n) {
  FACET_ASSERT(n > 0, "Rng::below(0)");
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  uint64_t x = next();
  while (x >= limit) x = next();
  return x % n;
}

std::vector<int64_t> Rng::permutation(int64_t n) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  return order;
}

}  // namespace facet
