// The verbs that train: train and baselines. Each training is recorded when it ends, so that a cut
// run goes on.
#include "facet/torch.h"

#include <algorithm>

#include "plugin/call.h"
#include "run/experiment.h"
#include "run/of_sae.h"
#include "run/provenance.h"
#include "run/run_checkpoints.h"
#include "run/sections.h"
#include "run/verb_text.h"

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

}  // namespace

// Trains, or takes from disk what an earlier process trained.
void Experiment::fit_or_load(Call& call, SaeHandle& sae, Normaliser& normaliser,
                             const RowsHandle& on, const TrainParams& settings, OnStep on_step) {
  const fs::path folder =
      sae.name.empty() ? folder_->path("", "sae") : folder_->path("sae", sae.name);
  if (call.finished) {
    load_weights(folder, *sae.sae);
    const Value record =
        parse_json(read_file(folder / "facet.json"), (folder / "facet.json").string());
    sae.record = sae_record(record, (folder / "facet.json").string());
    sae.normaliser->restore(sae.record.normaliser_state);
    sae.folder = folder;
    return;
  }
  const auto source = on.stream->open(Order::shuffled, seed_);
  RunCheckpoints checkpoints(
      folder_->path("", "checkpoints"),
      "call-" + std::to_string(call.index + 1) + (sae.name.empty() ? "" : "-" + sae.name),
      [this] { return folder_->events().durable_size(); });
  OfSae sink(events(), sae.name);
  TrainHooks hooks;
  hooks.events = &sink;
  hooks.checkpoints = &checkpoints;
  hooks.on_step = std::move(on_step);
  hooks.device = request_.device;
  hooks.stop = [this] {
    ++steps_done_;
    return stop_wanted();
  };
  const TrainOutcome outcome = call_beside_plugin(
      sae.part->plugin, [&] { return fit(*sae.sae, normaliser, *source, settings, hooks); });
  say_left_out(sink, source->left_out());
  sae.record.normaliser_state = sae.normaliser->state();
  sae.record.step = outcome.steps;
  fs::create_directories(folder);
  const Tensor share =
      outcome.firing_share.to(torch::kFloat64).clamp_min(1e-10).log10().to(torch::kFloat32);
  save_safetensors(folder / "sparsity.safetensors", {{"sparsity", share}});
  save_sae(folder, *sae.sae, *sae.normaliser, sae.record);
  sae.folder = folder;
  end(call, metrics_value(outcome));
}

Value Experiment::train(const Value& given, std::shared_ptr<SaeHandle> sae,
                        std::shared_ptr<RowsHandle> on, OnStep on_step) {
  if (!sae) throw UserError(at(given) + "train.sae: required, a handle from run:sae");
  if (!on) throw UserError(at(given) + "train.on: required, a handle from run:activations");
  if (!trained_.insert(sae->name).second)
    throw UserError(at(given) + "train.sae: " + called(sae->name) +
                    " is trained already in this run; give each its own: run:sae { name = ... }");
  check_provenance(sae->record, *on, kernel_.registry, at(given) + "train.sae");
  const Value section = merged("train", given);
  const AnyParams params = parse("train", section);
  keep_resolved("train", params.resolved);
  const auto& settings = params.as<TrainParams>();
  Call call =
      begin("train", digest(Value(Value::Table{
                         {"params", identity_value(train_schema().docs(), params.resolved, *hash_)},
                         {"sae", sae->state_key()},
                         {"rows", on->key}})));
  fit_or_load(call, *sae, *sae->normaliser, *on, settings, std::move(on_step));
  keep_fact("Training", std::to_string(call.record.result.integer("steps")) + " steps of " +
                            std::to_string(settings.batch) + " rows, lr " + emit_json(settings.lr) +
                            ", seed " + std::to_string(seed_));
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
    fit_or_load(call, *sae, normaliser, *on, plain_training(kernel_fields.rows, *on, seed_), {});
    keep_fact("Baseline", plan.name + ": " + std::to_string(sae->sae->d_sae()) + " latents, from " +
                              std::to_string(call.record.result.integer("rows")) + " rows");
    baselines_.push_back(plan.name);
    out.push_back(std::move(sae));
  }
  return out;
}

}  // namespace facet
