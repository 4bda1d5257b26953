// What a forward pass keeps of its attention: the maps themselves, and the contacts they predict.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "facet/host.h"
#include "layers.h"
#include "packed.h"

namespace facet::layers {

/// A logistic regression over attention maps.
/// source: Rao et al. 2020, Transformer protein language models are unsupervised structure
/// learners, as fair-esm 2.0 (ContactPredictionHead) computes it.
struct ContactHead {
  Tensor weight;  ///< [layers * heads] float32, the heads of layer 0 first
  Tensor bias;    ///< [1] float32
};

/// The maps of one forward pass, as wanted. Contacts are summed up block by block, so the maps of
/// no more than one block are held for them.
class Maps {
 public:
  /// `contacts` may be nullptr when they are not wanted. All arguments must outlive the object.
  Maps(const Packed& packed, Want want, int64_t layers, const ContactHead* contacts);

  /// For the attention of a block; empty when nothing of it is wanted.
  Watch watch(int64_t block);
  /// Logits::attention and Logits::contacts, after the last block. A residue is a token that is not
  /// flagged kSpecial.
  std::vector<Tensor> attention() const;
  std::vector<Tensor> contacts() const;

 private:
  // Symmetrised, less the average product (APC), weighted and summed over the heads: [n, n], of
  // which the residues' rows and columns mean something.
  Tensor evidence(int64_t block, int64_t sequence, const Tensor& map) const;

  const Packed& packed_;
  Want want_;
  const ContactHead* head_;
  std::vector<std::vector<Tensor>> maps_;  // [sequence][block]: [heads, n, n]
  std::vector<Tensor> evidence_;           // [sequence]: [n, n]
};

}  // namespace facet::layers
