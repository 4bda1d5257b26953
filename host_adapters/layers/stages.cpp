// Runs stages from hookpoint to hookpoint.
#include "stages.h"

#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>

#include "facet/error.h"

namespace facet::layers {

namespace {

/// Activations of so many tokens fit a core's cache, and are enough for matrix products to be fast.
constexpr int64_t kStretchTokens = 512;

class Run {
 public:
  Run(std::span<const Stage> stages, const Packed& packed, Want want, at::Device device)
      : stages_(stages), gradients_(want.gradients) {
    stretches_ = packed.stretches(kStretchTokens);
    threads_ = at::get_num_threads();
    if (want.gradients || !device.is_cpu() || static_cast<int64_t>(stretches_.size()) < threads_)
      stretches_ = packed.stretches(std::numeric_limits<int64_t>::max());
    residuals_.resize(stretches_.size());
    order_.resize(stretches_.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
      return tokens_of_stretch(a) > tokens_of_stretch(b);
    });
  }

  /// Runs the stages up to and with stages[last]; the rows there.
  Tensor until(int64_t last) {
    const int64_t n = static_cast<int64_t>(stretches_.size());
    if (n == 1) {
      advance(0, last);
    } else {
      std::atomic<int64_t> next = 0;
      at::parallel_for(0, threads_, 1, [&](int64_t, int64_t) {
        const at::AutoGradMode no_gradients(gradients_);
        for (int64_t i = next++; i < n; i = next++) advance(order_[static_cast<size_t>(i)], last);
      });
    }
    done_ = last + 1;
    std::vector<Tensor> parts;
    for (const Residual& residual : residuals_) parts.push_back(residual.shown);
    return n == 1 ? parts[0] : torch::cat(parts);
  }

  void edited(const Tensor& shown) {
    for (size_t i = 0; i < stretches_.size(); ++i)
      residuals_[i].shown = shown.slice(0, stretches_[i].begin, stretches_[i].end);
  }

  /// From now on only the rows of the last token of each sequence that has tokens.
  void keep_last(const Packed& packed) {
    for (size_t i = 0; i < stretches_.size(); ++i) {
      std::vector<int64_t> last;
      for (int64_t s = stretches_[i].first; s < stretches_[i].last; ++s)
        if (packed.end(s) > packed.begin(s))
          last.push_back(packed.end(s) - 1 - stretches_[i].begin);
      Tensor& shown = residuals_[i].shown;
      shown = shown.index_select(0, torch::tensor(last, torch::kInt64).to(shown.device()));
    }
  }

 private:
  int64_t tokens_of_stretch(int64_t stretch) const {
    const Stretch& s = stretches_[static_cast<size_t>(stretch)];
    return s.end - s.begin;
  }

  void advance(int64_t stretch, int64_t last) {
    const auto i = static_cast<size_t>(stretch);
    for (int64_t stage = done_; stage <= last; ++stage)
      stages_[static_cast<size_t>(stage)](residuals_[i], stretches_[i]);
  }

  std::span<const Stage> stages_;
  bool gradients_;
  int threads_;
  std::vector<Stretch> stretches_;
  std::vector<int64_t> order_;  // longest first, so that no thread is left with a long one
  std::vector<Residual> residuals_;
  int64_t done_ = 0;
};

}  // namespace

Logits run_stages(const HostInfo& info, std::span<const Stage> stages, const Packed& packed,
                  std::span<const Hook> hooks, Want want, const Maps& maps, at::Device device) {
  const int64_t points = static_cast<int64_t>(info.points.size());
  FACET_ASSERT(static_cast<int64_t>(stages.size()) == points + 1,
               "a stage for each point and one for the logits");
  std::vector<bool> hooked(info.points.size(), false);
  for (const Hook& hook : hooks) {
    const size_t point = hookpoint_index(info, hook.point);
    FACET_ASSERT(info.points[point].name == hook.point,
                 hook.point + " is an alias, hooks name points");
    hooked[point] = true;
  }
  Run run(stages, packed, want, device);
  for (int64_t i = 0; i < points; ++i) {
    if (!hooked[static_cast<size_t>(i)]) continue;
    const Tensor x = run.until(i);
    const std::string& name = info.points[static_cast<size_t>(i)].name;
    run.edited(apply_hooks(hooks, name, packed.rows(x)).to(x.scalar_type()));
  }
  Logits out;
  if (want.logits && want.last) {
    run.until(points - 1);
    run.keep_last(packed);
  }
  if (want.logits)
    out.value = run.until(points).to(torch::kFloat32);
  else if (want.attention || want.contacts)
    run.until(points - 1);
  if (want.attention) out.attention = maps.attention();
  if (want.contacts) out.contacts = maps.contacts();
  return out;
}

std::vector<HookPoint> block_points(int64_t blocks, int64_t d) {
  std::vector<HookPoint> points = {{"embeddings", "layers.0", d, -1}};
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    const std::string layer = i + 1 < blocks ? "layers." + std::to_string(i + 1) : "";
    points.push_back({block + ".in", "", d, i});
    points.push_back({block + ".attn.out", "", d, i});
    points.push_back({block + ".mlp.out", "", d, i});
    points.push_back({block + ".out", layer, d, i});
  }
  points.push_back({"final_norm.out", "layers." + std::to_string(blocks), d, -1});
  return points;
}

int64_t blocks_for(const HostInfo& info, std::span<const Hook> hooks, Want want) {
  if (want.logits || want.attention || want.contacts) return info.layers;
  int64_t blocks = 0;
  for (const Hook& hook : hooks) {
    const size_t point = hookpoint_index(info, hook.point);
    const bool last = point + 1 == info.points.size();
    blocks = std::max(blocks, last ? info.layers : info.points[point].block + 1);
  }
  return blocks;
}

}  // namespace facet::layers
