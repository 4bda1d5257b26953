// The loop of training: batches, steps, counters, events, checkpoints.
#include "train/trainer.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "base/sinks.h"
#include "train/firing.h"
#include "train/optimiser.h"
#include "train/peers.h"
#include "train/schedule.h"
#include "train/watch.h"

namespace facet {
namespace {

// Shorter trainings are tries: nothing is said of them.
constexpr int64_t kLeastWatched = 100;

Value metrics_value(const StepMetrics& m) {
  Value losses{Value::Table()};
  for (const auto& [name, value] : m.losses) losses.set(name, value);
  return Value::Table{
      {"loss", m.loss}, {"l0", m.l0}, {"dead", m.dead}, {"lr", m.lr}, {"losses", losses}};
}

StepMetrics metrics_of(const Value& v, int64_t step, int64_t rows) {
  StepMetrics m{step, rows, v.number("loss"), v.number("l0"), v.number("dead"), v.number("lr"), {}};
  for (const auto& [name, value] : v.table("losses"))
    m.losses.emplace_back(name, v.at("losses").number(name));
  return m;
}

// The first row of t [n, ...] that is not finite, or -1.
int64_t first_bad_row(const Tensor& t) {
  const Tensor bad = t.detach().isfinite().reshape({t.size(0), -1}).all(1).logical_not().nonzero();
  return bad.size(0) > 0 ? bad[0][0].item<int64_t>() : -1;
}

std::string row_name(const Rows& ids, int64_t row) {
  return "sequence " + std::to_string(ids.sequence[row].item<int64_t>()) + " position " +
         std::to_string(ids.position[row].item<int64_t>());
}

int64_t steps_of(const TrainParams& params, const ActivationSource& source) {
  if (params.steps > 0) return params.steps;
  if (params.total_rows > 0) return params.total_rows / params.batch;
  const int64_t rows = source.epoch_rows();
  if (rows < 0)
    throw UserError("train.epochs: the rows of this source cannot be counted; set train.steps");
  return params.epochs * (rows / params.batch);
}

class Training {
 public:
  Training(Sae& sae, Normaliser& normaliser, ActivationSource& source, const TrainParams& params,
           const TrainHooks& hooks)
      : sae_(sae),
        normaliser_(normaliser),
        source_(source),
        params_(params),
        hooks_(hooks),
        events_(hooks.events ? *hooks.events : no_events_),
        device_(hooks.device),
        steps_(steps_of(params, source)),
        optimiser_(sae, params, steps_),
        firing_(sae.d_sae(), params, steps_, hooks.device) {}

  TrainOutcome run() {
    if (!restore()) begin();
    if (steps_ == 0) refuse_epoch(source_.epoch_rows());
    for (bool more = true; more && step_ < steps_;) {
      const Batch batch = next_batch();
      if (step_ == 0) {
        const torch::NoGradGuard no_grad;
        sae_.start(batch);
      }
      take_step(batch);
      more = !hooks_.on_step || hooks_.on_step(last_, state_);
      if (more) checkpoint_or_stop();
    }
    const torch::NoGradGuard no_grad;
    optimiser_.finish();
    sae_.finish();
    if (watch_.looked()) {
      const Tensor empty = sae_.decoder(0).norm(2, {1}).eq(0).sum();
      say(watch_.look_at_the_end(empty.item<int64_t>(), sae_.d_sae()));
    }
    return {step_, rows(), last_, firing_.share()};
  }

 private:
  int64_t rows() const { return step_ * params_.batch; }
  std::string where() const { return "train: step " + std::to_string(step_ + 1) + ": "; }

  void begin() {
    const Value cursor = source_.cursor();
    normaliser_.fit(source_, params_.normalise_rows);
    if (!(source_.cursor() == cursor)) source_.seek(cursor);
  }

  bool restore() {
    if (!hooks_.checkpoints) return false;
    const auto from = hooks_.checkpoints->load(sae_);
    if (!from) return false;
    step_ = from->step;
    optimiser_.restore(from->tensors);
    firing_.restore(from->tensors, from->cursor.integer("counted_rows"));
    normaliser_.restore(from->cursor.at("normaliser"));
    state_ = from->cursor.at("state");
    if (const Value* watch = from->cursor.find("watch")) watch_.restore(*watch);
    last_ = metrics_of(from->cursor.at("last"), step_, rows());
    source_.seek(from->cursor.at("source"));
    return true;
  }

