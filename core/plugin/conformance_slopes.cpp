// Finite differences of the losses of an SAE.
#include "plugin/conformance_slopes.h"

#include <algorithm>
#include <cmath>

#include "facet/table.h"
#include "facet/torch.h"
#include "plugin/conformance_subject.h"

namespace facet {

namespace {

constexpr size_t kShown = 4;          // kinks and differences that are named
constexpr int64_t kDrawnNumbers = 5;  // of each parameter, beside the one of the largest gradient

// Steps of finite differences on numbers of order 1; what may lie between slope and gradient, and
// between the slopes of both sides, relative to the largest gradient of that parameter; what the
// curvature of a loss may make of the latter, and rounding of the loss, relative to the loss.
struct Sharpness {
  double step, slope, kink, curvature, rounding;
};
constexpr Sharpness kWide = {1e-6, 1e-4, 1e-3, 1e-5, 1e-14};
constexpr Sharpness kSingle = {1e-3, 5e-2, 2e-1, 1e-3, 4e-7};

// The first few, and how many more there are.
std::string listed(const std::vector<std::string>& all) {
  std::string out;
  for (size_t i = 0; i < std::min(all.size(), kShown); ++i) out += (i > 0 ? "; " : "") + all[i];
  if (all.size() > kShown) out += "; and " + std::to_string(all.size() - kShown) + " more";
  return out;
}

std::string place_text(const Tensor& param, int64_t flat) {
  std::vector<int64_t> at(static_cast<size_t>(param.dim()));
  for (size_t axis = at.size(); axis-- > 0;) {
    at[axis] = flat % param.size(static_cast<int64_t>(axis));
    flat /= param.size(static_cast<int64_t>(axis));
  }
  std::string out;
  for (const int64_t i : at) out += (out.empty() ? "[" : ", ") + std::to_string(i);
  return out.empty() ? "" : out + "]";
}

// Flat indices of the numbers to look at.
std::vector<int64_t> places_of(const Tensor& gradients, const std::string& name) {
  const Tensor flat = gradients.contiguous().view({-1});
  std::vector<int64_t> out = {flat.abs().argmax().item<int64_t>()};
  Rng rng(0, "conformance/slopes " + name);
  for (int64_t i = 0; i < kDrawnNumbers; ++i)
    out.push_back(static_cast<int64_t>(rng.uniform() * static_cast<double>(flat.numel())));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

class Comparison {
 public:
  Comparison(Sae& sae, const std::function<Losses()>& losses, bool wide)
      : sae_(sae),
        losses_(losses),
        sharp_(wide ? kWide : kSingle),
        state_(copy_of_state(sae)),
        estimated_(sae.estimated()) {}

  Slopes run() {
    put_back();
    for (const Loss& loss : losses_()) {
      names_.push_back(loss.name);
      here_.push_back(loss.value.item<double>());
      gradients_.push_back(gradients_of(loss.value));
    }
    for (size_t p = 0; p < sae_.params().size(); ++p)
      if (!is_estimated(sae_.params()[p].first)) compare(p);
    put_back();
    return std::move(slopes_);
  }

 private:
  bool is_estimated(const std::string& name) const {
    return std::find(estimated_.begin(), estimated_.end(), name) != estimated_.end();
  }

  // Of each parameter, 0 where the loss has none.
  std::vector<Tensor> gradients_of(const Tensor& loss) const {
    for (const auto& [name, param] : sae_.params()) param.mutable_grad().reset();
    if (loss.requires_grad()) loss.backward({}, /*keep_graph=*/true);
    std::vector<Tensor> out;
    for (const auto& [name, param] : sae_.params()) {
      const Tensor& found = param.grad();
      out.push_back((found.defined() ? found : torch::zeros_like(param)).detach().contiguous());
    }
    return out;
  }

  void put_back() {
    const torch::NoGradGuard no_gradients;
    const NamedTensors now = state_of(sae_);
    for (size_t i = 0; i < now.size(); ++i) Tensor(now[i].second).copy_(state_[i].second);
  }

  // Every loss with `by` added to one number of a parameter.
  std::vector<double> losses_at(size_t p, int64_t place, double by) {
    put_back();
    const torch::NoGradGuard no_gradients;
    Tensor number = sae_.params()[p].second;
    for (int64_t axis = number.dim(); axis-- > 0;) {
      const int64_t i = place % number.size(-1);
      place /= number.size(-1);
      number = number.select(-1, i);
    }
    number.add_(by);
    std::vector<double> out;
    for (const Loss& loss : losses_()) out.push_back(loss.value.item<double>());
    return out;
  }

  void compare(size_t p) {
    const auto& [name, param] = sae_.params()[p];
    Tensor all = torch::zeros_like(gradients_.front()[p]);
    for (const auto& of_loss : gradients_) all.add_(of_loss[p].abs());
    for (const int64_t place : places_of(all, name)) {
      const std::vector<double> left = losses_at(p, place, -sharp_.step),
                                right = losses_at(p, place, sharp_.step);
      for (size_t l = 0; l < names_.size(); ++l)
        if (!is_estimated(names_[l]))
          judge(l, gradients_[l][p], place, left[l], right[l],
                names_[l] + " along " + name + place_text(param, place));
    }
  }

  void judge(size_t l, const Tensor& gradients, int64_t place, double left, double right,
             const std::string& what) {
    ++slopes_.compared;
    const double noise = sharp_.rounding * std::abs(here_[l]) / sharp_.step;
    const double scale = gradients.abs().max().item<double>();
    const double before = (here_[l] - left) / sharp_.step, after = (right - here_[l]) / sharp_.step;
    const double by_gradient = gradients.view({-1})[place].item<double>();
    const double slope = (before + after) / 2;
    const double steepest = std::max({scale, std::abs(before), std::abs(after)});
    const double bent = sharp_.curvature * std::max(1.0, std::abs(here_[l])) + 2 * noise;
    if (std::abs(after - before) > sharp_.kink * steepest + bent)
      slopes_.kinks.push_back(what);
    else if (std::abs(slope - by_gradient) > sharp_.slope * scale + noise)
      slopes_.wrong.push_back(what + ": " + for_eyes(slope) + " by differences, " +
                              for_eyes(by_gradient) + " by gradient");
  }

  Sae& sae_;
  const std::function<Losses()>& losses_;
  const Sharpness sharp_;
  const NamedTensors state_;
  const std::vector<std::string> estimated_;
  std::vector<std::string> names_;
  std::vector<double> here_;
  std::vector<std::vector<Tensor>> gradients_;  // of each loss, of each parameter
  Slopes slopes_;
};

}  // namespace

Slopes compare_slopes(Sae& sae, const std::function<Losses()>& losses, bool wide) {
  return Comparison(sae, losses, wide).run();
}

Outcome judged(const Slopes& slopes) {
  if (!slopes.wrong.empty()) return fails(listed(slopes.wrong));
  if (2 * static_cast<int64_t>(slopes.kinks.size()) > slopes.compared)
    return fails("kinks almost everywhere: " + listed(slopes.kinks));
  return {Verdict::pass, slopes.kinks.empty() ? "" : "kinks: " + listed(slopes.kinks)};
}

bool are_wide(const std::function<Losses()>& losses) {
  try {
    const Losses all = losses();
    return std::all_of(all.begin(), all.end(), [](const Loss& loss) {
      return loss.value.scalar_type() == torch::kFloat64;
    });
  } catch (const std::exception&) {
    return false;
  }
}

void widen(Sae& sae) {
  for (auto& [name, tensor] : state_of(sae))
    if (tensor.is_floating_point()) Tensor(tensor).set_data(tensor.detach().to(torch::kFloat64));
}

}  // namespace facet
