// Bodies of the draws of rows.
#include "row_draws.h"

#include <facet/torch.h>

#include <algorithm>
#include <vector>

namespace facet {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;  // of splitmix64

uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Numbers from one number on, as splitmix64 gives them.
struct Stream {
  uint64_t at;
  uint64_t next() { return mixed(at += kGolden); }
  // 0 .. n - 1; what is uneven of it is below n / 2^64.
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
};

Stream stream_of(int64_t number) { return {static_cast<uint64_t>(number)}; }

}  // namespace

Tensor row_numbers(const Tensor& x, int64_t seed) {
  const Tensor bits = x.detach().to(at::kFloat).flatten(1).contiguous().view(at::kInt);  // [n, d]
  const Tensor factors = at::empty({bits.size(1)}, at::kLong);
  Stream stream = stream_of(seed);
  for (int64_t i = 0; i < factors.numel(); ++i)
    factors.data_ptr<int64_t>()[i] = static_cast<int64_t>(stream.next() | 1);
  Tensor numbers = (bits.to(at::kLong) * factors.to(bits.device())).sum(1).cpu();  // modulo 2^64
  int64_t* number = numbers.data_ptr<int64_t>();
  for (int64_t i = 0; i < numbers.numel(); ++i)
    number[i] = static_cast<int64_t>(mixed(static_cast<uint64_t>(number[i])));
  return numbers;
}

int64_t number_of_all(const Tensor& numbers) { return numbers.sum().item<int64_t>(); }

Tensor drawn_choice(const Tensor& numbers, int64_t choices) {
  const Tensor out = at::empty_like(numbers);
  for (int64_t i = 0; i < numbers.numel(); ++i)
    out.data_ptr<int64_t>()[i] = stream_of(numbers.const_data_ptr<int64_t>()[i]).below(choices);
  return out;
}

Tensor drawn_subset(const Tensor& numbers, int64_t m, int64_t k) {
  const Tensor out = at::empty({numbers.numel(), k}, at::kLong);
  std::vector<int64_t> taken;
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    Stream stream = stream_of(numbers.const_data_ptr<int64_t>()[i]);
    taken.clear();  // ascending
    for (int64_t last = m - k; last < m; ++last) {
      const int64_t drawn = stream.below(last + 1);
      const auto place = std::lower_bound(taken.begin(), taken.end(), drawn);
      if (place == taken.end() || *place != drawn)
        taken.insert(place, drawn);
      else
        taken.push_back(last);
    }
    std::copy(taken.begin(), taken.end(), out.data_ptr<int64_t>() + i * k);
  }
  return out;
}

}  // namespace facet
