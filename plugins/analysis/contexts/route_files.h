// The two JSON files of RouteSAE's contexts, letter by letter as Python writes them.
#pragma once

#include <string>
#include <vector>

#include "class_contexts.h"
#include "top_sequences.h"

/// What contexts.json says of how it was made, in RouteSAE's words.
struct RouteHeading {
  std::string model;
  double threshold = 0;
  int64_t max_length = 0, max_per_token = 0, lines = 0;
};

/// contexts.json, with json.dump(..., indent=1, ensure_ascii=False).
class RouteContexts {
 public:
  void add(int64_t latent, const ClassMap& classes);
  std::string file(const RouteHeading& heading) const;

 private:
  std::string map_;
  int64_t latents_ = 0;
};

/// One part of top_sequences.json, with json.dump.
class RouteSequences {
 public:
  /// Adds nothing for a latent without sequences.
  void add(int64_t latent, const std::vector<TopSequence>& sequences);
  const std::string& members() const { return members_; }

 private:
  std::string members_;
};
std::string top_sequences_file(const RouteSequences& pads_included,
                               const RouteSequences& real_tokens);

/// A number as Python's repr has it.
std::string python_number(double value);
