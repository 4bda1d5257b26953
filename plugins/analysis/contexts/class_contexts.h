// RouteSAE's contexts of a latent: the strongest sentences of each token on which it fires.
#pragma once

#include <facet/plugin.h>

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "token_rows.h"

struct ClassParams {
  double threshold = 0;         ///< values above it count
  int64_t context_length = 64;  ///< tokens
  int64_t max_per_token = 2;    ///< contexts of each class
};

struct ClassContext {
  float value = 0;
  std::string text;
  int64_t token = 0;
};

/// By class, in the order of code points; contexts of a class by value, the largest first, equal
/// ones by text.
using ClassMap = std::map<std::string, std::vector<ClassContext>>;

/// source  RouteSAE-repro, src/applier.py (commit of golden/contexts): a sentence goes from behind
///         the last raw token that ends one (. ! ? " <|end_of_text|> and a line end) to the next,
///         with it; one longer than context_length keeps half of that on each side and the token.
///         A class is the raw token, stripped and in lower case. Equal values are kept by the
///         larger text, as its heap does for two.
class ClassContexts {
 public:
  ClassContexts(const TokenRows& tokens, const ClassParams& params);

  /// Of the rows of one latent, values descending; `above` counts those above the threshold.
  ClassMap of(const facet::CodesReader::Firing& firing, int64_t& above) const;

 private:
  TokenSpan sentence(int64_t token) const;
  /// Equal for equal tokens of one sort: its class, and what it does to a sentence.
  struct Kind {
    std::string name;
    bool ends = false;
    bool skipped = false;
  };
  const Kind& kind(int64_t token) const;

  const TokenRows& tokens_;
  const ClassParams params_;
  mutable std::unordered_map<int32_t, Kind> kinds_;  // of the ids that were seen
};
