// How a score ranks a class: AUROC, average precision and the test of Mann and Whitney, in one
// pass.
#include <algorithm>
#include <cmath>
#include <limits>

#include "facet/error.h"
#include "facet/stats.h"

namespace facet {
namespace {

constexpr double kNoRank = std::numeric_limits<double>::quiet_NaN();

// What has been counted of the scores so far, from the largest down.
struct Ranked {
  int64_t members_in_all, others_in_all;
  int64_t members = 0, others = 0;  // seen
  int64_t twice_u = 0;              // 2 U, so that half a pair is whole
  double average_precision = 0;
  long double tied = 0;  // sum of t^3 - t over the ties, exact below 2^64

  // A tie of so many members and others.
  void add(int64_t tied_members, int64_t tied_others) {
    members += tied_members, others += tied_others;
    twice_u += tied_members * (2 * (others_in_all - others) + tied_others);
    const auto t = static_cast<long double>(tied_members + tied_others);
    tied += t * (t * t - 1);
    if (tied_members == 0) return;
    const double precision = static_cast<double>(members) / static_cast<double>(members + others);
    average_precision +=
        precision * static_cast<double>(tied_members) / static_cast<double>(members_in_all);
  }
};

// Two-sided, by the normal distribution, of a U that lies `away` from its mean.
double normal_p(double away, double deviation) {
  return std::min(1.0, std::erfc(away / deviation / std::sqrt(2.0)));
}

// SciPy's mannwhitneyu(method="asymptotic"). Differs: a score that has one value only says nothing,
// and p is 1, where SciPy divides 0 by 0 without continuity correction.
void add_normal_test(const Ranked& ranked, RankTest& out) {
  const auto members = static_cast<long double>(ranked.members_in_all),
             others = static_cast<long double>(ranked.others_in_all), all = members + others;
  const long double untied = all * (all * all - 1) - ranked.tied;
  if (untied <= 0) return;
  const auto deviation =
      static_cast<double>(std::sqrt(members * others / 12 * (untied / (all * (all - 1)))));
  const double away = std::abs(out.u - static_cast<double>(members * others / 2));
  out.p = normal_p(away, deviation);
  out.p_continuity = normal_p(away - 0.5, deviation);
}

}  // namespace

RankTest rank_test(const std::vector<float>& value, const std::vector<uint8_t>& member,
                   int64_t members, int64_t population) {
  const int64_t others = population - members;
  FACET_ASSERT(members >= 0 && others >= 0 && value.size() == member.size(),
               "a class of " + std::to_string(members) + " among " + std::to_string(population));
  if (members == 0 || others == 0) return {kNoRank, kNoRank, kNoRank, kNoRank, kNoRank};

  Ranked ranked{members, others};
  for (size_t i = 0; i < value.size();) {
    FACET_ASSERT(value[i] > 0 && (i == 0 || value[i] < value[i - 1]), "scores that do not descend");
    int64_t tied_members = 0;
    const size_t first = i;
    for (; i < value.size() && value[i] == value[first]; ++i) tied_members += member[i] != 0;
    ranked.add(tied_members, static_cast<int64_t>(i - first) - tied_members);
  }
  FACET_ASSERT(ranked.members <= members && ranked.others <= others,
               "more scores than a class has");
  ranked.add(members - ranked.members, others - ranked.others);

  RankTest out;
  out.u = static_cast<double>(ranked.twice_u) / 2;
  out.auroc = out.u / (static_cast<double>(members) * static_cast<double>(others));
  out.average_precision = ranked.average_precision;
  add_normal_test(ranked, out);
  return out;
}

}  // namespace facet
