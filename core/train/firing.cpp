// Counts in int64, so that the order of summation cannot matter.
#include "train/firing.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <mutex>
#include <vector>

#include "facet/error.h"
#include "train/trainer.h"

namespace facet {

namespace {

// [m] int64: how many of the entries are of each latent.
Tensor counts_of(const Tensor& latent, const Tensor& fires, int64_t m) {
  const Tensor counts = torch::zeros({m}, torch::dtype(torch::kInt64).device(latent.device()));
  if (!latent.is_cpu()) return counts.index_add_(0, latent, fires.to(torch::kInt64));
  const Tensor entries = latent.contiguous(), counted = fires.contiguous();
  const int32_t* l = entries.const_data_ptr<int32_t>();
  const bool* fired = counted.const_data_ptr<bool>();
  int64_t* sums = counts.mutable_data_ptr<int64_t>();
  std::mutex adding;
  at::parallel_for(0, entries.numel(), int64_t{1} << 16, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> part(static_cast<size_t>(m));
    for (int64_t e = begin; e < end; ++e) part[static_cast<size_t>(l[e])] += fired[e];
    const std::scoped_lock lock(adding);
    for (int64_t i = 0; i < m; ++i) sums[i] += part[static_cast<size_t>(i)];
  });
  return counts;
}

int64_t rows_until_dead(const TrainParams& params, int64_t steps) {
  if (params.dead_after_rows > 0) return params.dead_after_rows;
  if (params.dead_after_steps > 0) return params.dead_after_steps * params.batch;
  return steps * params.batch / 10;
}

}  // namespace

std::vector<std::string> fired_if_words() { return {"above", "nonzero", "selected"}; }

Firing::Firing(int64_t d_sae, const TrainParams& params, int64_t steps, const std::string& device)
    : fired_if_(params.fired_if),
      fired_above_(params.fired_above),
      dead_after_rows_(rows_until_dead(params, steps)),
      rows_since_(torch::zeros({d_sae}, torch::dtype(torch::kInt64).device(torch::Device(device)))),
      fired_rows_(torch::zeros_like(rows_since_)) {}

Tensor Firing::fires(const Codes& codes) const {
  if (fired_if_ == "selected") return torch::ones_like(codes.value, torch::kBool);
  return fired_if_ == "nonzero" ? codes.value.ne(0) : codes.value.gt(fired_above_);
}

void Firing::add(const Codes& codes, const Group& group) {
  const torch::NoGradGuard no_grad;
  const Tensor latent = codes.latent.to(rows_since_.device());
  const Tensor fires = this->fires(codes).to(rows_since_.device());
  const Tensor counts = group.sum(counts_of(latent, fires, rows_since_.size(0)));
  const int64_t rows = codes.rows() * group.size();
  rows_since_.add_(rows).masked_fill_(counts.gt(0), 0);
  fired_rows_.add_(counts);
  counted_rows_ += rows;
}

void Firing::restart_share() {
  fired_rows_.zero_();
  counted_rows_ = 0;
}

void Firing::revived(const Tensor& latents) { rows_since_.index_fill_(0, latents, 0); }

Tensor Firing::dead() const { return rows_since_.gt(dead_after_rows_); }
Tensor Firing::dead_share() const { return dead().to(torch::kFloat64).mean(); }

Tensor Firing::share() const {
  return fired_rows_.cpu().to(torch::kFloat64) / static_cast<double>(counted_rows_);
}

NamedTensors Firing::tensors() const {
  return {{"rows_since_fired", rows_since_}, {"fired_rows", fired_rows_}};
}

void Firing::restore(const NamedTensors& tensors, int64_t counted_rows) {
  rows_since_.copy_(find_tensor(tensors, "rows_since_fired", rows_since_));
  fired_rows_.copy_(find_tensor(tensors, "fired_rows", fired_rows_));
  counted_rows_ = counted_rows;
}

const Tensor& find_tensor(const NamedTensors& tensors, const std::string& name,
                          const Tensor& like) {
  for (const auto& [other, tensor] : tensors)
    if (other == name && tensor.sizes() == like.sizes()) return tensor;
  throw UserError("train: checkpoint: no tensor \"" + name + "\" of the right shape");
}

}  // namespace facet
