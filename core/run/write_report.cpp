// Gathers what report.md says of a finished run.
#include <sstream>

#include "base/files.h"
#include "run/experiment.h"

namespace facet {

void Experiment::write_report() {
  namespace fs = std::filesystem;
  page_.title = name_;
  const bool by_manifest = request_.file.extension() == ".toml";
  page_.question = opening_comment(read_file(request_.file), by_manifest ? "#" : "--");
  page_.warnings.clear();
  std::istringstream lines(read_file(folder() / "events.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const Value event = parse_json(line, "events.jsonl");
    if (event.text("level") != "warning") continue;
    const Value* message = event.find("message");
    page_.warnings.push_back(
        event.text("event") + ": " +
        (message && message->is<std::string>() ? *message->as<std::string>() : emit_json(event)));
  }
  for (const auto& dataset : datasets_)
    if (const std::string left_out = dataset->left_out(); !left_out.empty())
      keep_fact("Records left out", left_out);
  page_.command = "facet run " + request_.file.string();
  for (const std::string& set : request_.sets) page_.command += " --set '" + set + "'";
  page_.files = {{"manifest.toml", "the manifest, with --set laid on top"},
                 {"resolved.toml", "every value in force, with its origin"},
                 {"script.lua", "the script that ran"},
                 {"record.json", "what ran where, with the hashes of inputs and outputs"},
                 {"events.jsonl", "metrics, notices and warnings in their order"}};
  if (fs::exists(folder() / "sae"))
    page_.files.emplace_back("sae/", "the trained SAE, in SAELens' layout");
  if (fs::exists(folder() / "artefacts"))
    page_.files.emplace_back("artefacts/", "the tables in full");
  write_file(folder_->path("", "report.md"), emit_report(page_));
}

}  // namespace facet
