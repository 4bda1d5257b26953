// The conformance suite: what every part must do, tried on the part itself. `facet check x.so`
// prints it.
#pragma once

#include <string>
#include <vector>

#include "facet/plugin.h"

namespace facet {

enum class Verdict { pass = 1, fail, skipped };

/// One property of one part.
struct Finding {
  std::string part;      ///< "sae topk"
  std::string property;  ///< "infer codes each row alone"
  Verdict verdict = Verdict::fail;
  std::string detail;  ///< what is wrong, or why it was not checked
};
using Findings = std::vector<Finding>;

/// Every field has a help text; shapes; finite loss; gradients reach every parameter and agree with
/// finite differences, each loss by itself (kinks, where the slopes of both sides differ, are
/// listed; what Sae::estimated() names is left out); same seed same bits; it survives training;
/// saved and loaded it codes alike and trains on with equal bits; no row has more than the field k
/// says; once Sae::fold() took a normaliser in, rows are coded as before; Mode::infer codes each
/// row alone and changes nothing; it prints nothing. Required parameters are given small values;
/// the part is tried on [256, 16] rows.
Findings check_sae(const SaePart& part);
/// Consistent information and tokens; rows of the promised shape at each hookpoint; reading changes
/// nothing, replacing does; a batch gives the rows of single sequences; gradients and logits only
/// when wanted; cached passes give the logits of the whole; a text comes back from its tokens; it
/// prints nothing. A host that needs a file is skipped, and a finding says so.
Findings check_host(const HostPart& part);
/// Every field has a help text; it can be constructed; it answers as records or as rows; rows are
/// repeatable.
Findings check_data(const PartOf<Data>& part);
/// Every field has a help text; it can be constructed.
Findings check_analysis(const AnalysisPart& part);
Findings check_normaliser(const NormaliserPart& part);

/// Everything that `plugin` registered.
Findings check_plugin(const Registry& registry, const std::string& plugin);

/// True when nothing failed.
bool conforms(const Findings& findings);
/// One line each: "sae topk: finite loss: pass".
std::string describe(const Findings& findings);

}  // namespace facet
