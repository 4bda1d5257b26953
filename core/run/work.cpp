// The verbs that look at an SAE: encode, analyze. Each is recorded when it ends, so that a cut run
// goes on.
#include "facet/torch.h"

#include "activations/codes_store.h"
#include "base/files.h"
#include "plot/svg.h"
#include "plugin/call.h"
#include "run/experiment.h"
#include "run/of_sae.h"
#include "run/report_value.h"
#include "run/run_context.h"
#include "run/sections.h"
#include "run/verb_text.h"

namespace facet {

namespace fs = std::filesystem;

std::shared_ptr<CodesHandle> Experiment::encode(const Value& given, std::shared_ptr<SaeHandle> sae,
                                                std::shared_ptr<RowsHandle> on) {
  if (!sae) throw UserError(at(given) + "encode.sae: required, a handle from run:sae");
  if (!on) throw UserError(at(given) + "encode.on: required, a handle from run:activations");
  const AnyParams params = parse("encode", merged("encode", given));
  keep_resolved("encode", params.resolved);
  auto out = std::make_shared<CodesHandle>();
  out->sae = sae;
  out->rows = on;
  out->key = digest(Value(Value::Table{
      {"sae", sae->state_key()}, {"rows", on->key}, {"kernel", std::string(kernel_digest())}}));
  Call call = begin("encode", out->key);
  const fs::path folder = store_ / "codes" / out->key.substr(0, 16);
  {
    std::string holder;
    auto lock = FileLock::try_take(folder.string() + ".lock", holder);
    if (!lock) {
      eyes_->info("encode", "waiting for " + holder + ", which builds the same codes");
      lock = FileLock::take(folder.string() + ".lock");
    }
    const torch::NoGradGuard no_grad;
    call_beside_plugin(sae->part->plugin, [&] {
      build_codes(folder, *sae->sae, *sae->normaliser, *on->stream, out->key,
                  call.finished ? *eyes_ : events(), [this] {
                    if (stop_wanted()) throw Stopped("encode: stopped between two parts");
                  });
    });
  }
  out->codes = open_codes(folder);
  record_.set("codes", (fs::path("store") / "codes" / folder.filename()).string());
  if (!call.finished)
    end(call, Value(Value::Table{{"key", out->key}, {"rows", out->codes->rows()}}));
  keep_fact("Encoded", std::to_string(out->codes->rows()) + " rows of " +
                           std::to_string(out->codes->sequences().size()) + " sequences");
  return out;
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
  const auto need = [&](bool needed, bool there, const char* what) {
    if (needed && !there)
      problems.push_back(at(section) + where + ": \"" + part.name + "\" needs " + what);
  };
  need(needs.codes, full.codes != nullptr, "codes: on = run:encode { ... }");
  need(needs.sae, full.sae != nullptr, "an SAE: sae = run:sae { ... }");
  need(needs.rows, full.rows != nullptr, "rows: on = run:activations { ... }");
  need(needs.host, full.host != nullptr, "a host: host = run:host { ... }");
  if (!problems.empty()) throw UserError(problems);

  Call call =
      begin("analyze", digest(Value(Value::Table{{"part", key_of(part, params.resolved)},
                                                 {"codes", full.codes ? full.codes->key : ""},
                                                 {"sae", full.sae ? full.sae->state_key() : ""},
                                                 {"rows", full.rows ? full.rows->key : ""},
                                                 {"host", full.host ? full.host->key : ""}})));
  const Value* label = section.find("name");
  const std::string name = label && label->is<std::string>() && !label->as<std::string>()->empty()
                               ? *label->as<std::string>()
                               : part.name;
  const std::string of = full.sae ? full.sae->name : "";
  if (!call.finished) {
    OfSae sink(events(), of);
    RunContext context(name, full, *folder_, sink, seed_, request_.device, [this] {
      if (stop_wanted()) throw Stopped("stopped during an analysis");
    });
    const torch::NoGradGuard no_grad;
    const Report report = call_plugin(part.plugin, [&] { return analysis->run(context); });
    for (const Figure& figure : report.values)
      if (figure.value.is<double>() || figure.value.is<int64_t>())
        sink.emit({Level::metric, "analysis." + name, -1,
                   Value(Value::Table{{"figure", figure.name}, {"value", figure.value}})});
    for (const Plot& plot : report.plots) context.write_file(plot.name + ".svg", emit_svg(plot));
    end(call, report_value(report));
  }
  const Report report = report_of(call.record.result);
  page_.sections.push_back({name, part.help, report, of, full.sae && full.sae->is_baseline});
  Value figures{Value::Table()};
  for (const Figure& figure : report.values) figures.set(figure.name, figure.value);
  record_.set("figures", [&] {
    Value all = record_.find("figures") ? record_.at("figures") : Value(Value::Table());
    all.set(of.empty() ? name : of + "/" + name, figures);
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
