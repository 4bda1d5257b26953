// An SAE bound to its host: what the host says with the SAE in it, as a script asks for it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "facet/generate.h"
#include "facet/schema.h"
#include "facet/splice.h"
#include "run/handles.h"
#include "run/latent_edits.h"

namespace facet {

/// The fields of the table that sae:bind takes.
struct BindOptions {
  bool prompt_only = false;  ///< tokens that are generated keep the host's bits
  bool error_term = true;
  double scaled = 1;
  std::string splice_from = "live";
  Value edits;
};
Schema<BindOptions> bind_schema();

/// The fields of the table that bound:generate takes.
struct ContinueOptions {
  std::string prompt;
  int64_t max_tokens = 32;
  double temperature = 0;
  double top_p = 1;
  int64_t seed = 0;
};
Schema<ContinueOptions> continue_schema();

class BoundSae {
 public:
  /// `points` of the host; none: all that the SAE reconstructs. Specials and pads keep the host's
  /// bits. UserError "sae:bind: ...": as place_of() and Splice, or the SAE is not trained.
  BoundSae(std::shared_ptr<SaeHandle> sae, std::shared_ptr<HostHandle> host,
           const std::vector<std::string>& points, const BindOptions& options);
  BoundSae(const BoundSae&) = delete;
  BoundSae& operator=(const BoundSae&) = delete;

  /// Canonical names of the hookpoints whose rows are replaced.
  const std::vector<std::string>& points() const { return splice_->points(); }

  /// What follows the prompt. UserError "bound:generate: ...": the host cannot, or the SAE reads
  /// several hookpoints at once.
  std::string generate(const ContinueOptions& options);

  struct Next {
    std::string token;
    double probability = 0;
    double clean = 0;  ///< of the host by itself
  };
  /// The `n` most likely tokens behind the prompt, of equals the lowest id. UserError
  /// "bound:next: ...": the host guesses masked tokens.
  std::vector<Next> next(const std::string& prompt, int64_t n);

  struct Logit {
    double bound = 0;
    double clean = 0;  ///< of the host by itself
  };
  /// The logit of `token`, which must be one token, behind the prompt.
  Logit logit(const std::string& prompt, const std::string& token);

 private:
  struct Pair {
    Tensor bound, clean;  // [vocabulary] float32, CPU
  };
  Pair logits_behind(const std::string& prompt, const std::string& where);
  std::vector<Hook> hooks(const Splice::Clean* clean);
  std::vector<Hook> direction_hooks() const;
  Edit only_where_wanted(Edit edit) const;
  Tensor direction(size_t point) const;
  bool splices() const;

  std::shared_ptr<SaeHandle> sae_;
  std::shared_ptr<HostHandle> host_;
  Place place_;
  BindOptions options_;
  std::vector<LatentEdit> values_, directions_;
  std::unique_ptr<Splice> splice_;
};

}  // namespace facet
