// EndToEnd: what a host makes of rows that an SAE has reconstructed, as a loss.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "facet/host.h"
#include "facet/normaliser.h"
#include "facet/sae.h"

namespace facet {

class EndToEnd {
 public:
  /// kl: mean over tokens of KL(p || q), p the host's distribution over the vocabulary by itself, q
  /// the one with the SAE in it, in nats (Braun et al. 2024, arXiv:2405.12241; sparsify's kl leaves
  /// out the entropy of p, which does not depend on the SAE). ce: mean over tokens of -log q of the
  /// token that stands there (masked language models).
  static std::vector<std::string> words();

  /// `point`: the one hookpoint whose rows are replaced, specials included.
  EndToEnd(std::shared_ptr<HostModel> host, std::string point, const std::string& word);

  struct Outcome {
    Batch batch;  ///< the host's rows, normalised, of the sequences that were whole
    Pass pass;    ///< what the SAE made of them, in training
    Loss loss;    ///< under its word, in the graph of the SAE's parameters
  };
  /// `rows` of sequences in their order with their specials. Those that the batch cuts at its begin
  /// or its end are left out. UserError when none is whole.
  Outcome run(const Rows& rows, Sae& sae, const Normaliser& normaliser) const;

 private:
  std::shared_ptr<HostModel> host_;
  std::string point_, word_;
};

}  // namespace facet
