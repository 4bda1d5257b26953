// The forward passes that are compared: the host by itself, with the SAE in it, and ablated.
#pragma once

#include <facet/splice.h>

#include <string>
#include <vector>

#include "params.h"

namespace facet::kl_eval {

/// One place where the SAE is put: all of its hookpoints, or one of an SAE that codes each by
/// itself.
class Site {
 public:
  /// UserError as Splice's.
  Site(HostModel& host, Sae& sae, const Normaliser& normaliser, const Place& place,
       const Params& params, std::vector<std::string> at);

  const std::vector<std::string>& points() const { return splice_.points(); }
  SpliceFrom from() const { return from_; }
  /// "spliced", "error_term", "zero", "mean": what passes() gives, in this order.
  const std::vector<std::string>& names() const { return names_; }

  /// [t, vocabulary] each. Ablations replace every token by zeros, or by the mean over the tokens
  /// of this pass that are no pads; of an SAE that chooses a hookpoint for each row, only the rows
  /// that it chose. `clean` is the host's own pass of these tokens: it is run when it is still
  /// empty, and serves every site of the same SAE.
  std::vector<Tensor> passes(const Tokens& tokens, Splice::Clean& clean);
  /// [t] bool: tokens that the SAE replaced in the last passes().
  const Tensor& replaced() const { return replaced_; }
  /// [t] int64 of the last passes(): at which of the SAE's hookpoints a token is replaced; -1 for
  /// one that the SAE is not given. Undefined where all hookpoints are replaced together.
  const Tensor& chosen() const { return chosen_; }
  /// Which of the SAE's hookpoints points()[i] is.
  int64_t column(size_t i) const;

 private:
  Tensor ablated(const Tokens& tokens, const Splice::Clean& clean, bool by_mean);

  HostModel& host_;
  Place place_;
  SpliceFrom from_;
  Splice splice_;
  std::optional<Splice> with_error_;
  std::vector<std::string> names_;
  Tensor replaced_, chosen_;
};

}  // namespace facet::kl_eval
