// What a team of threads does to keep the k largest of a row: it finds the k-th largest key digit
// by digit, then moves what stays together. Plain C++17: tests run it on the CPU.
//
// A team has rank() and size() (at most 1024); sync(); any(x), whether x holds in some thread;
// add(at, x), which several threads may do at once; and before(x, &total), the sum of x over the
// threads of lower rank and over all. All but the first two and add() are calls of the whole team.
#pragma once

#include <cstdint>
#include <cstring>

#include "tensor/cuda/row_bodies.h"

namespace facet::bodies {

constexpr int kDigitBits = 11;
constexpr int kDigits = 1 << kDigitBits;

/// Memory that the team shares.
struct SelectScratch {
  int32_t count[kDigits];  // keys by their digit
  int32_t digit;           // that of the k-th largest
  int32_t left;            // how many of this digit stay
};

/// selection_key() as an unsigned number: greater is better.
FACET_BODY uint32_t order_of(float x) {
  if (x != x) return 0xffffffffu;
  const float zero_has_no_sign = x + 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &zero_has_no_sign, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// The entries of one row: those that it has kept, then those of the tile.
struct RowEntries {
  const float* tile;
  const float* bias;
  int32_t first;
  int64_t had, size;
  int32_t* latent;
  float* value;

  FACET_BODY RowEntries(const KeepLargest& a, int64_t i)
      : tile(a.tile + i * a.stride),
        bias(a.bias),
        first(a.first),
        had(a.had),
        size(a.had + a.latents),
        latent(a.latent + i * a.k),
        value(a.value + i * a.k) {}

  FACET_BODY float number(int64_t e) const {
    if (e < had) return value[e];
    return bias ? tile[e - had] + bias[e - had] : tile[e - had];
  }
  FACET_BODY int32_t id(int64_t e) const {
    return e < had ? latent[e] : first + static_cast<int32_t>(e - had);
  }
};

/// The `wanted`-th largest key of a row, and how many entries of this very key stay. Entries of the
/// tile stay only if their key is above `bar`, or if nothing is barred.
template <class Team>
FACET_BODY uint32_t threshold(Team& team, SelectScratch& s, const RowEntries& row, int32_t wanted,
                              bool barred, uint32_t bar, int32_t* ties) {
  const int each = (kDigits + team.size() - 1) / team.size();
  uint32_t found = 0, known = 0;  // bits of the key, and which of them are found
  int32_t left = wanted;
  for (int shift = 32 - kDigitBits;; shift = shift > kDigitBits ? shift - kDigitBits : 0) {
    for (int digit = team.rank(); digit < kDigits; digit += team.size()) s.count[digit] = 0;
    team.sync();
    for (int64_t e = team.rank(); e < row.size; e += team.size()) {
      const uint32_t key = order_of(row.number(e));
      if ((key & known) != found || (barred && e >= row.had && key <= bar)) continue;
      team.add(&s.count[(key >> shift) & (kDigits - 1)], 1);
    }
    team.sync();
    // Each thread has some digits, that of rank 0 the largest: in one of them is the one we want.
    const int top = kDigits - 1 - team.rank() * each;
    int32_t own = 0, total = 0;
    for (int digit = top; digit > top - each && digit >= 0; --digit) own += s.count[digit];
    int32_t above = team.before(own, &total);
    if (above < left && above + own >= left) {
      int digit = top;
      for (; above + s.count[digit] < left; --digit) above += s.count[digit];
      s.digit = digit;
      s.left = left - above;
    }
    team.sync();
    found |= static_cast<uint32_t>(s.digit) << shift;
    known |= static_cast<uint32_t>(kDigits - 1) << shift;
    left = s.left;
    if (shift == 0) break;
  }
  *ties = left;
  return found;
}

/// Row i keeps its k largest.
template <class Team>
FACET_BODY void run(Team& team, SelectScratch& s, const KeepLargest& a, int64_t i) {
  const RowEntries row(a, i);
  const bool barred = a.had == a.k;
  const uint32_t bar = barred ? a.bar[i] : 0;
  if (barred) {
    bool passes = false;
    for (int64_t e = row.had + team.rank(); e < row.size && !passes; e += team.size())
      passes = order_of(row.number(e)) > bar;
    if (!team.any(passes)) return;
  }
  const auto wanted = static_cast<int32_t>(a.k < row.size ? a.k : row.size);
  int32_t ties = 0;
  const uint32_t least = threshold(team, s, row, wanted, barred, bar, &ties);

  // An entry never moves up, and before() parts what a round reads from what it writes.
  int32_t above = 0, equal = 0;
  for (int64_t begin = 0; begin < row.size; begin += team.size()) {
    const int64_t e = begin + team.rank();
    const bool there = e < row.size;
    const float value = there ? row.number(e) : 0.0f;
    const int32_t latent = there ? row.id(e) : 0;
    const uint32_t key = order_of(value);
    const bool is_above = there && key > least, is_equal = there && key == least;
    int32_t total = 0;  // two sums in one: both are at most 1024
    const int32_t before = team.before((is_above ? 1 : 0) + (is_equal ? 1 << 16 : 0), &total);
    const int32_t ties_before = equal + (before >> 16);
    if (is_above || (is_equal && ties_before < ties)) {
      const int32_t to = above + (before & 0xffff) + (ties_before < ties ? ties_before : ties);
      row.latent[to] = latent;
      row.value[to] = value;
    }
    above += total & 0xffff;
    equal += total >> 16;
  }
  if (team.rank() == 0) a.bar[i] = least;
}

}  // namespace facet::bodies
