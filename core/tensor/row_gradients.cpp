// Rows that fired, and where operations leave them.
#include "tensor/row_gradients.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"
#include "tensor/vectors.h"
#include "tensor/waiting_rows.h"

namespace facet {
namespace {

thread_local HeldGradients* collecting = nullptr;

constexpr int64_t kLeastRows = 1024;

}  // namespace

GradientRows::GradientRows(int64_t m, int64_t d) : d_(d), place_(static_cast<size_t>(m), -1) {}

at::Tensor GradientRows::rows() const {
  if (latents_.empty()) return at::empty({0, d_}, at::kFloat);
  return memory_.narrow(0, 0, static_cast<int64_t>(latents_.size()));
}

const float* GradientRows::find(int64_t latent) const {
  const int32_t place = place_[static_cast<size_t>(latent)];
  return place < 0 ? nullptr : memory_.const_data_ptr<float>() + place * d_;
}

at::Tensor GradientRows::dense() const {
  const at::Tensor out = at::zeros({static_cast<int64_t>(place_.size()), d_}, at::kFloat);
  const at::Tensor latents = torch::tensor(latents_, at::kInt).to(at::kLong);
  return out.index_copy_(0, latents, rows());
}

void GradientRows::clear() {
  for (const int32_t latent : latents_) place_[static_cast<size_t>(latent)] = -1;
  latents_.clear();
  given_ = false;
}

void GradientRows::make_room(const std::vector<int32_t>& latents) {
  given_ = true;
  set_ = latents_.size();
  for (const int32_t latent : latents) {
    int32_t& place = place_[static_cast<size_t>(latent)];
    if (place >= 0) continue;
    place = static_cast<int32_t>(latents_.size());
    latents_.push_back(latent);
  }
  const auto wanted = static_cast<int64_t>(latents_.size());
  const int64_t room = memory_.defined() ? memory_.size(0) : 0;
  if (wanted <= room) return;
  const auto most = static_cast<int64_t>(place_.size());
  const at::Tensor grown =
      at::empty({std::min(most, std::max({wanted, 2 * room, kLeastRows})), d_}, at::kFloat);
  const auto kept = static_cast<int64_t>(set_);
  if (kept > 0) grown.narrow(0, 0, kept).copy_(memory_.narrow(0, 0, kept));
  memory_ = grown;
}

float* GradientRows::begun(int32_t latent) {
  const int32_t place = place_[static_cast<size_t>(latent)];
  float* row = memory_.mutable_data_ptr<float>() + place * d_;
  if (static_cast<size_t>(place) >= set_) std::fill(row, row + d_, 0.0f);
  return row;
}

void GradientRows::add(const ByLatent& index, const float* weight, const at::Tensor& x,
                       const at::Tensor& shift) {
  std::vector<int32_t> fired;
  for (size_t l = 0; l + 1 < index.offset.size(); ++l)
    if (index.offset[l + 1] > index.offset[l]) fired.push_back(static_cast<int32_t>(l));
  make_room(fired);
  const RowsByLatent sums(index, weight, x, shift);
  for_each_latent(static_cast<int64_t>(fired.size()), [&](int64_t i) {
    const int32_t latent = fired[static_cast<size_t>(i)];
    sums.add(latent, begun(latent));
  });
}

void GradientRows::add(const at::Tensor& latents, const at::Tensor& rows) {
  const at::Tensor given = rows.contiguous();
  const float* values = given.const_data_ptr<float>();
  const int64_t* ids = latents.const_data_ptr<int64_t>();
  make_room({ids, ids + latents.numel()});
  for_each_latent(latents.numel(), [&](int64_t i) {
    vectors::add_scaled(1.0f, values + i * d_, begun(static_cast<int32_t>(ids[i])), d_);
  });
}

HeldGradients::Scope::Scope(HeldGradients* gradients) : before_(collecting) {
  collecting = gradients;
}
HeldGradients::Scope::~Scope() { collecting = before_; }

bool HeldGradients::can_hold(const at::Tensor& weight, int64_t axis) {
  if (!weight.is_cpu() || weight.dim() != 2 || !weight.is_leaf()) return false;
  return weight.scalar_type() == at::kFloat && weight.transpose(0, axis).is_contiguous();
}

HeldGradients::HeldGradients() = default;
HeldGradients::~HeldGradients() = default;

void HeldGradients::hold(const at::Tensor& weight, int64_t axis) { hold(weight, axis, nullptr); }

void HeldGradients::hold(const at::Tensor& weight, int64_t axis,
                         std::unique_ptr<WaitingRows> waiting) {
  FACET_ASSERT(can_hold(weight, axis), "the gradient of this weight cannot be held row by row");
  auto rows = std::make_unique<GradientRows>(weight.size(axis), weight.size(1 - axis));
  held_.push_back({weight, std::move(rows), std::move(waiting)});
}

const HeldGradients::Held* HeldGradients::held(const at::Tensor& weight) const {
  for (const Held& one : held_)
    if (one.weight.is_same(weight)) return &one;
  return nullptr;
}

GradientRows* HeldGradients::find(const at::Tensor& weight) const {
  const Held* one = held(weight);
  return one ? one->rows.get() : nullptr;
}

WaitingRows* HeldGradients::find_waiting(const at::Tensor& weight) const {
  const Held* one = held(weight);
  return one ? one->waiting.get() : nullptr;
}

GradientRows* HeldGradients::of(const at::Tensor& weight) {
  return collecting ? collecting->find(weight) : nullptr;
}

WaitingRows* HeldGradients::waiting(const at::Tensor& weight) {
  return collecting ? collecting->find_waiting(weight) : nullptr;
}

}  // namespace facet
