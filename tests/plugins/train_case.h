// One case of tests/golden/train: what a peer trained, in facet's words.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "facet/safetensors.h"
#include "facet/value.h"

namespace facet {

/// A tensor under its peer's name and its name in facet; `transposed`: the other way round there;
/// `point`: it is that of one hookpoint, W_enc[point] or W_dec[:, point].
struct PeerTensor {
  std::string peer;
  std::string name;
  bool transposed = false;
  int64_t point = -1;
};

/// What facet is told to do as the peer did.
struct TrainSetup {
  Value sae;        ///< [sae], `type` included
  Value train;      ///< [train]
  Value normalize;  ///< empty: none
  std::vector<PeerTensor> params;
  std::string x = "x";        ///< the batches' tensor: [steps, ..., d]
  std::string target;         ///< the batches' tensor of another hookpoint; "": the input itself
  bool layers = false;        ///< it is [steps, ..., points, d]
  std::string fit_on;         ///< the tensor [..., d] that the normaliser is fitted to; "": none
  std::string codes;          ///< golden tensor of step 0's codes
  std::string output;         ///< golden tensor of step 0's reconstruction; "" when in other units
  std::string counters;       ///< init tensor: how long ago each latent fired; "": all just now
  int64_t counter_rows = 1;   ///< rows that one count stands for
  int64_t counter_ahead = 0;  ///< what the peer's counts are more than facet's
  int64_t idle_every = 0;     ///< without `counters`: every so many latents, 0: none,
  int64_t idle_rows = 0;      ///< has not fired for so many rows
  int64_t losses_until = 0;   ///< the last step whose loss is compared; 0: all are
  /// activations.layers_as = "turns": each point has a step of its own, and what the peer calls
  /// step N is all of these in N batches.
  bool turns = false;
  bool unit_decoder = false;  ///< the peer sets rows of W_dec to norm 1 between init and step 0
};

struct TrainCase {
  std::filesystem::path folder;
  Value config;
  std::string name() const { return folder.filename().string(); }
};
/// Every folder with a config.json under tests/golden/train, under shared/golden/train beside the
/// project, and under each folder named in FACET_GOLDEN (separated by ":"); by name, the first
/// wins.
std::vector<TrainCase> train_cases();

/// What the case is in facet's words. Nothing when facet does not have it yet: `why` says what.
/// UserError for an architecture or a peer that this test does not know.
std::optional<TrainSetup> setup_of(const TrainCase& one, std::string& why);

}  // namespace facet
