// report.md: what a run asked, what ran, what came out, and how to run it again, for a reader who
// knows the biology and not the program.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "facet/analysis.h"

namespace facet {

/// One analysis that ran.
struct ReportSection {
  std::string name;   ///< of the section in the manifest or script: "metrics"
  std::string about;  ///< what the analysis does, in one sentence
  Report report;
};

/// Everything that report.md says. Equal pages give equal text.
struct ReportPage {
  std::string title;     ///< the run's name
  std::string question;  ///< see opening_comment(); may be empty
  std::vector<std::pair<std::string, std::string>>
      facts;  ///< what ran, in order: ("Host", "esm2, esm2_mini")
  std::vector<ReportSection> sections;
  std::vector<std::string> warnings;
  std::string command;                                     ///< runs it again
  std::vector<std::pair<std::string, std::string>> files;  ///< path in the run's folder, what it is
};

/// GitHub-style markdown. Tables of analyses are shown by their heads; their files lie in
/// artefacts/.
std::string emit_report(const ReportPage& page);

/// The question a manifest or script opens with: its first comment of `marker` ("#", "--"), lines
/// joined up to the first one that is indented or not a comment; "" when the text does not open
/// with a comment.
std::string opening_comment(const std::string& text, const std::string& marker);

}  // namespace facet
