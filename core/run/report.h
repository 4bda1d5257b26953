// report.md: what a run asked, what ran, what came out, and how to run it again, for a reader who
// knows the biology and not the program.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "facet/analysis.h"

namespace facet {

/// One analysis that ran on one SAE.
struct ReportSection {
  std::string name;   ///< of the section in the manifest or script: "metrics"
  std::string about;  ///< what the analysis does, in one sentence
  Report report;
  std::string sae = {};      ///< its name
  bool is_baseline = false;  ///< something plain, beside which the others are read
  std::string shelf = {};    ///< folder of its files under artefacts/: "", or "pca/"
};

/// Everything that report.md says. Equal pages give equal text.
struct ReportPage {
  std::string title;     ///< the run's name
  std::string question;  ///< see opening_comment(); may be empty
  std::vector<std::pair<std::string, std::string>>
      facts;  ///< what ran, in order: ("Host", "esm2, esm2_mini")
  std::vector<std::pair<std::string, std::string>>
      pictures;  ///< of what ran: path in the run's folder, title
  std::vector<ReportSection> sections;
  std::vector<TableRef> tables;  ///< that the script worked out
  std::vector<std::string> warnings;
  std::string command;                                     ///< runs it again
  std::vector<std::pair<std::string, std::string>> files;  ///< path in the run's folder, what it is
};

/// GitHub-style markdown. One table for each analysis: the figures of the first SAE that is no
/// baseline, and beside each the same figure of the other SAEs. Pictures and the heads of tables
/// are the first SAE's; those of the others are named by their files in artefacts/.
std::string emit_report(const ReportPage& page);

/// A figure with its interval, "0.0130 [0.0121, 0.0140]": as many decimals as give the interval's
/// width two digits.
std::string figure_text(const Value& value, const Interval& interval);

/// The question a manifest or script opens with: its first comment of `marker` ("#", "--"), lines
/// joined up to the first one that is indented or not a comment; "" when the text does not open
/// with a comment.
std::string opening_comment(const std::string& text, const std::string& marker);

/// The metric `field` of train.step over the steps, one curve for each SAE that is not among
/// `left_out`; from the text of events.jsonl. Without curves when there is no such event.
Plot training_curves(const std::string& events, const std::string& field,
                     const std::vector<std::string>& left_out);

}  // namespace facet
