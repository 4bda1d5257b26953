// Products of blocks, candidates of each row, and the exact values of those.
#include "tensor/screen.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/select.h"
#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr int64_t kRowsAtOnce = 256;
constexpr int64_t kLatentsAtOnce = 1024;  // their product stays in a core's cache
constexpr int64_t kStep = 64;             // latents that one comparison dismisses together
constexpr float kRoundSums = 0x1p-23f;    // twice the unit roundoff: some units round down
constexpr float kRoundBf16 = 0x1.02p-9f;  // of a product that is given back as bf16

struct Candidate {
  float lower, upper;
  int32_t latent;
};

// What sums of d products may round away, as a share of |x| |w|, in the screen and in the exact
// value. The latter rounds to nearest, half of what it is given here; the rest makes up for |x'|
// |w'|, which is up to 2^-7 more than |x| |w|.
float slack_of_sums(int64_t d) { return 2 * static_cast<float>(d + 8) * kRoundSums; }

auto* bits_of(const at::Tensor& t) {
  return reinterpret_cast<uint16_t*>(t.data_ptr<at::BFloat16>());
}

// A NaN bounds nothing.
float known(float lower) {
  return std::isnan(lower) ? -std::numeric_limits<float>::infinity() : lower;
}

// Of one row: the latents that may be among its k largest.
class Candidates {
 public:
  explicit Candidates(int64_t k)
      : k_(static_cast<size_t>(k)), room_(8 * k_ + 4 * static_cast<size_t>(kStep)) {}

  float bar() const { return bar_; }
  bool too_many() const { return too_many_; }
  const std::vector<Candidate>& all() const { return kept_; }

  void offer(const Candidate& one) {
    if (one.upper < bar_ || too_many_) return;
    kept_.push_back(one);
    if (kept_.size() < room_) return;
    tighten();
    too_many_ = kept_.size() > room_ / 2 + k_;
  }

  // At least k have values of the bar or more: what cannot reach it is out.
  void tighten() {
    if (kept_.size() <= k_) return;
    const auto kth = kept_.begin() + static_cast<int64_t>(k_) - 1;
    std::nth_element(kept_.begin(), kth, kept_.end(), [](const Candidate& a, const Candidate& b) {
      return known(a.lower) > known(b.lower);
    });
    bar_ = std::max(bar_, known(kth->lower));
    std::erase_if(kept_, [&](const Candidate& one) { return one.upper < bar_; });
  }

 private:
  size_t k_, room_;
  std::vector<Candidate> kept_;
  float bar_ = -std::numeric_limits<float>::infinity();
  bool too_many_ = false;
};

}  // namespace

struct Screen::Rows {
  at::Tensor x;        // [n, d] float32, contiguous
  at::Tensor rounded;  // the same as the product wants it
  std::vector<vectors::Slack> slack;
  std::vector<Candidates> candidates;

  int64_t size() const { return x.size(0); }
};

Screen::Counts& Screen::counts() {
  thread_local Counts counts;
  return counts;
}

Screen::Screen(const at::Tensor& w, const at::Tensor& b_enc, Numbers numbers)
    : b_enc_(b_enc.contiguous()),
      own_(std::make_unique<RoundedRows>(w.contiguous(), numbers)),
      rows_(own_.get()),
      norm_(&own_->norm),
      residue_(&own_->residue) {}

Screen::Screen(WaitingRows& w, const at::Tensor& b_enc, Numbers numbers)
    : b_enc_(b_enc.contiguous()), waiting_(&w) {
  const WaitingRows::Screened& known = w.screened(numbers);
  rows_ = known.rows;
  norm_ = &known.norm;
  residue_ = &known.residue;
}

// What x is off by when it stands in a product with w, as vectors::within() adds it up: `norm`
// times the norm of w, `residue` times that of its own residue.
Screen::Rows Screen::rows_of(const at::Tensor& x, int64_t k) const {
  const int64_t n = x.size(0), d = x.size(1);
  Rows out;
  out.x = x;
  out.rounded = is_rounded() ? at::empty_like(x, at::kBFloat16) : x;
  out.slack.resize(static_cast<size_t>(n));
  out.candidates.assign(static_cast<size_t>(n), Candidates(k));
  const float* values = x.const_data_ptr<float>();
  auto* rounded = is_rounded() ? bits_of(out.rounded) : nullptr;
  for (int64_t i = 0; i < n; ++i) {
    const vectors::Rounding r =
        vectors::rounding(values + i * d, rounded ? rounded + i * d : nullptr, d);
    vectors::Slack& slack = out.slack[static_cast<size_t>(i)];
    slack.norm = r.residue + slack_of_sums(d) * r.norm;
    slack.residue = r.norm + r.residue;  // at least |x'|
    slack.share = rounded ? kRoundBf16 : 0.0f;
  }
  return out;
}

