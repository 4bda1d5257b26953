// Splice: an SAE put into its host. What it reconstructs takes the place of the rows it belongs to.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "facet/host.h"
#include "facet/normaliser.h"
#include "facet/sae.h"

namespace facet {

/// Where an SAE belongs in its host, by canonical names of hookpoints.
struct Place {
  std::vector<std::string> points = {};  ///< what it reads
  std::vector<std::string> target = {};  ///< what it reconstructs; empty: `points`
  bool minus_input = false;              ///< each target less its input
  /// It codes each of `points` by itself, with the same weights (activations.layers_as rows or
  /// turns).
  bool by_layer = false;
  /// The SAE codes several hookpoints together.
  bool joint() const { return points.size() > 1 && !by_layer; }
};

/// What takes the place of a row h. x is the row that the SAE codes, r(x) what it reconstructs.
enum class SpliceFrom {
  live = 1,    ///< r(x) of the row x that arrives, changed by what was spliced before it
  clean,       ///< r(x) of the row x of the host by itself
  difference,  ///< h + r(x) - x of the host by itself: what several hookpoints lack adds up
};

/// "live", "clean", "difference".
std::string text_of(SpliceFrom from);
SpliceFrom splice_from(const std::string& text);
std::vector<std::string> splice_from_words();

/// Whether the SAE of a place codes several hookpoints together, and each row's codes are of one of
/// them that it chooses (route), so that this row alone can be replaced.
bool chooses_hookpoint(const HostInfo& info, const Sae& sae, const Place& place);
/// live; difference for an SAE that codes several hookpoints together without choosing one.
SpliceFrom default_splice_from(const HostInfo& info, const Sae& sae, const Place& place);

/// z' - z for rows whose codes are z: what is added to the codes before they are decoded.
using CodesEdit = std::function<Codes(const Codes& codes, const Rows& rows)>;

struct SpliceOptions {
  SpliceFrom from = SpliceFrom::live;
  bool error_term = false;  ///< adds what the SAE leaves over, so that only edits change the host
  double scale = 1;         ///< of the reconstruction
  uint8_t keep = kSpecial | kPad;    ///< rows with any of these flags keep the host's bits
  std::vector<std::string> at = {};  ///< only at these of its hookpoints; empty: at all
  CodesEdit edit = {};               ///< nullptr: codes as they are
};

/// Puts one SAE into one host. All arguments must outlive it; calls come from one thread.
class Splice {
 public:
  /// UserError "splice: ...": a name in options.at that the SAE does not write to; live rows where
  /// default_splice_from() is difference.
  Splice(HostModel& host, Sae& sae, const Normaliser& normaliser, Place place,
         SpliceOptions options);

  /// Hookpoints whose rows are replaced, in the order of the forward pass.
  const std::vector<std::string>& points() const { return written_; }
  /// True when a pass of the host by itself comes first: clean or difference, and SAEs that choose
  /// a hookpoint for each row by all of them.
  bool needs_clean() const;

  /// The host by itself.
  struct Clean {
    Logits logits;
    Tensor rows;   ///< [t, points and then targets, d] float32, as the stream of the SAE has them
    Tensor index;  ///< [m] int64: the tokens that the SAE is given, ascending
    /// What it makes of these, in Mode::infer, with the figures that take it back to the host's
    /// units; empty where it codes each hookpoint by itself.
    Pass pass;
    Stats stats;
  };
  /// Runs the host once; want.logits fills Clean::logits.
  Clean clean(const Tokens& tokens, Want want);

  /// For forward passes of the tokens of `clean`, or of any when needs_clean() is false: then it
  /// may be nullptr. It must outlive them. Rows are computed in float32 and taken in the host's
  /// dtype.
  std::vector<Hook> hooks(const Clean* clean);

  /// [t] bool of the last pass with hooks(): the tokens that were replaced at any hookpoint.
  const Tensor& replaced() const { return replaced_; }

 private:
  /// Of the rows that the SAE is given at one hookpoint, in the host's units: what it reconstructs
  /// with its codes as they are, and edited; [m, d] both, and which of them are replaced, [m] bool.
  struct Outcome {
    Tensor plain, edited, replaced;
  };

  Tensor given(const Tensor& flag) const;
  Tensor spliced(size_t written, const Rows& rows, const Clean* clean);
  Outcome by_itself(const Tensor& input, const Tensor& target, const Rows& ids);
  Outcome of_several(size_t output, const Tensor& live, const Clean& clean, const Rows& ids);
  Tensor edited(const Tensor& rows, const Codes& codes, size_t output, const Rows& ids) const;

  HostModel& host_;
  Sae& sae_;
  const Normaliser& normaliser_;
  Place place_;
  SpliceOptions options_;
  std::vector<std::string> written_;
  std::vector<size_t> output_;  // of each written point among what the SAE reconstructs
  std::vector<Tensor> read_;    // [t, d] each: what arrived at place_.points, of a transcoder
  Tensor replaced_;
};

}  // namespace facet
