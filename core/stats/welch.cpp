// Welch's test: Student's t with the degrees of freedom of Welch and Satterthwaite.
#include <cmath>
#include <limits>
#include <numbers>

#include "facet/stats.h"

namespace facet {
namespace {

constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();
// Of the continued fraction: what stands for 0, when a factor is 1, and the steps it may take (60
// of them were enough up to 10^9 degrees of freedom).
constexpr double kTiny = 1e-300, kClose = 3e-16;
constexpr int kMostSteps = 1000;

struct Moments {
  double count = 0, mean = 0, variance = 0;
};

// About the first value, so that equal values have no variance.
Moments moments_of(const std::vector<double>& values) {
  Moments out;
  out.count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value - values[0];
  const double shift = sum / out.count;
  for (const double value : values) {
    const double away = value - values[0] - shift;
    squares += away * away;
  }
  out.mean = values[0] + shift;
  out.variance = squares / (out.count - 1);
  return out;
}

// Of gamma(a + 1/2) / (gamma(a) sqrt(a)) in powers of 1 / a, the last one first.
constexpr double kGammaRatio[] = {
    39325.0 / 33554432, 869.0 / 4194304, -399.0 / 262144, -21.0 / 32768,
    5.0 / 1024,         1.0 / 128,       -1.0 / 8,        1};

// gamma(a + 1/2) / gamma(a): from 30 on by its asymptotic series (DLMF 5.11.13), below by
// recurrence. No logarithms of gamma, whose rounding grows with a.
double gamma_ratio(double a) {
  double scale = 1;
  while (a < 30) {
    scale *= a / (a + 0.5);
    a += 1;
  }
  double series = 0;
  for (const double coefficient : kGammaRatio) series = series / a + coefficient;
  return scale * std::sqrt(a) * series;
}

// The continued fraction by which x^a y^b / B(a, b) is divided to give the incomplete beta function
// I_x(a, b); y = 1 - x is given for its digits. DiDonato and Morris 1992, ACM TOMS 18, eq. 9, by
// the modified method of Lentz (Press et al. 2007, Numerical Recipes, section 5.2); for x below
// (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x, double y) {
  const auto away_from_zero = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  const auto summand = [&](double m) {
    const double first = m == 0 ? 0 : m + m * (b - m) * x / (a + 2 * m - 1);
    return first + (a + m) * (a * y - b * x + 1 + m * (1 + y)) / (a + 2 * m + 1);
  };
  double value = away_from_zero(summand(0)), c = value, d = 0;
  for (int m = 1; m < kMostSteps; ++m) {
    const double odd = a + 2 * m - 1;
    const double numerator = m * (a + m - 1) / odd * ((a + b + m - 1) / odd) * (b - m) * x * x;
    d = 1 / away_from_zero(summand(m) + numerator * d);
    c = away_from_zero(summand(m) + numerator / c);
    value *= c * d;
    if (std::abs(c * d - 1) < kClose) break;
  }
  return value;
}

// P(|T| >= |t|) = I_x(degrees / 2, 1 / 2) at x = degrees / (degrees + t^2).
double two_sided_p(double t, double degrees) {
  const double a = degrees / 2, b = 0.5, square = t * t / degrees;
  const double x = 1 / (1 + square), y = 1 / (1 + 1 / square);
  // x^a y^b / B(a, b)
  const double front =
      std::exp(-a * std::log1p(square)) * std::sqrt(y) * gamma_ratio(a) * std::numbers::inv_sqrtpi;
  if (x < (a + 1) / (a + b + 2)) return front / beta_fraction(a, b, x, y);
  return 1 - front / beta_fraction(b, a, y, x);
}

}  // namespace

WelchTest welch_test(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2 || b.size() < 2) return {kNoFigure, kNoFigure, kNoFigure};
  const Moments of_a = moments_of(a), of_b = moments_of(b);
  const double error_a = of_a.variance / of_a.count, error_b = of_b.variance / of_b.count;
  const double error = error_a + error_b;
  if (!(error > 0)) return {kNoFigure, kNoFigure, kNoFigure};

  WelchTest out;
  out.t = (of_a.mean - of_b.mean) / std::sqrt(error);
  const double share_a = error_a / error, share_b = error_b / error;
  out.degrees = 1 / (share_a * share_a / (of_a.count - 1) + share_b * share_b / (of_b.count - 1));
  out.p = two_sided_p(out.t, out.degrees);
  return out;
}

}  // namespace facet
