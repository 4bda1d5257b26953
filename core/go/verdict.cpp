// Bodies of the corrections.
#include "go/verdict.h"

#include <algorithm>

namespace facet {

CorrectedP::CorrectedP(CountedP counted, const EnrichmentHow& how) {
  std::sort(counted.begin(), counted.end());
  for (const auto& [p, times] : counted) {
    if (!tests_.p.empty() && tests_.p.back() == p) {
      tests_.times.back() += times;
      continue;
    }
    tests_.p.push_back(p);
    tests_.times.push_back(times);
  }
  for (const std::string& method : how.methods)
    by_method_.push_back(method == kFdr ? tests_.p : facet::corrected(method, tests_, how.alpha));
}

size_t CorrectedP::index(double p) const {
  return static_cast<size_t>(std::lower_bound(tests_.p.begin(), tests_.p.end(), p) -
                             tests_.p.begin());
}

std::vector<double> CorrectedP::of(double p) const {
  const size_t at = index(p);
  std::vector<double> out;
  for (const auto& values : by_method_) out.push_back(values[at]);
  return out;
}

size_t part_of(const EnrichmentHow& how, uint8_t aspect) {
  return how.scope == Scope::aspect ? aspect : 0;
}

Verdict::Verdict(const EnrichmentHow& how, CountedParts counted, const CorrectedP* global,
                 std::vector<double> random)
    : how_(how), global_(global), random_(std::move(random)) {
  for (size_t i = 0; i < own_.size(); ++i)
    if (!counted[i].empty()) own_[i] = CorrectedP(std::move(counted[i]), how);
}

const CorrectedP& Verdict::of_aspect(uint8_t aspect) const {
  return global_ ? *global_ : own_[part_of(how_, aspect)];
}

double Verdict::share_below(double p) const {
  const auto below = std::lower_bound(random_.begin(), random_.end(), p) - random_.begin();
  return static_cast<double>(below) / static_cast<double>(kResampled);
}

bool Verdict::is_significant(double p, uint8_t aspect) const {
  const double decides =
      how_.methods.front() == kFdr ? share_below(p) : of_aspect(aspect).first_of(p);
  return decides < how_.alpha;
}

std::vector<double> Verdict::corrected(double p, uint8_t aspect) const {
  std::vector<double> out = of_aspect(aspect).of(p);
  for (size_t m = 0; m < how_.methods.size(); ++m)
    if (how_.methods[m] == kFdr) out[m] = share_below(p);
  return out;
}

}  // namespace facet
