// Gathers what report.md says of a finished run.
#include <algorithm>
#include <sstream>

#include "base/files.h"
#include "plot/svg.h"
#include "plot/thin.h"
#include "run/experiment.h"
#include "run/training_history.h"

namespace facet {
namespace {

std::string grouped(int64_t number) {
  std::string out = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
    out.insert(static_cast<size_t>(at), ",");
  return out;
}

struct Count {
  int64_t sequences = 0, letters = 0;
};

Count count_of(const Dataset& data) {
  Count count;
  const auto reader = data.open();
  for (Record record; reader->next(record); ++count.sequences)
    count.letters += static_cast<int64_t>(record.text.size());
  return count;
}

std::string said(const Count& count) {
  return grouped(count.sequences) + " sequences (" + grouped(count.letters) + " letters)";
}

// "fasta (x.fasta): 1,900 sequences (...) to train on, 100 sequences (...) held out".
std::string data_text(const DataHandle& handle) {
  const Dataset& data = *handle.data;
  if (data.rows()) return handle.about;
  if (!data.has_split()) return handle.about + ": " + said(count_of(data));
  return handle.about + ": " + said(count_of(data.part(DataShare::train))) + " to train on, " +
         said(count_of(data.part(DataShare::eval))) + " held out";
}

std::vector<std::string> warnings_of(const std::string& events) {
  std::vector<std::string> out;
  std::istringstream lines(events);
  for (std::string line; std::getline(lines, line);) {
    const Value event = parse_json(line, "events.jsonl");
    if (event.text("level") != "warning") continue;
    const Value* message = event.find("message");
    out.push_back(
        event.text("event") + ": " +
        (message && message->is<std::string>() ? *message->as<std::string>() : emit_json(event)));
  }
  return out;
}

}  // namespace

void Experiment::write_report() {
  namespace fs = std::filesystem;
  page_.title = name_;
  const bool by_manifest = request_.file.extension() == ".toml";
  page_.question = opening_comment(read_file(request_.file), by_manifest ? "#" : "--");
  const std::string events = read_file(folder() / "events.jsonl");
  page_.warnings = warnings_of(events);
  std::vector<std::pair<std::string, std::string>> data;
  for (const auto& handle : read_) {
    data.emplace_back("Data", data_text(*handle));
    if (const std::string left_out = handle->data->left_out(); !left_out.empty())
      data.emplace_back("Records left out", left_out);
  }
  const auto after_host = std::find_if(page_.facts.begin(), page_.facts.end(),
                                       [](const auto& fact) { return fact.first != "Host"; });
  page_.facts.insert(after_host, data.begin(), data.end());

  Plot loss = training_curves(events, "loss", baselines_);
  if (!loss.series.empty()) {
    loss.title = "Loss over the training; lower is better.";
    loss.log_y = true;
    thin(loss);
    write_file(folder_->path("", "loss.svg"), emit_svg(loss));
    page_.pictures.emplace_back("loss.svg", loss.title);
  }
  for (const std::string& sae : trained_) {
    const std::string file = history_file(sae);
    const bool is_baseline =
        std::find(baselines_.begin(), baselines_.end(), sae) != baselines_.end();
    if (!is_baseline && fs::exists(folder() / (file + ".svg")))
      page_.pictures.emplace_back(file + ".svg", history_title(sae));
  }
  page_.command = request_.typed ? "facet repl  # and type the lines of script.lua"
                                 : "facet run " + request_.file.string();
  for (const std::string& set : request_.sets) page_.command += " --set '" + set + "'";
  page_.files = {{"manifest.toml", "the manifest, with --set laid on top"},
                 {"resolved.toml", "every value in force, with its origin"},
                 {"script.lua", "the script that ran"},
                 {"record.json", "what ran where, with the hashes of inputs and outputs"},
                 {"events.jsonl", "metrics, notices and warnings in their order"}};
  if (fs::exists(folder() / "sae"))
    page_.files.emplace_back("sae/", "the trained SAE, in SAELens' layout");
  if (fs::exists(folder() / "kept"))
    page_.files.emplace_back("kept/", "the SAEs that were kept on the way, each as in sae/");
  for (const std::string& sae : trained_)
    if (fs::exists(folder() / (history_file(sae) + ".tsv")))
      page_.files.emplace_back(history_file(sae) + ".tsv",
                               "the metrics of the training" + (sae.empty() ? "" : " of " + sae) +
                                   ", a row for each step that was recorded");
  if (tensorboard_) page_.files.emplace_back("tensorboard/", "the metrics for TensorBoard");
  if (fs::exists(folder() / "artefacts"))
    page_.files.emplace_back("artefacts/", "the tables in full, and the pictures");
  write_file(folder_->path("", "report.md"), emit_report(page_));
}

}  // namespace facet
