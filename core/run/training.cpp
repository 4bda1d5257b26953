// The verbs that train: train and baselines. Each training is recorded when it ends, so that a cut
// run goes on.
#include "facet/torch.h"

#include <algorithm>
#include <set>

#include "plot/svg.h"
#include "plugin/call.h"
#include "run/experiment.h"
#include "run/kept_saes.h"
#include "run/of_sae.h"
#include "run/provenance.h"
#include "run/run_checkpoints.h"
#include "run/sections.h"
#include "run/training_history.h"
#include "run/verb_text.h"
#include "train/end_to_end.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

Value metrics_value(const TrainOutcome& outcome) {
  Value out(Value::Table{{"steps", outcome.steps},
                         {"rows", outcome.rows},
                         {"loss", outcome.last.loss},
                         {"l0", outcome.last.l0},
                         {"dead", outcome.last.dead},
                         {"lr", outcome.last.lr}});
  for (const auto& [name, value] : outcome.last.losses) out.set(name, value);
  const EvaluationOutcome& said = outcome.evaluation;
  if (!said.figures.empty()) {
    Value figures{Value::Table()};
    for (const auto& [name, value] : said.figures) figures.set(name, value);
    out.set("eval", std::move(figures));
  }
  if (said.best)
    out.set("best", Value(Value::Table{{"figure", said.best->figure},
                                       {"value", said.best->value},
                                       {"step", said.best->step}}));
  if (!said.ended.empty()) out.set("ended", said.ended);
  if (!said.kept.empty()) out.set("kept", Value::Array(said.kept.begin(), said.kept.end()));
  return out;
}

// A normaliser that was fitted before: the trainer's fit leaves it as it is.
class Fitted : public Normaliser {
 public:
  explicit Fitted(Normaliser& inner) : inner_(inner) {}
  Tensor apply(const Tensor& x, Stats& stats) const override { return inner_.apply(x, stats); }
  Tensor invert(const Tensor& x, const Stats& stats) const override {
    return inner_.invert(x, stats);
  }
  int64_t input_points() const override { return inner_.input_points(); }
  Value state() const override { return inner_.state(); }
  void restore(const Value& state) override { inner_.restore(state); }

 private:
  Normaliser& inner_;
};

// Once, after the training.
void say_left_out(EventSink& events, const LeftOut& left) {
  std::string message;
  if (left.pads > 0) message = std::to_string(left.pads) + " rows of pads";
  if (left.high_norm > 0)
    message += (message.empty() ? "" : " and ") + std::to_string(left.high_norm) +
               " of a norm above activations.max_norm";
  if (!message.empty())
    events.info("activations.left_out", "of the rows read, " + message + " were left out");
}

// One pass at most over what the baselines are trained on.
TrainParams plain_training(int64_t rows, const RowsHandle& on, uint64_t seed) {
  TrainParams settings;
  const int64_t epoch = on.stream->open(Order::sequential, seed)->epoch_rows();
  settings.total_rows = epoch > 0 ? std::min(rows, epoch) : rows;
  settings.batch = std::min(settings.batch, settings.total_rows);
  return settings;
}

// A [[baseline]] that was read, before anything is trained.
struct Planned {
  std::string name;
  const SaePart* part;
  AnyParams params;
};

// { baseline = [...] }: the manifest's, or those of the call.
Value baselines_of(const Value& given, const Value& manifest, std::vector<std::string>& problems) {
  Value out{Value::Table()};
  if (const Value* written = manifest.find("baseline")) out.set("baseline", *written);
  const auto* table = given.as<Value::Table>();
  if (!table) return out;
  for (const auto& [key, v] : *table) {
    const Value* written = out.find(key);
    if (key != "baseline")
      problems.push_back(at(v) + "baselines." + key + ": unknown key" +
                         did_you_mean(key, {"baseline", "like", "on"}));
    else if (written && !(*written == v))
      problems.push_back(at(v) + "baselines.baseline: " + v.describe() + ", is " +
                         written->describe() + " at " + written->origin.text() +
                         "; one fact, one place");
    else
      out.set(key, v);
  }
  return out;
}

