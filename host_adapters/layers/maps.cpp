// Keeps attention maps and sums up contacts.
#include "maps.h"

#include <facet/torch.h>

#include "facet/error.h"

namespace facet::layers {

Maps::Maps(const Packed& packed, Want want, int64_t layers, const ContactHead* contacts)
    : packed_(packed), want_(want), head_(contacts) {
  FACET_ASSERT(!want.contacts || contacts, "contacts without a head");
  const auto sequences = static_cast<size_t>(packed.sequences());
  if (want.attention) maps_.assign(sequences, std::vector<Tensor>(static_cast<size_t>(layers)));
  if (want.contacts) evidence_.resize(sequences);
}

Watch Maps::watch(int64_t block) {
  if (!want_.attention && !want_.contacts) return {};
  return [this, block](int64_t sequence, const Tensor& map) {
    const auto i = static_cast<size_t>(sequence);
    if (want_.attention) maps_[i][static_cast<size_t>(block)] = map;
    if (!want_.contacts) return;
    const Tensor more = evidence(block, sequence, map);
    evidence_[i] = evidence_[i].defined() ? evidence_[i] + more : more;
  };
}

Tensor Maps::evidence(int64_t block, int64_t sequence, const Tensor& map) const {
  const int64_t heads = map.size(0);
  const Tensor weight = head_->weight.slice(0, block * heads, (block + 1) * heads);  // [heads]
  const Tensor inner = torch::zeros({map.size(1)}, map.options())                    // [n]
                           .index_fill(0, packed_.residues(sequence).to(map.device()), 1);
  const Tensor weighted = torch::tensordot(weight, map, {0}, {0});  // [n, n]
  // Sums over residues of the rows of map + its transpose, [heads, n]; its columns sum up alike.
  const Tensor sums = (torch::matmul(map, inner) + torch::matmul(inner, map)) * inner;
  const Tensor share = weight / sums.sum(-1);  // [heads]
  return weighted + weighted.t() - torch::matmul((sums * share.unsqueeze(1)).t(), sums);
}

std::vector<Tensor> Maps::attention() const {
  std::vector<Tensor> out;
  for (const std::vector<Tensor>& blocks : maps_) out.push_back(torch::stack(blocks));
  return out;
}

std::vector<Tensor> Maps::contacts() const {
  std::vector<Tensor> out;
  for (size_t i = 0; i < evidence_.size(); ++i) {
    const Tensor residues = packed_.residues(static_cast<int64_t>(i)).to(evidence_[i].device());
    const Tensor inner = evidence_[i].index_select(0, residues).index_select(1, residues);
    out.push_back((inner + head_->bias).sigmoid());
  }
  return out;
}

}  // namespace facet::layers
