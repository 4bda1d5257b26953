// The list of what waits, and rows that go through it.
#include "tensor/waiting_rows.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "facet/error.h"
#include "tensor/row_norm.h"

namespace facet {
namespace {

constexpr size_t kLongestList = 64;
constexpr int64_t kRowsOfTask = 16;
constexpr int64_t kFewRows = 5;  // when more than a fifth take a step, all rows are as fast
// A row waits while it has moved by no more than this share of its norm: a few times what rounding
// to bf16 takes from it, so that a screen tells little less.
constexpr float kMostDrift = 0x1p-8f;

}  // namespace

WaitingRows::WaitingRows(const at::Tensor& weight, int64_t axis, const at::Tensor& first,
                         const at::Tensor& second)
    : weight_(weight.detach().transpose(0, axis)),
      d_(weight_.size(1)),
      rows_(weight_.mutable_data_ptr<float>()),
      first_(first.mutable_data_ptr<float>()),
      second_(second.mutable_data_ptr<float>()),
      at_(static_cast<size_t>(weight_.size(0))),
      pace_(at_.size(), std::numeric_limits<float>::infinity()) {
  for (const at::Tensor& t : {weight_, first.transpose(0, axis), second.transpose(0, axis)})
    FACET_ASSERT(t.is_contiguous() && t.sizes() == weight_.sizes(),
                 "a weight and its moments must hold one latent after another");
}

// The row through the rest of the list.
void WaitingRows::go_on(int64_t latent, int32_t from) {
  const int64_t at = latent * d_;
  for (auto e = static_cast<size_t>(from); e < list_.size(); ++e) {
    const Entry& entry = list_[e];
    if (entry.is_step)
      step(latent, nullptr, entry.factors);
    else
      normalise_row(rows_ + at, d_, entry.eps);
  }
}

// A gradient of null is 0.
void WaitingRows::step(int64_t latent, const float* gradient, const vectors::AdamFactors& factors) {
  const int64_t at = latent * d_;
  float *row = rows_ + at, *first = first_ + at, *second = second_ + at;
  const float square = gradient ? vectors::adam(row, gradient, first, second, d_, factors)
                                : vectors::adam_idle(row, first, second, d_, factors);
  pace_[static_cast<size_t>(latent)] = std::sqrt(square);
}

// A screen sees the row as it is now.
void WaitingRows::show(int64_t latent) {
  if (!rounded_) return;
  const auto l = static_cast<size_t>(latent);
  rounded_->round(latent);
  screened_.norm[l] = rounded_->norm[l];
  screened_.residue[l] = rounded_->residue[l];
}

template <class Latent>
void WaitingRows::bring_some(const Latent* latents, int64_t count) {
  struct Behind {
    int32_t latent, from;
  };
  std::vector<Behind> behind;
  for (const Latent* l = latents; l != latents + count; ++l) {
    int32_t& at = at_[static_cast<size_t>(*l)];
    if (at < end()) behind.push_back({static_cast<int32_t>(*l), at});
    at = end();
  }
  const auto rows = static_cast<int64_t>(behind.size());
  at::parallel_for(0, rows, kRowsOfTask, [&](int64_t begin, int64_t end_of_task) {
    for (int64_t i = begin; i < end_of_task; ++i) {
      const Behind& one = behind[static_cast<size_t>(i)];
      go_on(one.latent, one.from);
      show(one.latent);
    }
  });
}

void WaitingRows::bring(const int32_t* latents, int64_t count) { bring_some(latents, count); }
void WaitingRows::bring(const int64_t* latents, int64_t count) { bring_some(latents, count); }

void WaitingRows::bring_all() {
  if (list_.empty()) return;
  std::vector<int32_t> all(at_.size());
  std::iota(all.begin(), all.end(), 0);
  bring(all.data(), static_cast<int64_t>(all.size()));
  for (const Entry& entry : list_)
    if (entry.is_step) correct_ = entry.factors.correct;
  cross_out();
}

// Every row has gone through the list.
void WaitingRows::cross_out() {
  list_.clear();
  std::fill(at_.begin(), at_.end(), 0);
}

void WaitingRows::hand_over() {
  bring_all();
  rounded_.reset();
  std::fill(pace_.begin(), pace_.end(), std::numeric_limits<float>::infinity());
}

void WaitingRows::write_down(const Entry& entry) {
  if (list_.size() == kLongestList) bring_all();
  list_.push_back(entry);
}

void WaitingRows::normalise(float eps) { write_down({false, {}, eps}); }

void WaitingRows::step(const GradientRows& gradient, const vectors::AdamFactors& factors) {
  const std::vector<int32_t>& latents = gradient.latents();
  const auto count = static_cast<int64_t>(latents.size()), m = static_cast<int64_t>(at_.size());
  some_wait_ = count * kFewRows <= m;
  if (!some_wait_) {
    at::parallel_for(0, m, kRowsOfTask, [&](int64_t begin, int64_t end_of_task) {
      for (int64_t l = begin; l < end_of_task; ++l) {
        go_on(l, at_[static_cast<size_t>(l)]);
        step(l, gradient.find(l), factors);
        show(l);
      }
    });
    correct_ = factors.correct;
    return cross_out();
  }
  bring(latents.data(), count);
  write_down({true, factors, 0});
  at::parallel_for(0, count, kRowsOfTask, [&](int64_t begin, int64_t end_of_task) {
    for (int64_t i = begin; i < end_of_task; ++i) {
      const int32_t l = latents[static_cast<size_t>(i)];
      at_[static_cast<size_t>(l)] = end();
      step(l, gradient.find(l), factors);
      show(l);
    }
  });
}

// Steps with a gradient of 0 move an element by rate m / (sqrt(v) correct + eps), where m shrinks
// by beta1 a step, sqrt(v) by sqrt(beta2), and `correct` from c to c'; so each is at most beta1 /
// sqrt(beta2) c / c' times as long, over its rate, as the one before.
std::vector<WaitingRows::Drift> WaitingRows::drifts() const {
  std::vector<Drift> out(list_.size() + 1);
  double before = correct_;
  for (size_t p = 0; p < list_.size(); ++p) {
    double fades = 1, last = before;
    for (size_t e = p; e < list_.size(); ++e) {
      const vectors::AdamFactors& f = list_[e].factors;
      if (!list_[e].is_step) {
        out[p].by_norm = std::numeric_limits<double>::infinity();
        break;
      }
      fades *= f.beta1 / std::sqrt(static_cast<double>(f.beta2)) * last / f.correct;
      last = f.correct;
      out[p].by_pace += f.rate * fades;
      out[p].by_norm += 1.01 * (1 - f.keep) + 0x1p-22;
    }
    if (list_[p].is_step) before = list_[p].factors.correct;
  }
  return out;
}

const WaitingRows::Screened& WaitingRows::screened(Numbers numbers) {
  if (!rounded_ || rounded_->numbers != numbers) {
    bring_all();
    rounded_ = std::make_unique<RoundedRows>(weight_, numbers);
    screened_ = {rounded_.get(), rounded_->norm, rounded_->residue};
    version_ = weight_._version();
  }
  FACET_ASSERT(weight_._version() == version_, "a weight was written to while its rows wait");
  const std::vector<Drift> drift = drifts();
  // What sums of squares round away, and squares that are too small for them.
  const double grown = 1 + static_cast<double>(d_) * 0x1p-23 + 0x1p-10;
  const double tiny = std::sqrt(static_cast<double>(d_)) * 0x1p-62;
  std::vector<int32_t> far;
  for (size_t l = 0; l < at_.size(); ++l) {
    if (at_[l] == end()) continue;
    const Drift& of = drift[static_cast<size_t>(at_[l])];
    const float norm = rounded_->norm[l];
    const auto moved =
        static_cast<float>(grown * (of.by_pace * (pace_[l] + tiny) + of.by_norm * norm));
    if (!(moved <= kMostDrift * norm)) {
      far.push_back(static_cast<int32_t>(l));
    } else {
      screened_.norm[l] = norm + moved;
      screened_.residue[l] = rounded_->residue[l] + moved;
    }
  }
  bring(far.data(), static_cast<int64_t>(far.size()));
  return screened_;
}

}  // namespace facet
