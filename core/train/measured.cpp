// Sums over batches of rows: reconstruction, sparsity, and the firing of each latent.
#include <facet/torch.h>

#include <algorithm>

#include "facet/measures.h"
#include "facet/normaliser.h"
#include "train/reconstructed.h"
#include "train/row_sums.h"

namespace facet {
namespace {

// Norms of the rows of W_dec, over the output hookpoints together: [d_sae].
Tensor norm_of_decoder(const Sae& sae, int64_t points) {
  Tensor square;
  for (int64_t point = 0; point < points; ++point) {
    const Tensor one = sae.decoder(point).detach().cpu().to(torch::kFloat64).square().sum(1);
    square = square.defined() ? square + one : one;
  }
  return square.sqrt();
}

}  // namespace

LatentCounts::LatentCounts(int64_t latents)
    : fired_(static_cast<size_t>(latents), 0),
      fired_in_(static_cast<size_t>(latents), 0),
      last_sequence_with_(static_cast<size_t>(latents), 0) {}

void LatentCounts::add(const Codes& codes, const Tensor& sequence) {
  const auto* start = codes.start.const_data_ptr<int64_t>();
  const auto* latent = codes.latent.const_data_ptr<int32_t>();
  const auto* value = codes.value.const_data_ptr<float>();
  const auto* of = sequence.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < codes.rows(); ++row) {
    if (of[row] != last_sequence_) ++sequences_;
    last_sequence_ = of[row];
    for (int64_t e = start[row]; e < start[row + 1]; ++e) {
      if (!(value[e] > 0)) continue;
      const auto j = static_cast<size_t>(latent[e]);
      ++fired_[j];
      fired_in_[j] += last_sequence_with_[j] != sequences_;
      last_sequence_with_[j] = sequences_;
    }
  }
  rows_ += codes.rows();
}

double LatentCounts::frequency(size_t latent) const {
  return static_cast<double>(fired_[latent]) / static_cast<double>(rows_);
}

int64_t LatentCounts::live() const {
  return std::count_if(fired_.begin(), fired_.end(), [](int64_t rows) { return rows > 0; });
}

double LatentCounts::dead_share() const {
  return static_cast<double>(latents() - live()) / static_cast<double>(latents());
}

double LatentCounts::share_above(double frequency) const {
  const auto above = std::count_if(fired_.begin(), fired_.end(), [&](int64_t rows) {
    return static_cast<double>(rows) / static_cast<double>(rows_) > frequency;
  });
  return static_cast<double>(above) / static_cast<double>(latents());
}

Measured::Measured(Sae& sae, int64_t points, size_t most_groups)
    : sae_(sae),
      sums_(std::make_unique<RowSums>(norm_of_decoder(sae, points), most_groups)),
      latents_(sae.d_sae()) {}
Measured::~Measured() = default;

void Measured::add(const Normaliser& normaliser, const Batch& batch) {
  const Pass pass = sae_.pass(batch, Mode::infer);
  const Reconstructed rows = reconstructed(normaliser, batch, pass);
  const auto coded = pass.notes.find("input");
  const Tensor input = coded == pass.notes.end() ? batch.input.flatten(1) : coded->second;
  const Tensor input_norm = input.to(torch::kFloat64).norm(2, 1).cpu();
  const RowSums::Block block{rows.target, rows.output, input_norm, pass.codes.cpu(),
                             batch.ids.sequence.cpu().contiguous()};
  sums_->add(block);
  latents_.add(block.codes, block.sequence);
}

int64_t Measured::rows() const { return sums_->rows(); }
const GroupSums& Measured::groups() const { return sums_->groups(); }
double Measured::centred_explained_variance() const { return sums_->centred_explained_variance(); }
double Measured::nmse_by_column() const { return sums_->nmse_by_column(); }

}  // namespace facet
