// Corrections for many tests, on the distinct p-values: tests of one p share the corrected one.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "facet/error.h"
#include "facet/stats.h"

namespace facet {
namespace {

constexpr double kEuler = 0.57721566490153286061;  // of the harmonic numbers

// What a correction reads. A group is the tests of one p.
struct Tests {
  std::vector<double> p;      // [groups] ascending
  std::vector<double> ranks;  // [groups + 1] the tests before each group, and all of them
  double alpha = 0;

  size_t groups() const { return p.size(); }
  double count() const { return ranks.back(); }
  double before(size_t group) const { return ranks[group]; }       // tests of a smaller p
  double through(size_t group) const { return ranks[group + 1]; }  // its last test's rank
};

double at_most_one(double p) { return std::min(p, 1.0); }

// 1 - (1 - p)^times, also for small p.
double any_of(double p, double times) { return -std::expm1(times * std::log1p(-p)); }

// 1 + 1/2 + ... + 1/n; from 100 on by Euler and Maclaurin, whose next term is below 1e-18.
double harmonic_number(double n) {
  double sum = 0;
  if (n < 100) {
    for (int i = static_cast<int>(n); i >= 1; --i) sum += 1.0 / i;
    return sum;
  }
  const double square = 1 / (n * n);
  const double tail = square * (1.0 / 12 - square * (1.0 / 120 - square / 252));
  return std::log(n) + kEuler + (0.5 / n - tail);
}

// A correction of each p by itself.
template <class Each>
std::vector<double> one_by_one(const Tests& tests, const Each& each) {
  std::vector<double> out;
  for (size_t g = 0; g < tests.groups(); ++g) out.push_back(at_most_one(each(g)));
  return out;
}

// From the smallest p on, never less than the one before. Of tests of one p the first has the
// largest factor.
template <class Each>
std::vector<double> step_down(const Tests& tests, const Each& each) {
  std::vector<double> out = one_by_one(tests, each);
  for (size_t g = 1; g < out.size(); ++g) out[g] = std::max(out[g], out[g - 1]);
  return out;
}

// From the largest p on, never more than the one after. Of tests of one p the last has the smallest
// factor.
template <class Each>
std::vector<double> step_up(const Tests& tests, const Each& each) {
  std::vector<double> out = one_by_one(tests, each);
  for (size_t g = out.size(); g-- > 1;) out[g - 1] = std::min(out[g - 1], out[g]);
  return out;
}

std::vector<double> bonferroni(const Tests& tests) {
  return one_by_one(tests, [&](size_t g) { return tests.p[g] * tests.count(); });
}

// goatools: not 1 - (1 - p)^m but p times the factor at alpha. In its own order of operations,
// whose rounding grows with m.
std::vector<double> goatools_sidak(const Tests& tests) {
  const double factor = tests.alpha / (1 - std::pow(1 - tests.alpha, 1 / tests.count()));
  return one_by_one(tests, [&](size_t g) { return tests.p[g] * factor; });
}

// goatools: without the running maximum, so that a larger p may have a smaller corrected one.
std::vector<double> goatools_holm(const Tests& tests) {
  return one_by_one(tests,
                    [&](size_t g) { return tests.p[g] * (tests.count() - tests.before(g)); });
}

std::vector<double> sidak(const Tests& tests) {
  return one_by_one(tests, [&](size_t g) { return any_of(tests.p[g], tests.count()); });
}

std::vector<double> holm_sidak(const Tests& tests) {
  return step_down(tests,
                   [&](size_t g) { return any_of(tests.p[g], tests.count() - tests.before(g)); });
}

std::vector<double> holm(const Tests& tests) {
  return step_down(tests, [&](size_t g) { return tests.p[g] * (tests.count() - tests.before(g)); });
}

std::vector<double> hochberg(const Tests& tests) {
  return step_up(tests,
                 [&](size_t g) { return tests.p[g] * (tests.count() - tests.through(g) + 1); });
}

std::vector<double> benjamini_hochberg(const Tests& tests) {
  return step_up(tests, [&](size_t g) { return tests.p[g] / (tests.through(g) / tests.count()); });
}

std::vector<double> benjamini_yekutieli(const Tests& tests) {
  const double sum = harmonic_number(tests.count());
  return step_up(tests,
                 [&](size_t g) { return tests.p[g] / (tests.through(g) / tests.count() / sum); });
}

// Benjamini and Hochberg's procedure at `alpha` says how many tests are of no effect; theirs again
// for so many. `scale` is what alpha was divided by.
std::vector<double> two_stages(const Tests& tests, double alpha, double scale) {
  double rejected = 0;
  for (size_t g = 0; g < tests.groups(); ++g)
    if (tests.p[g] <= tests.through(g) / tests.count() * alpha) rejected = tests.through(g);
  const bool all_or_none = rejected == 0 || rejected == tests.count();
  const double left = all_or_none ? 1 : (tests.count() - rejected) / tests.count();
  std::vector<double> out = benjamini_hochberg(tests);
  for (double& p : out) p = at_most_one(p * left * scale);
  return out;
}

std::vector<double> two_stage_hochberg(const Tests& tests) {
  return two_stages(tests, tests.alpha, 1);
}

std::vector<double> two_stage_krieger(const Tests& tests) {
  return two_stages(tests, tests.alpha / (1 + tests.alpha), 1 + tests.alpha);
}

// A p of 1 has infinite odds, and its corrected p is 1 as of everything larger.
std::vector<double> gavrilov(const Tests& tests) {
  return step_down(tests, [&](size_t g) {
    const double rank = tests.before(g) + 1;
    return (tests.count() + 1 - rank) / rank * tests.p[g] / (1 - tests.p[g]);
  });
}

// The lower convex hull of the points (rank, p) of the groups from one on to the last: the least of
// m p / (rank - (tests - m)) over them, Simes' p of the m largest, is where a line through (tests -
// m, 0) touches it.
class SimesHull {
 public:
  explicit SimesHull(const Tests& tests) : tests_(tests) {}