at::Tensor Screen::product(const Rows& rows, int64_t begin, int64_t end) const {
  return at::mm(rows.rounded, rows_->factor().narrow(0, begin, end - begin).t());
}

void Screen::sift(const at::Tensor& product, int64_t begin, Rows& rows) const {
  const int64_t latents = product.size(1);
  const float* bias = b_enc_.const_data_ptr<float>() + begin;
  const float* norm = norm_->data() + begin;
  const float* residue = residue_->data() + begin;
  at::parallel_for(0, rows.size(), 1, [&](int64_t first, int64_t last) {
    float lower[kStep], upper[kStep];
    for (int64_t i = first; i < last; ++i) {
      Candidates& candidates = rows.candidates[static_cast<size_t>(i)];
      if (candidates.too_many()) continue;
      const vectors::Slack& slack = rows.slack[static_cast<size_t>(i)];
      for (int64_t l = 0; l < latents; l += kStep) {
        const int64_t count = std::min(kStep, latents - l), at = i * latents + l;
        const vectors::Latents some{bias + l, norm + l, residue + l, count};
        const bool any = is_rounded() ? vectors::within(bits_of(product) + at, some, slack,
                                                        candidates.bar(), lower, upper)
                                      : vectors::within(product.const_data_ptr<float>() + at, some,
                                                        slack, candidates.bar(), lower, upper);
        if (!any) continue;
        for (int64_t j = 0; j < count; ++j)
          candidates.offer({lower[j], upper[j], static_cast<int32_t>(begin + l + j)});
      }
      candidates.tighten();
    }
  });
}

void Screen::bring(const Rows& rows) const {
  if (!waiting_) return;
  std::vector<int32_t> latents;
  for (const Candidates& one : rows.candidates) {
    if (one.too_many()) return waiting_->bring_all();
    for (const Candidate& candidate : one.all()) latents.push_back(candidate.latent);
  }
  waiting_->bring(latents.data(), static_cast<int64_t>(latents.size()));
}

void Screen::settle(const Rows& rows, int64_t k, int32_t* latent, float* value) const {
  const int64_t m = rows_->exact.size(0), d = rows_->exact.size(1);
  const float* weights = rows_->exact.const_data_ptr<float>();
  const float* bias = b_enc_.const_data_ptr<float>();
  const float* values = rows.x.const_data_ptr<float>();
  at::parallel_for(0, rows.size(), 1, [&](int64_t first, int64_t last) {
    RowSelection selection(k);
    std::vector<int32_t> latents;
    std::vector<float> exact;
    for (int64_t i = first; i < last; ++i) {
      const Candidates& candidates = rows.candidates[static_cast<size_t>(i)];
      latents.clear();
      if (candidates.too_many()) {
        latents.resize(static_cast<size_t>(m));
        std::iota(latents.begin(), latents.end(), 0);
      } else {
        for (const Candidate& one : candidates.all()) latents.push_back(one.latent);
        std::sort(latents.begin(), latents.end());
      }
      exact.resize(latents.size());
      for (size_t c = 0; c < latents.size(); ++c)
        exact[c] = vectors::dot(values + i * d, weights + latents[c] * d, d) + bias[latents[c]];
      int32_t* chosen = latent + i * k;
      selection.choose(exact.data(), static_cast<int64_t>(exact.size()), chosen);
      for (int64_t e = 0; e < k; ++e) {
        const auto c = static_cast<size_t>(chosen[e]);
        chosen[e] = latents[c];
        value[i * k + e] = exact[c];
      }
    }
  });
  for (const Candidates& one : rows.candidates) counts().dense += one.too_many();
  counts().rows += rows.size();
}

void Screen::choose(const at::Tensor& x, int64_t k, int32_t* latent, float* value) const {
  const at::Tensor given = x.contiguous();
  const int64_t m = rows_->exact.size(0);
  for (int64_t begin = 0; begin < x.size(0); begin += kRowsAtOnce) {
    const int64_t n = std::min(kRowsAtOnce, x.size(0) - begin);
    Rows rows = rows_of(given.narrow(0, begin, n), k);
    for (int64_t l = 0; l < m; l += kLatentsAtOnce)
      sift(product(rows, l, std::min(l + kLatentsAtOnce, m)), l, rows);
    bring(rows);
    settle(rows, k, latent + begin * k, value + begin * k);
  }
}

}  // namespace facet
