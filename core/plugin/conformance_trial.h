// What the conformance checks of all kinds of parts share: trying properties, and parameters to try
// with.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "plugin/conformance.h"

namespace facet {

/// How one property came out.
struct Outcome {
  Verdict verdict = Verdict::pass;
  std::string detail;
};
inline Outcome holds() { return {}; }
inline Outcome fails(std::string detail) { return {Verdict::fail, std::move(detail)}; }
inline Outcome skips(std::string why) { return {Verdict::skipped, std::move(why)}; }

/// Keeps what this process writes to stdout and stderr until finish() or destruction.
class CapturedOutput {
 public:
  CapturedOutput();
  ~CapturedOutput();
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

  /// What was written; output goes where it went before.
  std::string finish();

 private:
  int file_ = -1, stdout_ = -1, stderr_ = -1;
};

/// The findings of one part. Output of the part is captured from construction to finish().
class Trial {
 public:
  /// Tries "documented" at once.
  explicit Trial(const Part& part);

  /// What `body` throws is a failure with its text.
  void property(const std::string& name, const std::function<Outcome()>& body);
  /// Tries "prints nothing" and hands over all findings.
  Findings finish();

 private:
  std::string part_, plugin_;
  Findings findings_;
  CapturedOutput captured_;
};

/// Parameters to try a part with.
struct Sample {
  std::optional<AnyParams> params;
  Outcome why;  ///< when there are none: a required file is skipped, a schema that cannot be
                ///< satisfied fails
};

/// Small values for required fields: 32 for d_sae, 4 for k, others by their type and limits;
/// defaults elsewhere.
Sample sample_params(const Part& part);

}  // namespace facet