  void save() {
    if (!hooks_.checkpoints) return;
    Checkpoint checkpoint;
    checkpoint.step = step_;
    checkpoint.tensors = optimiser_.tensors();
    for (auto& named : firing_.tensors()) checkpoint.tensors.push_back(std::move(named));
    checkpoint.cursor =
        Value::Table{{"source", source_.cursor()},        {"counted_rows", firing_.counted_rows()},
                     {"normaliser", normaliser_.state()}, {"state", state_},
                     {"watch", watch_.state()},           {"last", metrics_value(last_)}};
    hooks_.checkpoints->save(checkpoint, sae_);
  }

  void checkpoint_or_stop() {
    const bool stop = step_ < steps_ && hooks_.stop && hooks_.stop();
    if (stop || (params_.checkpoint_every > 0 && step_ % params_.checkpoint_every == 0)) save();
    if (stop)
      throw Stopped("train: stopped after step " + std::to_string(step_) + " of " +
                    std::to_string(steps_));
  }

  [[noreturn]] void refuse_epoch(int64_t rows) const {
    throw UserError("train.batch: " + exceeds(params_.batch, "the rows of an epoch", rows));
  }

  Batch next_batch() {
    Rows rows = source_.next(params_.batch);
    if (rows.size() < params_.batch) rows = source_.next(params_.batch);  // the next epoch
    if (rows.size() < params_.batch) refuse_epoch(rows.size());
    rows.x = rows.x.to(device_);
    return make_batch(normaliser_, std::move(rows));
  }

  void take_step(const Batch& batch) {
    if (step_ == steps_ - std::max<int64_t>(1, steps_ / 10)) firing_.restart_share();
    const torch::AutoGradMode gradients(true);
    optimiser_.clear_gradients();
    Step step;
    step.index = step_;
    step.rows_seen = rows();
    step.group = &group_;
    const Pass pass = sae_.pass(batch, Mode::train);
    const bool counted = params_.dead_counted == "after";
    if (counted) firing_.add(pass.codes, group_);
    step.dead = firing_.dead();
    const Losses losses = sae_.losses(pass, step);
    if (!counted) firing_.add(pass.codes, group_);
    const double sparsity = sparsity_factor(params_, step_, steps_);
    for (const Loss& loss : losses)
      if (loss.sparsity) step.coefficients.set(loss.name, sparsity);
    const Tensor total = weighted_sum(losses, step.coefficients);
    StepMetrics metrics = read_metrics(total, losses, pass);
    metrics.lr = optimiser_.lr(step_);
    check_finite(metrics, batch, pass);
    const bool learns = total.requires_grad();
    if (learns) optimise(total);
    ++step_;
    last_ = std::move(metrics);
    report();
    if (learns && steps_ >= kLeastWatched && warmed_up(params_, step_, steps_))
      say(watch_.look(last_, sae_.d_sae()));
  }

  Tensor weighted_sum(const Losses& losses, const Coefficients& coefficients) const {
    if (losses.empty()) throw UserError(where() + "the sae gives no loss");
    Tensor total;
    for (const Loss& loss : losses) {
      if (loss.value.dim() != 0)
        throw UserError(where() + "loss \"" + loss.name + "\": has " +
                        std::to_string(loss.value.dim()) + " axes, should be one number");
      const Tensor weighted = loss.value * coefficients.of(loss.name);
      total = total.defined() ? total + weighted : weighted;
    }
    return total;
  }

  // One read from the device a step.
  StepMetrics read_metrics(const Tensor& total, const Losses& losses, const Pass& pass) const {
    const torch::NoGradGuard no_grad;
    const Tensor fired = pass.codes.value.gt(0).sum();
    std::vector<Tensor> figures = {total, fired, firing_.dead_share()};
    for (const Loss& loss : losses) figures.push_back(loss.value);
    for (Tensor& figure : figures) figure = figure.detach().to(device_, torch::kFloat64);
    const Tensor read = torch::stack(figures).cpu();
    const double* value = read.const_data_ptr<double>();
    StepMetrics m;
    m.step = step_ + 1;
    m.rows = rows() + params_.batch;
    m.loss = value[0];
    m.l0 = value[1] / static_cast<double>(params_.batch);
    m.dead = value[2];
    for (size_t i = 0; i < losses.size(); ++i) m.losses.emplace_back(losses[i].name, value[3 + i]);
    return m;
  }

