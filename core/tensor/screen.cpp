// Products of blocks, candidates of each row, and the exact values of those.
#include "tensor/screen.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "tensor/select.h"
#include "tensor/vectors.h"

namespace facet {
namespace {

constexpr int64_t kRowsTogether = 1024;  // their candidates are worked out latent by latent
constexpr int64_t kRowsAtOnce = 256;
constexpr int64_t kLatentsAtOnce = 1024;  // the product of both stays in a core's cache
constexpr int64_t kPairsOfTask = 256;
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

// Of one row: the latents that may be among its k largest, ascending.
class Candidates {
 public:
  explicit Candidates(int64_t k)
      : k_(static_cast<size_t>(k)), room_(8 * k_ + 4 * static_cast<size_t>(kStep)) {}

  float bar() const { return bar_; }
  bool too_many() const { return too_many_; }

  /// Adds their latents, none when there are too many.
  void list(std::vector<int32_t>& latents) const {
    if (too_many_) return;
    for (const Candidate& one : kept_) latents.push_back(one.latent);
  }

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
    thread_local std::vector<float> lower;
    lower.clear();
    for (const Candidate& one : kept_) lower.push_back(known(one.lower));
    const auto kth = lower.begin() + static_cast<int64_t>(k_) - 1;
    std::nth_element(lower.begin(), kth, lower.end(), std::greater<>());
    bar_ = std::max(bar_, *kth);
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
  at::parallel_for(0, n, 64, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const vectors::Rounding r =
          vectors::rounding(values + i * d, rounded ? rounded + i * d : nullptr, d);
      vectors::Slack& slack = out.slack[static_cast<size_t>(i)];
      slack.norm = r.residue + slack_of_sums(d) * r.norm;
      slack.residue = r.norm + r.residue;  // at least |x'|
      slack.share = rounded ? kRoundBf16 : 0.0f;
    }
  });
  return out;
}

at::Tensor Screen::product(const Rows& rows, int64_t first, int64_t begin) const {
  const at::Tensor& w = rows_->factor();
  const int64_t count = std::min(kRowsAtOnce, rows.size() - first);
  const int64_t latents = std::min(kLatentsAtOnce, w.size(0) - begin);
  return at::mm(rows.rounded.narrow(0, first, count), w.narrow(0, begin, latents).t());
}

void Screen::sift(const at::Tensor& product, int64_t first, int64_t begin, Rows& rows) const {
  const int64_t latents = product.size(1);
  const float* bias = b_enc_.const_data_ptr<float>() + begin;
  const float* norm = norm_->data() + begin;
  const float* residue = residue_->data() + begin;
  at::parallel_for(0, product.size(0), 1, [&](int64_t from, int64_t to) {
    float lower[kStep], upper[kStep];
    for (int64_t i = from; i < to; ++i) {
      Candidates& candidates = rows.candidates[static_cast<size_t>(first + i)];
      if (candidates.too_many()) continue;
      const vectors::Slack& slack = rows.slack[static_cast<size_t>(first + i)];
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

std::vector<float> Screen::worked_out(const Rows& rows, const std::vector<int64_t>& start,
                                      const std::vector<int32_t>& latents) const {
  // Pairs of a row and a latent, latent by latent: a row of w is read from memory once.
  struct Pair {
    int32_t row, latent;
    int64_t place;
  };
  const int64_t d = rows_->exact.size(1);
  std::vector<int64_t> next(static_cast<size_t>(rows_->exact.size(0)) + 1);
  for (const int32_t l : latents) ++next[static_cast<size_t>(l) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<Pair> pairs(latents.size());
  for (int32_t i = 0; i < static_cast<int32_t>(rows.size()); ++i)
    for (int64_t c = start[static_cast<size_t>(i)]; c < start[static_cast<size_t>(i) + 1]; ++c) {
      const int32_t l = latents[static_cast<size_t>(c)];
      pairs[static_cast<size_t>(next[static_cast<size_t>(l)]++)] = {i, l, c};
    }
  std::vector<float> exact(latents.size());
  const float* weights = rows_->exact.const_data_ptr<float>();
  const float* bias = b_enc_.const_data_ptr<float>();
  const float* values = rows.x.const_data_ptr<float>();
  const auto count = static_cast<int64_t>(pairs.size());
  at::parallel_for(0, count, kPairsOfTask, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const Pair& one = pairs[static_cast<size_t>(p)];
      exact[static_cast<size_t>(one.place)] =
          vectors::dot(values + one.row * d, weights + one.latent * d, d) + bias[one.latent];
    }
  });
  return exact;
}

void Screen::work_all_out(const Rows& rows, int64_t i, std::vector<float>& exact) const {
  const int64_t m = rows_->exact.size(0), d = rows_->exact.size(1);
  const float* weights = rows_->exact.const_data_ptr<float>();
  const float* bias = b_enc_.const_data_ptr<float>();
  const float* row = rows.x.const_data_ptr<float>() + i * d;
  exact.resize(static_cast<size_t>(m));
  for (int64_t l = 0; l < m; ++l)
    exact[static_cast<size_t>(l)] = vectors::dot(row, weights + l * d, d) + bias[l];
}

void Screen::settle(const Rows& rows, int64_t k, int32_t* latent, float* value) const {
  const int64_t n = rows.size();
  int64_t dense_rows = 0;
  std::vector<int64_t> start(static_cast<size_t>(n) + 1);
  std::vector<int32_t> latents;
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    rows.candidates[i].list(latents);
    start[i + 1] = static_cast<int64_t>(latents.size());
    dense_rows += rows.candidates[i].too_many();
  }
  counts().rows += n;
  counts().dense += dense_rows;
  if (waiting_ && dense_rows > 0) waiting_->bring_all();
  if (waiting_) waiting_->bring(latents.data(), static_cast<int64_t>(latents.size()));
  const std::vector<float> exact = worked_out(rows, start, latents);
  at::parallel_for(0, n, 1, [&](int64_t first, int64_t last) {
    RowSelection selection(k);
    std::vector<float> all;
    for (int64_t i = first; i < last; ++i) {
      const bool dense = rows.candidates[static_cast<size_t>(i)].too_many();
      if (dense) work_all_out(rows, i, all);
      const auto begin = static_cast<size_t>(start[static_cast<size_t>(i)]);
      const int64_t count = start[static_cast<size_t>(i) + 1] - static_cast<int64_t>(begin);
      const float* values = dense ? all.data() : exact.data() + begin;
      int32_t* chosen = latent + i * k;
      selection.choose(values, dense ? static_cast<int64_t>(all.size()) : count, chosen);
      for (int64_t e = 0; e < k; ++e) {
        value[i * k + e] = values[chosen[e]];
        if (!dense) chosen[e] = latents[begin + static_cast<size_t>(chosen[e])];
      }
    }
  });
}

void Screen::choose(const at::Tensor& x, int64_t k, int32_t* latent, float* value) const {
  const at::Tensor given = x.contiguous();
  const int64_t m = rows_->exact.size(0);
  for (int64_t begin = 0; begin < x.size(0); begin += kRowsTogether) {
    const int64_t n = std::min(kRowsTogether, x.size(0) - begin);
    Rows rows = rows_of(given.narrow(0, begin, n), k);
    for (int64_t l = 0; l < m; l += kLatentsAtOnce)
      for (int64_t first = 0; first < n; first += kRowsAtOnce)
        sift(product(rows, first, l), first, l, rows);
    settle(rows, k, latent + begin * k, value + begin * k);
  }
}

}  // namespace facet
