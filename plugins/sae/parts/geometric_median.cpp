// Weiszfeld's algorithm with the correction of Vardi and Zhang.
#include "geometric_median.h"

#include <facet/torch.h>

#include <algorithm>

namespace facet {
namespace {

constexpr int kSteps = 100;
constexpr double kShortest = 1e-5;    // length of the last step
constexpr double kCoinciding = 1e-9;  // a row nearer than this is the point itself

}  // namespace

at::Tensor geometric_median(const at::Tensor& x) {
  const at::Tensor rows = x.to(at::kDouble);
  at::Tensor point = rows.mean(0);
  for (int step = 0; step < kSteps; ++step) {
    const at::Tensor away = rows - point;                 // [n, d]
    const at::Tensor distance = away.norm(2, {1}, true);  // [n, 1]
    const at::Tensor coincides = distance < kCoinciding;
    const double here = coincides.sum().item<double>();
    if (here == static_cast<double>(rows.size(0))) break;
    const at::Tensor weight = at::where(coincides, at::zeros({}, distance.options()), 1 / distance);
    const at::Tensor pull = weight.flatten().matmul(away);  // [d]
    const double strength = pull.norm().item<double>();
    if (here > 0 && strength <= here)
      break;  // the rows at the point outweigh the others: it is the median
    const double share = here > 0 ? 1 - here / strength : 1.0;
    const at::Tensor move = pull / weight.sum() * share;
    point = point + move;
    if (!(move.norm().item<double>() >= kShortest)) break;
  }
  return point.to(at::kFloat);
}

}  // namespace facet
