// The history of a training as a table and a picture, from the events of its run.
#pragma once

#include <string>
#include <vector>

#include "facet/plot.h"
#include "facet/table.h"

namespace facet {

/// One row for each step of train.step in the text of events.jsonl that is of the SAE `sae`: step,
/// rows, loss, its terms, l0, dead, lr and, where there was an evaluation (train.eval), its figures
/// as eval_NAME; cells without a number are empty. Without rows when there is no such event.
Table training_history(const std::string& events, const std::string& sae);

/// Loss, L0 and dead latents over the steps and, where there are evaluations, those on held-out
/// rows beside them and nmse: pictures to stand one below the other.
std::vector<Plot> history_plots(const Table& history);

/// Where they lie in the run's folder, without .tsv and .svg.
std::string history_file(const std::string& sae);

/// What the picture shows, for report.md.
std::string history_title(const std::string& sae);

}  // namespace facet