  // Adds the group before those that are there.
  void add(size_t group) {
    while (corners_.size() >= 2 && hides(group, corners_.back(), corners_[corners_.size() - 2]))
      corners_.pop_back();
    corners_.push_back(group);
  }

  // m lets at least one test of the group that was added last be among the m largest.
  double simes(double m) const {
    const double from = tests_.count() - m;
    size_t low = 0, high = corners_.size() - 1;  // corners_[high] is the leftmost
    while (low < high) {
      const size_t middle = (low + high + 1) / 2;  // steeper than the next to its right?
      if (steeper(corners_[middle], corners_[middle - 1], from))
        high = middle - 1;
      else
        low = middle;
    }
    const size_t touched = corners_[low];
    return m * tests_.p[touched] / (tests_.through(touched) - from);
  }

 private:
  bool steeper(size_t a, size_t b, double from) const {
    return tests_.p[a] * (tests_.through(b) - from) > tests_.p[b] * (tests_.through(a) - from);
  }
  // Whether b lies on or above the line from a to c.
  bool hides(size_t a, size_t b, size_t c) const {
    return (tests_.p[b] - tests_.p[a]) * (tests_.through(c) - tests_.through(b)) >=
           (tests_.p[c] - tests_.p[b]) * (tests_.through(b) - tests_.through(a));
  }

  const Tests& tests_;
  std::vector<size_t> corners_;  // groups, from the last down
};

// Hommel 1988. The corrected p is the largest over m of min(m p, Simes' p of the m largest): the
// first grows with m, the second falls, so it lies where they cross, for a smaller p at a larger m.
// The hull is what Meijer, Krebs and Goeman 2019 find the crossings by.
std::vector<double> hommel(const Tests& tests) {
  std::vector<double> out(tests.groups());
  SimesHull hull(tests);
  size_t left = tests.groups();  // groups that wait for their crossing
  for (size_t g = tests.groups(); g-- > 0 && left > 0;) {
    hull.add(g);
    double first = tests.count() - tests.through(g) + 1;
    const double last = tests.count() - tests.before(g);
    const auto crossed = [&](double m) { return m * tests.p[left - 1] >= hull.simes(m); };
    for (; left > 0 && crossed(last); --left) {
      for (double high = last; first < high;) {
        const double middle = std::floor((first + high) / 2);
        if (crossed(middle))
          high = middle;
        else
          first = middle + 1;
      }
      out[left - 1] = at_most_one(std::max(hull.simes(first), (first - 1) * tests.p[left - 1]));
    }
  }
  while (left-- > 0) out[left] = at_most_one(tests.count() * tests.p[left]);  // by rounding alone
  return out;
}

struct Correction {
  const char* name;
  std::vector<double> (*corrected)(const Tests& tests);
};

constexpr Correction kCorrections[] = {
    {"bonferroni", bonferroni},
    {"sidak", goatools_sidak},
    {"holm", goatools_holm},
    {"sm_bonferroni", bonferroni},
    {"sm_sidak", sidak},
    {"holm-sidak", holm_sidak},
    {"sm_holm", holm},
    {"simes-hochberg", hochberg},
    {"hommel", hommel},
    {"fdr_bh", benjamini_hochberg},
    {"fdr_by", benjamini_yekutieli},
    {"fdr_tsbh", two_stage_hochberg},
    {"fdr_tsbky", two_stage_krieger},
    {"fdr_gbs", gavrilov},
};

// Throws Bug unless p ascends within [0, 1], each with its tests.
Tests checked(const PValues& tests, double alpha) {
  FACET_ASSERT(0 < alpha && alpha < 1, "an alpha of " + std::to_string(alpha));
  FACET_ASSERT(tests.p.size() == tests.times.size(), "p-values without their numbers of tests");
  Tests out{tests.p, {0}, alpha};
  for (size_t g = 0; g < tests.p.size(); ++g) {
    FACET_ASSERT(0 <= tests.p[g] && tests.p[g] <= 1, "a p-value of " + std::to_string(tests.p[g]));
    FACET_ASSERT(g == 0 || tests.p[g - 1] < tests.p[g], "p-values that do not ascend");
    FACET_ASSERT(tests.times[g] >= 1, "a p-value of no test");
    out.ranks.push_back(out.ranks.back() + static_cast<double>(tests.times[g]));
  }
  return out;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

int64_t PValues::tests() const { return std::accumulate(times.begin(), times.end(), int64_t{0}); }

const std::vector<std::string>& corrections() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Correction& correction : kCorrections) all.emplace_back(correction.name);
    return all;
  }();
  return names;
}

std::vector<double> corrected(const std::string& method, const PValues& tests, double alpha) {
  for (const Correction& correction : kCorrections)
    if (method == correction.name) return correction.corrected(checked(tests, alpha));
  throw UserError("correction: \"" + method + "\" is unknown" +
                  did_you_mean(method, corrections()) + ", should be one of " +
                  listed(corrections()));
}

}  // namespace facet
