// Gradients and single patches in the space of latents.
#include "patching.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

using namespace facet;

namespace intervene {
namespace {

// What stands at the hookpoint: y [t, 1, d] in the SAE's units, r [t, d] in the host's.
struct State {
  Tensor y, r;
};

class Patching {
 public:
  Patching(HostModel& host, const Normaliser& normaliser, const std::string& point,
           const Tokens& tokens, const Coded& clean, const Metric& metric)
      : host_(host),
        normaliser_(normaliser),
        point_(point),
        tokens_(tokens),
        clean_(clean),
        metric_(metric) {}

  Tensor back(const Tensor& y) const { return normaliser_.invert(y, clean_.stats).select(1, 0); }
  // The metric of the host with the state at its hookpoint, as a scalar.
  Tensor metric(const State& state, bool gradients = false) const {
    const Hook put{point_, [&](const Rows& rows) {
                     const Tensor change = back(state.y) + state.r - clean_.h;
                     return rows.x + change.to(rows.x.device(), rows.x.scalar_type());
                   }};
    const std::lock_guard turn(host_.turn());
    return of(host_.forward(tokens_, {&put, 1}, {.logits = true, .gradients = gradients}).value);
  }
  Tensor of(const Tensor& logits) const {
    const Tensor row = logits[metric_.position];
    return row[metric_.answer] - row[metric_.other];
  }
  double number(const State& state) const { return metric(state).item<double>(); }

  State gradients(const State& at) const {
    const at::AutoGradMode enabled(true);
    const Tensor y = at.y.detach().clone().requires_grad_(),
                 r = at.r.detach().clone().requires_grad_();
    metric({y, r}, true).backward();
    return {y.grad(), r.grad()};
  }

  // On the straight way between two states, left Riemann sum.
  State mean_gradients(const State& from, const State& to, int64_t steps) const {
    State sum{torch::zeros_like(from.y), torch::zeros_like(from.r)};
    for (int64_t step = 0; step < steps; ++step) {
      const double share = static_cast<double>(step) / static_cast<double>(steps);
      const State here =
          gradients({from.y + share * (to.y - from.y), from.r + share * (to.r - from.r)});
      sum = {sum.y + here.y, sum.r + here.r};
    }
    return {sum.y / steps, sum.r / steps};
  }

 private:
  HostModel& host_;
  const Normaliser& normaliser_;
  const std::string& point_;
  const Tokens& tokens_;
  const Coded& clean_;
  Metric metric_;
};

Tensor residual_of(const Coded& coded, const Normaliser& normaliser) {
  return coded.h - normaliser.invert(coded.output, coded.stats).select(1, 0);
}

// The latents that are patched: position, latent, clean and patched value, all [n], and what a
// patch adds to y, [n, d].
struct Changes {
  Tensor position, latent, clean, patch, step;

