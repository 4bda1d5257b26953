// The verbs that look at an SAE or its codes: analyze, analyze_all. Each is recorded when it ends,
// so that a cut run goes on.
#include "facet/torch.h"

#include "plot/svg.h"
#include "plot/thin.h"
#include "plugin/call.h"
#include "run/experiment.h"
#include "run/of_sae.h"
#include "run/provenance.h"
#include "run/report_value.h"
#include "run/run_context.h"
#include "run/sections.h"
#include "run/verb_text.h"

namespace facet {

// Everything that an analysis is given must be of one piece.
void Experiment::check_inputs(const AnalysisInputs& given, const AnalysisInputs& full,
                              const Needs& needs, const std::string& where) const {
  std::vector<std::string> problems;
  const bool both = given.codes && given.sae;
  if (both && given.codes->sae && given.sae->state_key() != given.codes->sae->state_key())
    problems.push_back(where + ".sae: is another SAE than the one that gave these codes");
  if (both && !given.codes->sae && given.sae->sae->d_sae() != given.codes->codes->d_sae())
    problems.push_back(where + ".sae: has " + std::to_string(given.sae->sae->d_sae()) +
                       " latents, these codes have " + std::to_string(given.codes->codes->d_sae()) +
                       "; encode.d_sae says how many where the files of encode.from do not");
  if (full.rows && full.host && full.rows->host &&
      full.host->weights_hash != full.rows->host->weights_hash)
    problems.push_back(where + ".host: has weights " + full.host->weights_hash + ", `on` is of " +
                       full.rows->host->weights_hash);
  if (needs.codes && needs.rows && full.codes &&
      full.codes->codes->pool() != full.rows->stream->params().pool)
    problems.push_back(where + ".on: these codes are one for each sequence, should be one for " +
                       "each row: run:encode { pool = \"none\" }");
  if (!problems.empty()) throw UserError(problems);
  if (full.sae && full.rows)
    check_provenance(full.sae->record, *full.rows, kernel_.registry, where + ".sae");
}

Value Experiment::run_analysis(const std::string& where, const Value& section,
                               const AnalysisInputs& inputs) {
  std::vector<std::string> problems;
  const AnyParams params = section_schema("analysis", section, kernel_.registry)
                               .parse(where, section, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  const AnalysisPart& part = kernel_.registry.analysis(section.text("type"));
  keep_resolved("analysis", params.resolved);
  keep_inputs(part.schema.fields, params.resolved);
  keep_plugin(part);
  const auto analysis = call_plugin(part.plugin, [&] { return part.make(own_part(params)); });
  AnalysisInputs full = inputs;  // a codes handle knows its SAE and rows, a rows handle its host
  if (full.codes && !full.sae) full.sae = full.codes->sae;
  if (full.codes && !full.rows) full.rows = full.codes->rows;
  if (full.rows && !full.host) full.host = full.rows->host;
  const Needs needs = analysis->needs();
  const bool elsewhere = full.codes && !full.codes->sae;
  const auto need = [&](bool needed, bool there, const char* what) {
    if (needed && !there)
      problems.push_back(at(section) + where + ": \"" + part.name + "\" needs " + what +
                         (elsewhere ? "; these codes came from a folder, which has none" : ""));
  };
  need(needs.codes, full.codes != nullptr, "codes: on = run:encode { ... }");
  need(needs.sae, full.sae != nullptr, "an SAE: sae = run:sae { ... }");
  need(needs.rows, full.rows != nullptr, "rows: on = run:activations { ... }");
  need(needs.host, full.host != nullptr, "a host: host = run:host { ... }");
  need(needs.records, full.data || full.rows, "records: data = run:data { ... }");
  if (!problems.empty()) throw UserError(problems);
  check_inputs(inputs, full, needs, at(section) + where);

  const Value* label = section.find("name");
  const bool named = label && label->is<std::string>() && !label->as<std::string>()->empty();
  const std::string name = named ? *label->as<std::string>() : part.name;
  const std::string of = full.sae ? full.sae->name : "";
  const std::string title = of.empty() ? name : of + "/" + name;
  const std::string shelf =  // of its files: each named SAE and each named analysis has its own
      (of.empty() ? "" : of + "/") + (named && name != part.name ? name + "/" : "");
  if (!analysed_.insert("figures of " + title).second ||
      !analysed_.insert("files of " + shelf + part.name).second)
    throw UserError(at(section) + where + ".name: \"" + name + "\" was written already in this " +
                    "run; give each analysis its own name");

  Call call =
      begin("analyze", digest(Value(Value::Table{{"part", key_of(part, params.resolved)},
                                                 {"codes", full.codes ? full.codes->key : ""},
                                                 {"sae", full.sae ? full.sae->state_key() : ""},
                                                 {"rows", full.rows ? full.rows->key : ""},
                                                 {"data", full.data ? full.data->key : ""},
                                                 {"host", full.host ? full.host->key : ""}})));
  if (!call.finished) {
    OfSae sink(events(), of);
    RunContext context(name, shelf, full, *folder_, sink, seed_, request_.device, [this] {
      if (stop_wanted()) throw Stopped("stopped during an analysis");
    });
    const torch::NoGradGuard no_grad;
    Report report = call_plugin(part.plugin, [&] { return analysis->run(context); });
    for (const Figure& figure : report.values)
      if (figure.value.is<double>() || figure.value.is<int64_t>())
        sink.emit({Level::metric, "analysis." + name, -1,
                   Value(Value::Table{{"figure", figure.name}, {"value", figure.value}})});
    for (Plot& plot : report.plots) {
      context.write_file(plot.name + ".svg", emit_svg(plot));
      thin(plot);  // the record keeps what a picture can show
    }
    end(call, report_value(report));
  }
  const Report report = report_of(call.record.result);
  page_.sections.push_back({name, part.help, report, of, full.sae && full.sae->is_baseline, shelf});
  Value figures{Value::Table()};
  for (const Figure& figure : report.values) figures.set(figure.name, figure.value);
  record_.set("figures", [&] {
    Value all = record_.find("figures") ? record_.at("figures") : Value(Value::Table());
    all.set(title, figures);
    return all;
  }());
  return figures;
}

Value Experiment::analyze(const Value& given, const AnalysisInputs& inputs) {
  return run_analysis("analysis", given, inputs);
}

Value Experiment::analyze_all(const Value& given, const AnalysisInputs& inputs) {
  if (const auto* table = given.as<Value::Table>(); table && !table->empty())
    throw UserError(at(given) + "analyze_all." + table->begin()->first +
                    ": unknown key; each analysis is written in the manifest");
  const Value* sections = manifest_.find("analysis");
  Value out{Value::Table()};
  if (!sections) return out;
  const bool list = sections->is<Value::Array>();
  const Value::Array all = list ? *sections->as<Value::Array>() : Value::Array{*sections};
  for (size_t i = 0; i < all.size(); ++i) {
    const Value figures =
        run_analysis(list ? "analysis[" + std::to_string(i + 1) + "]" : "analysis", all[i], inputs);
    out.set(page_.sections.back().name, figures);
  }
  return out;
}

}  // namespace facet