  void check_finite(const StepMetrics& metrics, const Batch& batch, const Pass& pass) const {
    std::string name = "loss";
    double value = metrics.loss;
    for (const auto& [loss, one] : metrics.losses) {
      if (!std::isfinite(value) || std::isfinite(one)) continue;
      name = "loss \"" + loss + "\"";
      value = one;
    }
    if (std::isfinite(value)) return;
    const std::string what =
        where() + name + " is " + (std::isnan(value) ? "nan" : "infinite") + ": ";
    if (const int64_t row = first_bad_row(batch.input); row >= 0)
      throw UserError(what + "first bad row: " + row_name(batch.ids, row) +
                      ": its input is not finite");
    if (const int64_t row = first_bad_row(pass.output); row >= 0)
      throw UserError(what + "first bad row: " + row_name(batch.ids, row) +
                      ": its reconstruction is not finite");
    throw UserError(what + "every row and its reconstruction are finite");
  }

  void optimise(const Tensor& total) {
    total.backward();
    const torch::NoGradGuard no_grad;
    if (params_.clip_first) clip();
    sae_.after_backward();
    if (!params_.clip_first) clip();
    optimiser_.step(step_);
    optimiser_.clear_gradients();
    sae_.after_step();
  }

  void say(const std::vector<std::string>& notices) {
    for (const std::string& notice : notices)
      events_.emit(
          {Level::warning, "train.notice", step_, Value(Value::Table{{"message", notice}})});
  }

  void clip() {
    std::string bad;
    const double norm = optimiser_.gradient_norm(bad);
    if (!bad.empty()) throw UserError(where() + "the gradient of " + bad + " is not finite");
    if (params_.clip > 0 && norm > params_.clip) optimiser_.scale_gradients(params_.clip / norm);
  }

  void report() {
    events_.progress("train", step_, steps_, "steps");
    if (step_ % params_.log_every != 0 && step_ != steps_) return;
    Event event;
    event.level = Level::metric;
    event.name = "train.step";
    event.step = step_;
    event.fields = Value::Table{{"loss", last_.loss},
                                {"l0", last_.l0},
                                {"dead", last_.dead},
                                {"lr", last_.lr},
                                {"rows", last_.rows}};
    for (const auto& [name, value] : last_.losses)
      if (!event.fields.find(name)) event.fields.set(name, value);
    events_.emit(event);
  }