  int64_t size() const { return position.size(0); }
  Tensor added(const Tensor& y, const Tensor& which) const {
    return y.index_add(0, position.index_select(0, which),
                       step.index_select(0, which).unsqueeze(1));
  }
};

Changes changes_between(const Tensor& clean, const Tensor& patch, const Tensor& w_dec) {
  const Tensor at = (patch - clean).nonzero();  // [n, 2]
  Changes out{at.select(1, 0), at.select(1, 1), {}, {}, {}};
  out.clean = clean.index({out.position, out.latent});
  out.patch = patch.index({out.position, out.latent});
  out.step = (out.patch - out.clean).unsqueeze(1) * w_dec.index_select(0, out.latent);
  return out;
}

std::vector<double> doubles(const Tensor& x) {
  const Tensor flat = x.detach().cpu().to(torch::kFloat64).contiguous().flatten();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

// Numbers of the entries of largest |value|.
std::vector<int64_t> largest(const std::vector<double>& value, int64_t count) {
  std::vector<int64_t> order(value.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::abs(value[static_cast<size_t>(a)]) > std::abs(value[static_cast<size_t>(b)]);
  });
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  return order;
}

void add_latents(Patched& out, const Changes& changes, const State& slope, const State& mean,
                 const Tensor& w_dec) {
  const auto along = [&](const Tensor& y, const Tensor& direction) {
    return doubles((y.select(1, 0).index_select(0, changes.position) * direction).sum(1));
  };
  const Tensor rows = w_dec.index_select(0, changes.latent);
  const std::vector<double> gradient = along(slope.y, rows), attrib = along(slope.y, changes.step),
                            integrated = along(mean.y, changes.step),
                            clean = doubles(changes.clean), patch = doubles(changes.patch);
  for (size_t i = 0; i < attrib.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    out.latents.push_back({changes.position[at].item<int64_t>(),
                           changes.latent[at].item<int64_t>(),
                           clean[i],
                           patch[i],
                           gradient[i],
                           {attrib[i], integrated[i], {}}});
    out.attrib += attrib[i];
    out.integrated += integrated[i];
  }
}

void add_residuals(Patched& out, const Tensor& difference, const State& slope, const State& mean) {
  const std::vector<double> attrib = doubles((difference * slope.r).sum(1)),
                            integrated = doubles((difference * mean.r).sum(1));
  for (size_t i = 0; i < attrib.size(); ++i) {
    out.residuals.push_back({attrib[i], integrated[i], {}});
    out.attrib += attrib[i];
    out.integrated += integrated[i];
  }
}

// Each latent at a token, and each residual, by itself; none where `count` is 0.
void measure_each(Patched& out, const Patching& patching, const State& clean, const State& end,
                  const Changes& changes, int64_t count) {
  std::vector<double> attrib;
  for (const LatentEntry& entry : out.latents) attrib.push_back(entry.effects.attrib);
  for (const int64_t i : largest(attrib, count)) {
    const Tensor y = changes.added(clean.y, torch::tensor({i}, changes.position.options()));
    out.latents[static_cast<size_t>(i)].effects.exact = patching.number({y, clean.r}) - out.clean;
  }
  for (size_t i = 0; count > 0 && i < out.residuals.size(); ++i) {
    Tensor r = clean.r.clone();
    r[static_cast<int64_t>(i)].copy_(end.r[static_cast<int64_t>(i)]);
    out.residuals[i].exact = patching.number({clean.y, r}) - out.clean;
  }
}

void measure_whole(Patched& out, const Patching& patching, const State& clean,
                   const Changes& changes, int64_t count) {
  std::map<int64_t, double> size, sum;
  for (const LatentEntry& entry : out.latents) {
    size[entry.latent] += std::abs(entry.effects.attrib);
    sum[entry.latent] += entry.effects.attrib;
  }
  std::vector<int64_t> latents;
  std::vector<double> sizes;
  for (const auto& [latent, value] : size) {
    latents.push_back(latent);
    sizes.push_back(value);
  }
  for (const int64_t i : largest(sizes, count)) {
    const int64_t latent = latents[static_cast<size_t>(i)];
    const Tensor which = changes.latent.eq(latent).nonzero().flatten();
    const double metric = patching.number({changes.added(clean.y, which), clean.r});
    out.whole.push_back({latent, sum[latent], metric - out.clean});
  }
}

}  // namespace

Patched patch_effects(HostModel& host, Sae& sae, const Normaliser& normaliser, const Place& place,
                      const Tokens& clean_tokens, const std::optional<Tokens>& patch_tokens,
                      const Metric& metric, const PatchingHow& how) {
  const std::string point = one_hookpoint("attribution", place);
  const Coded clean = coded(host, sae, normaliser, place, clean_tokens);
  const Patching patching(host, normaliser, point, clean_tokens, clean, metric);
  const State start{clean.output.detach(), residual_of(clean, normaliser)};
  const Tensor w_dec = sae.decoder(0).detach(), z = clean.codes.dense().detach();
  Tensor patch = torch::zeros_like(z), residual = torch::zeros_like(start.r);
  Patched out;
  out.clean = patching.number(start);
  if (patch_tokens) {
    const Coded other = coded(host, sae, normaliser, place, *patch_tokens);
    patch = other.codes.dense().detach();
    residual = residual_of(other, normaliser);
    const std::lock_guard turn(host.turn());
    out.patch = patching.of(host.forward(*patch_tokens, {}, {.logits = true}).value).item<double>();
  }
  const Changes changes = changes_between(z, patch, w_dec);
  const Tensor all = torch::arange(changes.size(), changes.position.options());
  const State end{changes.added(start.y, all), residual};
  const State slope = patching.gradients(start);
  const State mean = patching.mean_gradients(start, end, how.steps);
  add_latents(out, changes, slope, mean, w_dec);
  add_residuals(out, end.r - start.r, slope, mean);
  measure_each(out, patching, start, end, changes, how.exact);
  measure_whole(out, patching, start, changes, how.whole);
  return out;
}

}  // namespace intervene