std::string called(const std::string& name) {
  return name.empty() ? "an SAE without a name" : "\"" + name + "\"";
}

// Takes from disk what an earlier process trained.
void load(SaeHandle& sae, const fs::path& folder) {
  load_weights(folder, *sae.sae);
  const Value record =
      parse_json(read_file(folder / "facet.json"), (folder / "facet.json").string());
  sae.record = sae_record(record, (folder / "facet.json").string());
  sae.normaliser->restore(sae.record.normaliser_state);
  sae.folder = folder;
}

// The finished folder of a trained SAE.
void keep(SaeHandle& sae, const fs::path& folder, const TrainOutcome& outcome) {
  sae.record.normaliser_state = sae.normaliser->state();
  sae.record.step = outcome.steps;
  fs::create_directories(folder);
  const Tensor share =
      outcome.firing_share.to(torch::kFloat64).clamp_min(1e-10).log10().to(torch::kFloat32);
  save_safetensors(folder / "sparsity.safetensors", {{"sparsity", share}});
  std::optional<Fingerprint> fingerprint;
  if (outcome.last_rows.defined())
    fingerprint = call_plugin(sae.part->plugin, [&] {
      return fingerprint_of(*sae.sae, *sae.normaliser, outcome.last_rows);
    });
  save_sae(folder, *sae.sae, *sae.normaliser, sae.record, fingerprint);
  sae.folder = folder;
}

// The host must be run again on the very sequences that a batch has.
void check_end_to_end(const std::string& place, const RowsHandle& on) {
  const std::string start = place + "train.end_to_end: needs ";
  if (!on.host) throw UserError(start + "rows of a host: these are made by the data");
  std::vector<std::string> problems;
  const auto need = [&](bool holds, const std::string& what) {
    if (!holds) problems.push_back(start + what);
  };
  const StreamParams& stream = on.stream->params();
  const auto points = on.stream->points().size();
  need(points == 1, "one hookpoint: `on` has " + std::to_string(points));
  need(on.stream->target().points.empty(),
       "the input as its own target: activations.target is set");
  need(stream.rows == "all",
       "every token: activations.rows is \"" + stream.rows + "\", should be \"all\"");
  need(stream.pool == "none",
       "a row for each token: activations.pool is \"" + stream.pool + "\", should be \"none\"");
  need(stream.max_norm == 0, "every token: activations.max_norm is set, should be 0");
  if (!problems.empty()) throw UserError(problems);
}