  Sae& sae_;
  Normaliser& normaliser_;
  ActivationSource& source_;
  const TrainParams& params_;
  const TrainHooks& hooks_;
  NoSink no_events_;
  EventSink& events_;
  torch::Device device_;
  int64_t steps_;
  Optimiser optimiser_;
  Firing firing_;
  Group group_;
  int64_t step_ = 0;  // done
  Watch watch_;
  StepMetrics last_;
  Value state_{Value::Table()};
};

}  // namespace

Checkpoints::~Checkpoints() = default;

Schema<TrainParams> train_schema() {
  using P = TrainParams;
  return Schema<P>()
      .field("compat", &P::compat,
             "Stands for the settings of a peer's trainer; keys that are set win.", one_of(peers()))
      .presets("compat", train_presets())
      .field("steps", &P::steps, "Length of the training.", at_least(1), unit("steps"))
      .field("total_rows", &P::total_rows, "Length of the training.", at_least(1), unit("rows"))
      .field("epochs", &P::epochs, "Length of the training: passes over the data.", at_least(1),
             unit("epochs"))
      .field("batch", &P::batch, "Rows of one step.", at_least(1), unit("rows"))
      .field("lr", &P::lr, "Learning rate between rise and fall.", above(0))
      .field("warmup", &P::warmup, "Share of the steps over which the learning rate rises.",
             between(0, 1))
      .field("warmup_from", &P::warmup_from,
             "Where the learning rate begins to rise: at one stair of the rise, or at zero.",
             one_of({"stair", "zero"}))
      .field("sparsity_warmup", &P::sparsity_warmup,
             "Share of the steps over which the weight of sparsity losses rises from 0.",
             between(0, 1))
      .field("decay", &P::decay,
             "Share of the steps, at the end, over which the learning rate falls.", between(0, 1))
      .field("schedule", &P::schedule,
             "Between rise and fall the learning rate stays (linear), or falls to lr_end along a "
             "cosine, once or in lr_cycles.",
             one_of({"linear", "cosine"}))
      .field("lr_end", &P::lr_end, "With a cosine: its end, as a share of lr.", between(0, 1))
      .field("lr_cycles", &P::lr_cycles, "With a cosine: how often it starts anew.", at_least(1))
      .field("lr_scale", &P::lr_scale,
             "What lr is multiplied with: nothing, or sqrt(2^14 / d_sae), less for more latents "
             "(dictionary_learning, sparsify, OpenSAE).",
             one_of({"none", "latents"}))
      .field("optimiser", &P::optimiser,
             "What moves parameters along their gradients: adam (AdamW with weight_decay), signum "
             "(signs of gradients, schedule-free), or muon (orthogonal steps for matrices, Adam "
             "for the rest).",
             one_of(optimiser_words()))
      .field("momentum", &P::momentum,
             "With signum: how near gradients are taken to the mean of the steps. With muon: the "
             "decay of its momentum.",
             between(1e-6, 0.9999999))
      .field("vector_warmup", &P::vector_warmup,
             "With muon: share of the steps over which the learning rate of what is not a matrix "
             "rises, from zero.",
             between(0, 1))
      .field("beta1", &P::beta1, "Adam's decay of the first moment.", between(0, 0.9999999))
      .field("beta2", &P::beta2, "Adam's decay of the second moment.", between(0, 0.9999999))
      .field("eps", &P::eps, "Adam's guard against division by 0.", above(0))
      .field(
          "weight_decay", &P::weight_decay,
          "Each step takes lr times this share from every parameter (AdamW), with muon from every "
          "matrix; 0: nothing.",
          at_least(0))
      .field("clip", &P::clip, "Largest norm of the whole gradient; 0: off.", at_least(0))
      .field("clip_first", &P::clip_first,
             "Limit the gradient before the SAE takes parts out of it, not after.")
      .field("keep_gradients", &P::keep_gradients,
             "Never clear gradients, so that they add up over the steps: OpenAI's loop as "
             "published, for comparison only.")
      .field("dead_counted", &P::dead_counted,
             "Whether a step's dead latents are known before or after its firing is counted.",
             one_of({"before", "after"}))
      .field("dead_after_rows", &P::dead_after_rows,
             "A latent that has not fired for so long is dead; 0 here and in dead_after_steps: a "
             "tenth "
             "of the run.",
             at_least(0), unit("rows"))
      .field("dead_after_steps", &P::dead_after_steps,
             "The same in steps, when dead_after_rows is 0.", at_least(0), unit("steps"))
      .field("fired_if", &P::fired_if,
             "When a latent counts as fired: its value is above fired_above, is not 0, or it was "
             "selected, even as 0.",
             one_of(fired_if_words()))
      .field("fired_above", &P::fired_above, "With fired_if = above: the value that is not enough.",
             at_least(0))
      .field("normalise_rows", &P::normalise_rows, "Rows that the normaliser looks at.",
             at_least(1), unit("rows"))
      .field("log_every", &P::log_every, "How often metrics are recorded.", at_least(1),
             unit("steps"), outside_identity)
      .field("checkpoint_every", &P::checkpoint_every,
             "How often a checkpoint is written; 0: only at a stop.", at_least(0), unit("steps"),
             outside_identity)
      .check([](const P& p) { return (p.steps > 0) + (p.total_rows > 0) + (p.epochs > 0) == 1; },
             "exactly one of steps, total_rows, epochs must be set")
      .check([](const P& p) -> std::string {
        if (p.total_rows == 0 || p.batch <= p.total_rows) return "";
        return "batch: " + exceeds(p.batch, "total_rows", p.total_rows);
      })
      .check([](const P& p) { return p.warmup + p.decay <= 1; },
             "warmup and decay must not exceed 1 together")
      .check([](const P& p) { return p.optimiser != "signum" || p.weight_decay == 0; },
             "weight_decay: signum has none")
      .check([](const P& p) -> std::string {
        if (p.dead_after_rows == 0 || p.dead_after_steps == 0) return "";
        return "dead_after_steps: is " + std::to_string(p.dead_after_steps) +
               ", but dead_after_rows is " + std::to_string(p.dead_after_rows) +
               ": one of them should be 0";
      });
}

TrainOutcome fit(Sae& sae, Normaliser& normaliser, ActivationSource& source,
                 const TrainParams& params, const TrainHooks& hooks) {
  return Training(sae, normaliser, source, params, hooks).run();
}

}  // namespace facet