// "facet.sae.relu, facet.sae.topk": the plugins that a training runs.
std::string plugins_of(const std::vector<Learner>& learners) {
  std::set<std::string> names;
  for (const Learner& one : learners) names.insert(one.sae->part->plugin);
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

// Each stream is opened once for all that learn from it.
Experiment::Sources Experiment::open_sources(const std::vector<Learner>& learners,
                                             Order order) const {
  Sources out;
  std::vector<const ActivationStream*> streams;
  for (const Learner& one : learners) {
    const auto* stream = one.on->stream.get();
    const auto known = std::find(streams.begin(), streams.end(), stream);
    out.of.push_back(static_cast<size_t>(known - streams.begin()));
    if (known == streams.end()) streams.push_back(stream);
  }
  out.open = ActivationStream::open_together(streams, order, seed_);
  return out;
}

std::vector<Value> Experiment::fit_or_load(Call& call, const std::vector<Learner>& learners,
                                           const TrainParams& settings, const OnStep& on_step) {
  std::vector<fs::path> folders;
  std::vector<std::string> together;
  for (const Learner& one : learners) {
    const std::string& name = one.sae->name;
    folders.push_back(name.empty() ? folder_->path("", "sae") : folder_->path("sae", name));
    together.push_back("call-" + std::to_string(call.index + 1) + (name.empty() ? "" : "-" + name));
  }
  if (call.finished) {
    for (size_t i = 0; i < learners.size(); ++i) load(*learners[i].sae, folders[i]);
    return {};
  }
  const bool in_order = settings.end_to_end != "none";  // whole sequences
  const Sources sources = open_sources(learners, in_order ? Order::sequential : Order::shuffled);
  std::vector<std::unique_ptr<RunCheckpoints>> checkpoints;
  std::vector<std::unique_ptr<OfSae>> sinks;
  std::vector<std::unique_ptr<RunKeptSaes>> kept;
  std::vector<std::unique_ptr<EndToEnd>> through;
  std::vector<Trainee> trainees;
  for (size_t i = 0; i < learners.size(); ++i) {
    const Learner& one = learners[i];
    checkpoints.push_back(
        std::make_unique<RunCheckpoints>(folder_->path("", "checkpoints"), together, i,
                                         [this] { return folder_->events().durable_size(); }));
    sinks.push_back(std::make_unique<OfSae>(events(), one.sae->name));
    kept.push_back(std::make_unique<RunKeptSaes>(folder_->folder(), together[i], *one.sae));
    TrainHooks hooks;
    if (learners.size() > 1) hooks.name = one.sae->name;
    hooks.seed = seed_;
    hooks.events = sinks.back().get();
    hooks.checkpoints = checkpoints.back().get();
    hooks.on_step = on_step;
    hooks.device = request_.device;
    hooks.kept = kept.back().get();
    hooks.turns = one.on->stream->turns();
    if (settings.end_to_end != "none") {
      through.push_back(std::make_unique<EndToEnd>(
          one.on->host->host, one.on->stream->points().front(), settings.end_to_end));
      hooks.end_to_end = through.back().get();
    }
    if (one.held_out)
      hooks.held_out = [this, rows = one.held_out] {
        return rows->stream->open(Order::sequential, seed_);
      };
    hooks.stop = [this] {
      ++steps_done_;
      return stop_wanted();
    };
    trainees.push_back(
        {one.sae->sae.get(), one.normaliser, sources.open[sources.of[i]].get(), hooks});
  }
  const std::vector<TrainOutcome> outcomes =
      call_beside_plugin(plugins_of(learners), [&] { return fit_together(trainees, settings); });
  std::vector<Value> results;
  for (size_t i = 0; i < learners.size(); ++i) {
    keep(*learners[i].sae, folders[i], outcomes[i]);
    const auto& best = outcomes[i].evaluation.best;
    kept[i]->finish(best ? best->step : 0);
    say_left_out(*sinks[i], sources.open[sources.of[i]]->left_out());
    write_history(learners[i].sae->name);
    results.push_back(metrics_value(outcomes[i]));
  }
  return results;
}

void Experiment::write_history(const std::string& sae) {
  const Table history = training_history(read_file(folder() / "events.jsonl"), sae);
  const std::string file = history_file(sae);
  write_file(folder_->path("", file + ".tsv"), emit_tsv(history));
  write_file(folder_->path("", file + ".svg"),
             emit_svg_column(history_title(sae), history_plots(history)));
}

void Experiment::keep_outcome(const std::string& sae, const Value& result) {
  Value said(Value::Table{{"sae", sae}, {"steps", result.at("steps")}});
  const std::string of = sae.empty() ? "" : sae + ": ";
  const std::string kept = "kept/" + (sae.empty() ? "" : sae + "/");
  if (const Value* why = result.find("ended")) {
    said.set("ended", *why);
    keep_fact("Ended early", of + *why->as<std::string>());
  }
  if (const Value* best = result.find("best")) {
    said.set("best", *best);
    said.set("best_folder", kept + "best");
    keep_fact("Best SAE", of + best->text("figure") + " " + for_eyes(best->at("value")) +
                              " after step " + std::to_string(best->integer("step")) + ", in " +
                              kept + "best/");
  }
  if (const Value* steps = result.find("kept")) {
    said.set("kept", *steps);
    std::string list;
    for (const Value& step : *steps->as<Value::Array>())
      list += (list.empty() ? "" : ", ") + std::to_string(*step.as<int64_t>());
    keep_fact("SAEs kept", of + "after steps " + list + ", in " + kept);
  }
  Value::Array all;
  if (const Value* earlier = record_.find("trainings")) all = *earlier->as<Value::Array>();
  all.push_back(std::move(said));
  record_.set("trainings", std::move(all));
}

// What each SAE of a call of `train` learns from; refuses what cannot be trained together.
std::vector<Learner> Experiment::learners_of(const Value& given,
                                             const std::vector<std::shared_ptr<SaeHandle>>& saes,
                                             const std::shared_ptr<RowsHandle>& on) const {
  if (saes.empty()) throw UserError(at(given) + "train.sae: required, a handle from run:sae");
  std::vector<Learner> out;
  for (const auto& sae : saes) {
    const auto rows = on ? on : sae->rows;
    if (!rows) throw UserError(at(given) + "train.on: required, a handle from run:activations");
    if (saes.size() > 1 && sae->name.empty())
      throw UserError(at(given) + "train.sae: one of " + std::to_string(saes.size()) +
                      " has no name, should have: run:sae { name = ... }");
    const bool again = std::any_of(out.begin(), out.end(),
                                   [&](const Learner& one) { return one.sae->name == sae->name; });
    if (again || trained_.contains(sae->name))
      throw UserError(at(given) + "train.sae: " + called(sae->name) +
                      " is trained already in this run; give each its own: run:sae { name = ... }");
    check_provenance(sae->record, *rows, kernel_.registry, at(given) + "train.sae");
    out.push_back({sae.get(), sae->normaliser.get(), rows.get()});
  }
  return out;
}

void Experiment::add_held_out(const Value& given,
                              const std::vector<std::shared_ptr<RowsHandle>>& eval_on,
                              std::vector<Learner>& learners) const {
  for (Learner& one : learners) {
    const auto same = std::find_if(eval_on.begin(), eval_on.end(),
                                   [&](const auto& rows) { return rows->name == one.on->name; });
    if (eval_on.size() > 1 && same == eval_on.end())
      throw UserError(at(given) + "train.eval_on: none of " + std::to_string(eval_on.size()) +
                      " is of the stream \"" + one.on->name + "\", which " + called(one.sae->name) +
                      " learns from");
    one.held_out = eval_on.size() == 1 ? eval_on.front().get() : same->get();
    check_provenance(one.sae->record, *one.held_out, kernel_.registry, at(given) + "train.sae",
                     "eval_on");
  }
}

Value Experiment::train(const Value& given, const std::vector<std::shared_ptr<SaeHandle>>& saes,
                        std::shared_ptr<RowsHandle> on,
                        const std::vector<std::shared_ptr<RowsHandle>>& eval_on, OnStep on_step) {
  std::vector<Learner> learners = learners_of(given, saes, on);
  const Value section = merged("train", given);
  const AnyParams params = parse("train", section);
  keep_resolved("train", params.resolved);
  const auto& settings = params.as<TrainParams>();
  if (settings.eval_every > 0 && eval_on.empty())
    throw UserError(at(given) + "train.eval_on: required with train.eval_every, a handle from " +
                    "run:activations on held-out data: eval_on = held_out");
  if (!eval_on.empty()) add_held_out(given, eval_on, learners);
  if (settings.end_to_end != "none")
    for (const Learner& one : learners) check_end_to_end(at(given), *one.on);
  for (const Learner& one : learners) trained_.insert(one.sae->name);
  Value::Array of;
  for (const Learner& one : learners) {
    Value key(Value::Table{{"sae", one.sae->state_key()}, {"rows", one.on->key}});
    if (!settings.best.empty() && one.held_out) key.set("held out", one.held_out->key);
    of.push_back(std::move(key));
  }
  Call call =
      begin("train", digest(Value(Value::Table{
                         {"params", identity_value(train_schema().docs(), params.resolved, *hash_)},
                         {"of", std::move(of)}})));
  const std::vector<Value> results = fit_or_load(call, learners, settings, on_step);
  if (!call.finished) {
    Value all{Value::Table()};
    for (size_t i = 0; i < results.size(); ++i) all.set(learners[i].sae->name, results[i]);
    end(call, results.size() == 1 ? results.front() : all);
  }
  for (const Learner& one : learners) {
    const Value& result =
        learners.size() == 1 ? call.record.result : call.record.result.at(one.sae->name);
    keep_outcome(one.sae->name, result);
    keep_fact("Training", (learners.size() == 1 ? "" : one.sae->name + ": ") +
                              std::to_string(result.integer("steps")) + " steps of " +
                              std::to_string(settings.batch) + " rows, lr " +
                              emit_json(settings.lr) + ", seed " + std::to_string(seed_));
  }
  return call.record.result;
}

std::vector<std::shared_ptr<SaeHandle>> Experiment::baselines(const Value& given,
                                                              std::shared_ptr<SaeHandle> like,
                                                              std::shared_ptr<RowsHandle> on) {
  if (!like) throw UserError(at(given) + "baselines.like: required, a handle from run:sae");
  if (!on) throw UserError(at(given) + "baselines.on: required, a handle from run:activations");
  if (like->folder.empty())
    throw UserError(at(given) + "baselines.like: not trained yet, should be after run:train");
  check_provenance(like->record, *on, kernel_.registry, at(given) + "baselines.like");
  std::vector<std::string> problems;
  std::vector<Planned> planned;
  for (const Section& section :
       sections_of(baselines_of(given, manifest_, problems), kernel_.registry, problems)) {
    const SaePart& part = kernel_.registry.sae(section.value.text("type"));
    const Value filled = filled_baseline(section.value, part.schema.fields, like->record.params);
    const AnyParams params = section.schema.parse(section.where, filled, Demand::whole, problems);
    const std::string& named = kernel_part(params).as<BaselineSection>().name;
    const std::string name = named.empty() ? part.name : named;
    if (!trained_.insert(name).second)
      problems.push_back(at(section.value) + section.where + ".name: " + called(name) +
                         " is trained already in this run; give each its own name");
    planned.push_back({name, &part, params});
  }
  if (!problems.empty()) throw UserError(problems);

  std::vector<std::shared_ptr<SaeHandle>> out;
  for (const Planned& plan : planned) {
    const auto& kernel_fields = kernel_part(plan.params).as<BaselineSection>();
    auto sae = new_sae(*plan.part, own_part(plan.params), kernel_fields.seed, *on);
    sae->name = plan.name;
    sae->is_baseline = true;
    sae->record.run = id_;
    sae->normaliser->restore(like->record.normaliser_state);
    keep_resolved("baseline", plan.params.resolved);
    keep_inputs(plan.part->schema.fields, plan.params.resolved);
    keep_plugin(*plan.part);
    Call call =
        begin("baselines",
              digest(Value(Value::Table{
                  {"sae", sae->key}, {"rows", kernel_fields.rows}, {"like", like->state_key()}})));
    Fitted normaliser(*sae->normaliser);
    const auto results = fit_or_load(call, {{sae.get(), &normaliser, on.get()}},
                                     plain_training(kernel_fields.rows, *on, seed_), {});
    if (!call.finished) end(call, results.front());
    keep_fact("Baseline", plan.name + ": " + std::to_string(sae->sae->d_sae()) + " latents, from " +
                              std::to_string(call.record.result.integer("rows")) + " rows");
    baselines_.push_back(plan.name);
    out.push_back(std::move(sae));
  }
  return out;
}

}  // namespace facet
