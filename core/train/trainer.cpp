// The loop of training: batches, steps, counters, events, checkpoints.
#include "train/trainer.h"

#include <facet/torch.h>

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

#include "base/sinks.h"
#include "train/evaluations.h"
#include "train/firing.h"
#include "train/optimiser.h"
#include "train/peers.h"
#include "train/schedule.h"
#include "train/watch.h"

namespace facet {
namespace {

// Shorter trainings are tries: nothing is said of them.
constexpr int64_t kLeastWatched = 100;
constexpr size_t kRecentLosses = 100;  // steps that a spike is held against

// Matrix products of bf16 numbers while it lives.
class Bf16Products {
 public:
  explicit Bf16Products(at::DeviceType device)
      : device_(device),
        was_on_(at::autocast::is_autocast_enabled(device)),
        dtype_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Bf16Products() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_dtype(device_, dtype_);
    at::autocast::set_autocast_enabled(device_, was_on_);
  }
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

 private:
  at::DeviceType device_;
  bool was_on_;
  at::ScalarType dtype_;
};

// `count` numbers of rows (fewer when fewer rows have an error), without replacement, with a chance
// in proportion to `weight` [n]; in the order they are drawn.
Tensor drawn_rows(const Tensor& weight, int64_t count, Rng rng) {
  const Tensor left = weight.clone();
  double* w = left.mutable_data_ptr<double>();
  const int64_t n = left.size(0);
  std::vector<int64_t> drawn;
  while (static_cast<int64_t>(drawn.size()) < std::min(count, n)) {
    const double sum = std::accumulate(w, w + n, 0.0);
    if (!(sum > 0)) break;
    double at = rng.uniform() * sum;
    int64_t row = 0, last = 0;
    for (row = 0; row < n; ++row) {
      if (w[row] == 0) continue;
      last = row;
      at -= w[row];
      if (at < 0) break;
    }
    drawn.push_back(row < n ? row : last);
    w[drawn.back()] = 0;
  }
  return torch::tensor(drawn, torch::kInt64);
}

Value metrics_value(const StepMetrics& m) {
  Value losses{Value::Table()};
  for (const auto& [name, value] : m.losses) losses.set(name, value);
  return Value::Table{
      {"loss", m.loss}, {"l0", m.l0}, {"dead", m.dead}, {"lr", m.lr}, {"losses", losses}};
}

StepMetrics metrics_of(const Value& v, int64_t step, int64_t rows) {
  StepMetrics m{step, rows, v.number("loss"), v.number("l0"), v.number("dead"), v.number("lr"),
                {},   {}};
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
           int64_t steps, const TrainHooks& hooks)
      : sae_(sae),
        normaliser_(normaliser),
        source_(source),
        params_(params),
        hooks_(hooks),
        events_(hooks.events ? *hooks.events : no_events_),
        device_(hooks.device),
        steps_(steps),
        optimiser_(sae),
        firing_(sae.d_sae(),
                params.dead_after_rows > 0 ? params.dead_after_rows : steps_ * params.batch / 10,
                hooks.device),
        evaluations_(params, hooks, steps) {}

  bool goes_on() const { return more_ && step_ < steps_; }
  bool more() const { return more_; }
  int64_t step() const { return step_; }
  const std::string& name() const { return hooks_.name; }

  // Goes on from a checkpoint.
  bool restore() {
    if (!hooks_.checkpoints) return false;
    const auto from = hooks_.checkpoints->load(sae_);
    if (!from) return false;
    step_ = from->step;
    const Value* more = from->cursor.find("more");
    more_ = !more || *more->as<bool>();
    optimiser_.restore(from->tensors);
    firing_.restore(from->tensors, from->cursor.integer("counted_rows"));
    normaliser_.restore(from->cursor.at("normaliser"));
    state_ = from->cursor.at("state");
    if (const Value* watch = from->cursor.find("watch")) watch_.restore(*watch);
    if (const Value* said = from->cursor.find("evaluations")) evaluations_.restore(*said);
    last_ = metrics_of(from->cursor.at("last"), step_, rows());
    if (const Value* recent = from->cursor.find("recent"))
      for (const Value& loss : *recent->as<Value::Array>()) recent_.push_back(*loss.as<double>());
    source_.seek(from->cursor.at("source"));
    return true;
  }

  // Begins anew; `like` has looked at the same rows with a normaliser of the same kind.
  void begin(const Training* like) {
    if (like) return normaliser_.restore(like->normaliser_.state());
    const Value cursor = source_.cursor();
    normaliser_.fit(source_, params_.normalise_rows);
    if (!(source_.cursor() == cursor)) source_.seek(cursor);
  }

  void check_length() const {
    if (steps_ == 0) refuse_epoch(source_.epoch_rows());
  }

  Rows next_rows() {
    Rows rows = source_.next(params_.batch);
    if (rows.size() < params_.batch) rows = source_.next(params_.batch);  // the next epoch
    if (rows.size() < params_.batch) refuse_epoch(rows.size());
    rows.x = rows.x.to(device_);
    return rows;
  }

  void advance(const Rows& rows) {
    if (step_ == 0) {
      const torch::NoGradGuard no_grad;
      sae_.start(make_batch(normaliser_, rows));
    }
    take_step(rows);
    more_ = evaluations_.after_step(last_, sae_, normaliser_);
    if (hooks_.on_step && !hooks_.on_step(last_, state_)) more_ = false;
  }

  void save(int64_t turn) {
    if (!hooks_.checkpoints) return;
    Checkpoint checkpoint;
    checkpoint.step = step_;
    checkpoint.turn = turn;
    checkpoint.tensors = optimiser_.tensors();
    for (auto& named : firing_.tensors()) checkpoint.tensors.push_back(std::move(named));
    checkpoint.cursor = Value::Table{{"source", source_.cursor()},
                                     {"counted_rows", firing_.counted_rows()},
                                     {"normaliser", normaliser_.state()},
                                     {"state", state_},
                                     {"watch", watch_.state()},
                                     {"last", metrics_value(last_)},
                                     {"more", more_}};
    checkpoint.cursor.set("recent", Value::Array(recent_.begin(), recent_.end()));
    checkpoint.cursor.set("evaluations", evaluations_.state());
    hooks_.checkpoints->save(checkpoint, sae_);
    evaluations_.checkpointed();
  }

  std::string stopped() const {
    return "stopped after step " + std::to_string(step_) + " of " + std::to_string(steps_);
  }

  TrainOutcome finish() {
    const torch::NoGradGuard no_grad;
    sae_.finish();
    if (watch_.looked()) {
      const Tensor empty = sae_.decoder(0).norm(2, {1}).eq(0).sum();
      say(watch_.look_at_the_end(empty.item<int64_t>(), sae_.d_sae()));
    }
    return {step_, rows(), last_, firing_.share(), evaluations_.outcome(step_)};
  }

 private:
  int64_t rows() const { return step_ * params_.batch; }
  std::string where() const {
    return "train: " + (name().empty() ? "" : name() + ": ") + "step " + std::to_string(step_ + 1) +
           ": ";
  }

  [[noreturn]] void refuse_epoch(int64_t rows) const {
    throw UserError("train.batch: " + exceeds(params_.batch, "the rows of an epoch", rows));
  }

  // Forward and backward of rows [begin, end) of a batch; what the metrics need is added up.
  struct Sums {
    double loss = 0, fired = 0, dead = 0;
    std::vector<std::pair<std::string, double>> losses;
  };

  void take_step(const Rows& rows) {
    if (step_ == steps_ - std::max<int64_t>(1, steps_ / 10)) firing_.restart_share();
    const torch::AutoGradMode gradients(true);
    optimiser_.clear_gradients();
    Step step;
    step.index = step_;
    step.rows_seen = this->rows();
    step.group = &group_;
    step.dead = firing_.dead();
    Sums sums;
    bool learns = false;
    Value figures{Value::Table()};
    const bool recorded = is_recorded(step_ + 1);
    for (int64_t part = 0; part < params_.accumulate; ++part) {
      const int64_t n = params_.batch, parts = params_.accumulate;
      const Rows some = parts == 1 ? rows : rows.slice(n * part / parts, n * (part + 1) / parts);
      const Batch batch = make_batch(normaliser_, some);
      const Pass pass = forward(batch);
      learns = backward(batch, pass, step, sums) || learns;
      if (recorded && part + 1 == parts) figures = read_figures(pass);
      if (part + 1 == parts && revives_after(step_ + 1)) keep_error(batch, pass);
    }
    StepMetrics metrics = metrics_of_step(sums);
    metrics.lr = params_.lr * lr_factor(params_, step_, steps_);
    if (learns && !is_spike(metrics.loss)) optimise(metrics.lr);
    ++step_;
    last_ = std::move(metrics);
    last_.sae = name();
    if (learns && revives_after(step_)) revive();
    events_.progress("train", step_, steps_, "steps");
    if (recorded) record(std::move(figures));
    if (learns && steps_ >= kLeastWatched && warmed_up(params_, step_, steps_))
      say(watch_.look(last_, sae_.d_sae()));
  }

  // With precision = "bf16" matrix products are of bf16 numbers; what the losses see is float32.
  Pass forward(const Batch& batch) const {
    if (params_.precision == "fp32") return sae_.pass(batch, Mode::train);
    Pass pass = [&] {
      const Bf16Products products(device_.type());
      return sae_.pass(batch, Mode::train);
    }();
    const auto widen = [](Tensor& t) {
      if (t.is_floating_point()) t = t.to(torch::kFloat32);
    };
    widen(pass.codes.value);
    widen(pass.output);
    widen(pass.target);
    for (auto& [name, note] : pass.notes) widen(note);
    return pass;
  }

  // False when there is nothing to learn from.
  bool backward(const Batch& batch, const Pass& pass, Step& step, Sums& sums) {
    const bool counted = params_.dead_counted == "after";
    if (counted) {
      firing_.add(pass.codes, group_);
      step.dead = firing_.dead();
    }
    const Losses losses = sae_.losses(pass, step);
    if (!counted) firing_.add(pass.codes, group_);
    const double sparsity = sparsity_factor(params_, step_, steps_);
    for (const Loss& loss : losses)
      if (loss.sparsity) step.coefficients.set(loss.name, sparsity);
    Tensor total = weighted_sum(losses, step.coefficients);
    const double share =
        static_cast<double>(batch.input.size(0)) / static_cast<double>(params_.batch);
    if (params_.accumulate > 1) total = total * share;
    add_metrics(total, losses, pass, share, sums);
    check_finite(sums, batch, pass);
    if (!total.requires_grad()) return false;
    total.backward();
    return true;
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

  // One read from the device for each part of a batch.
  void add_metrics(const Tensor& total, const Losses& losses, const Pass& pass, double share,
                   Sums& sums) const {
    const torch::NoGradGuard no_grad;
    const Tensor fired = pass.codes.value.gt(0).sum();
    std::vector<Tensor> figures = {total, fired, firing_.dead_share()};
    for (const Loss& loss : losses) figures.push_back(loss.value);
    for (Tensor& figure : figures) figure = figure.detach().to(device_, torch::kFloat64);
    const Tensor read = torch::stack(figures).cpu();
    const double* value = read.const_data_ptr<double>();
    sums.loss += value[0];
    sums.fired += value[1];
    sums.dead = value[2];
    for (size_t i = 0; i < losses.size(); ++i) {
      const auto known = std::find_if(sums.losses.begin(), sums.losses.end(),
                                      [&](const auto& one) { return one.first == losses[i].name; });
      if (known == sums.losses.end())
        sums.losses.emplace_back(losses[i].name, share * value[3 + i]);
      else
        known->second += share * value[3 + i];
    }
  }

  StepMetrics metrics_of_step(const Sums& sums) const {
    StepMetrics m;
    m.step = step_ + 1;
    m.rows = rows() + params_.batch;
    m.loss = sums.loss;
    m.l0 = sums.fired / static_cast<double>(params_.batch);
    m.dead = sums.dead;
    m.losses = sums.losses;
    return m;
  }

  void check_finite(const Sums& sums, const Batch& batch, const Pass& pass) const {
    std::string name = "loss";
    double value = sums.loss;
    for (const auto& [loss, one] : sums.losses) {
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

  // What the SAE wants recorded, in its order.
  Value read_figures(const Pass& pass) const {
    Value out{Value::Table()};
    for (const auto& [name, value] : sae_.figures(pass))
      out.set(name, value.detach().to(torch::kCPU, torch::kFloat64).item<double>());
    return out;
  }

  void optimise(double lr) {
    const torch::NoGradGuard no_grad;
    if (params_.clip_first) clip();
    sae_.after_backward();
    if (!params_.clip_first) clip();
    optimiser_.step(step_ + 1,
                    {lr, params_.beta1, params_.beta2, params_.eps, params_.weight_decay});
    optimiser_.clear_gradients();
    sae_.after_step();
  }

  // A loss above skip_spikes times the mean of the losses before it teaches nothing. source:
  // OpenSAE, trainer/sae_trainer.py
  bool is_spike(double loss) {
    if (params_.skip_spikes == 0) return false;
    const double mean =
        std::accumulate(recent_.begin(), recent_.end(), 0.0) / static_cast<double>(kRecentLosses);
    const bool spike = recent_.size() == kRecentLosses && loss > params_.skip_spikes * mean;
    if (spike) {
      events_.emit({Level::warning, "train.skip", step_ + 1,
                    Value(Value::Table{{"loss", loss}, {"mean", mean}})});
      return true;
    }
    recent_.push_back(loss);
    if (recent_.size() > kRecentLosses) recent_.pop_front();
    return false;
  }

  // Not while the learning rate falls: latents that begin anew would have no time to learn.
  bool revives_after(int64_t step) const {
    return params_.revive_every > 0 && step % params_.revive_every == 0 &&
           step <= steps_ - falling_steps(params_, steps_);
  }

  // What revive() needs of the step's last rows.
  void keep_error(const Batch& batch, const Pass& pass) {
    const torch::NoGradGuard no_grad;
    const Tensor left = pass.target - pass.output;
    error_ = left.flatten(1).norm(2, {1}).to(torch::kCPU, torch::kFloat64);
    seen_ = batch;
  }

  // Each dead latent begins anew from a row, drawn without replacement with a chance in proportion
  // to the length of its error. source: dictionary_learning 0.1.0, trainers/standard.py
  void revive() {
    const torch::NoGradGuard no_grad;
    const Tensor dead = firing_.dead().nonzero().flatten();
    const Tensor rows =
        drawn_rows(error_, dead.size(0), Rng(hooks_.seed, "train/revive/" + std::to_string(step_)));
    const Tensor latents = dead.slice(0, 0, rows.size(0));
    if (latents.size(0) > 0) {
      Batch chosen;
      const Tensor index = rows.to(device_);
      chosen.input = seen_.input.index_select(0, index);
      chosen.target = seen_.target.index_select(0, index);
      sae_.revive(latents, chosen);
      optimiser_.forget(latents, sae_.d_sae());
      firing_.revived(latents);
    }
    seen_ = Batch();
    events_.emit({Level::metric, "train.revive", step_,
                  Value(Value::Table{{"latents", latents.size(0)}, {"dead", dead.size(0)}})});
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

  bool is_recorded(int64_t step) const {
    return step == 1 || step % params_.log_every == 0 || step == steps_ || evaluations_.due(step);
  }

  // Losses and figures must not take a metric's name.
  void record(Value figures) {
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
    for (const auto& [name, value] : *figures.as<Value::Table>())
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
  Evaluations evaluations_;
  Group group_;
  int64_t step_ = 0;  // done
  bool more_ = true;  // on_step has not ended it
  Watch watch_;
  StepMetrics last_;
  Value state_{Value::Table()};
  std::deque<double> recent_;  // losses, of steps that were not skipped
  Tensor error_;               // [n] float64: of the rows that a revival draws from
  Batch seen_;                 // these rows
};

// Trainings that take their steps in turn. Those of one source stand side by side.
class Together {
 public:
  Together(const std::vector<Trainee>& trainees, const TrainParams& params)
      : params_(params), stop_(trainees.front().hooks.stop) {
    for (const Trainee& t : trainees) {
      auto same = std::find_if(sources_.begin(), sources_.end(),
                               [&](const OfSource& one) { return one.source == t.source; });
      if (same == sources_.end())
        same = sources_.insert(same, {t.source, steps_of(params, *t.source), {}});
      all_.push_back(std::make_unique<Training>(*t.sae, *t.normaliser, *t.source, params,
                                                same->steps, t.hooks));
      same->trainings.push_back(all_.back().get());
    }
  }

  std::vector<TrainOutcome> run() {
    begin();
    while (take_turn()) checkpoint_or_stop();
    std::vector<TrainOutcome> out;
    for (const auto& training : all_) out.push_back(training->finish());
    return out;
  }

 private:
  struct OfSource {
    ActivationSource* source;
    int64_t steps;
    std::vector<Training*> trainings;
  };

  void begin() {
    for (const OfSource& one : sources_) {
      const Training* first = nullptr;
      for (Training* training : one.trainings) {
        if (!training->restore()) training->begin(first);
        training->check_length();
        first = training;
        turn_ = std::max(turn_, training->step());
      }
    }
  }

  // False when nobody is left, or when the last one left in this turn: then there is nothing to go
  // on from.
  bool take_turn() {
    bool took = false, left = false;
    for (const OfSource& one : sources_) {
      Rows rows;
      for (Training* training : one.trainings) {
        if (!training->goes_on()) continue;
        if (!rows.x.defined()) rows = training->next_rows();
        training->advance(rows);
        took = true;
        left = left || training->more();
      }
    }
    turn_ += took;
    return took && left;
  }

  bool goes_on() const {
    return std::any_of(all_.begin(), all_.end(), [](const auto& t) { return t->goes_on(); });
  }

  void checkpoint_or_stop() {
    const bool stop = goes_on() && stop_ && stop_();
    if (stop || (params_.checkpoint_every > 0 && turn_ % params_.checkpoint_every == 0))
      for (const auto& training : all_) training->save(turn_);
    if (!stop) return;
    std::string what;
    for (const auto& training : all_)
      what += (what.empty() ? "train: " : "\ntrain: ") +
              (training->name().empty() ? "" : training->name() + ": ") + training->stopped();
    throw Stopped(what);
  }

  const TrainParams& params_;
  std::function<bool()> stop_;
  std::vector<std::unique_ptr<Training>> all_;
  std::vector<OfSource> sources_;
  int64_t turn_ = 0;
};

}  // namespace

Checkpoints::~Checkpoints() = default;
KeptSaes::~KeptSaes() = default;

Schema<TrainParams> train_schema() {
  using P = TrainParams;
  return with_evaluation_fields(
      Schema<P>()
          .field("compat", &P::compat,
                 "Stands for the settings of a peer's trainer; keys that are set win.",
                 one_of(peers()))
          .presets("compat", train_presets())
          .field("steps", &P::steps, "Length of the training.", at_least(1), unit("steps"))
          .field("total_rows", &P::total_rows, "Length of the training.", at_least(1), unit("rows"))
          .field("epochs", &P::epochs, "Length of the training: passes over the data.", at_least(1),
                 unit("epochs"))
          .field("batch", &P::batch, "Rows of one step.", at_least(1), unit("rows"))
          .field(
              "accumulate", &P::accumulate,
              "Parts of a batch that are worked through one after the other, their gradients added "
              "up: less memory. Losses that look at a whole batch (batch_topk, auxk) look at a "
              "part.",
              at_least(1))
          .field(
              "precision", &P::precision,
              "bf16: matrix products of the forward pass are of bf16 numbers; weights, losses and "
              "the optimiser stay fp32.",
              one_of({"fp32", "bf16"}))
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
                 "Share of the steps, at the end, over which the learning rate falls.",
                 between(0, 1))
          .field(
              "schedule", &P::schedule,
              "Between rise and fall the learning rate stays (linear), or falls to lr_end along a "
              "cosine, once or in lr_cycles.",
              one_of({"linear", "cosine"}))
          .field("lr_end", &P::lr_end, "With a cosine: its end, as a share of lr.", between(0, 1))
          .field("lr_cycles", &P::lr_cycles, "With a cosine: how often it starts anew.",
                 at_least(1))
          .field("beta1", &P::beta1, "Adam's decay of the first moment.", between(0, 0.9999999))
          .field("beta2", &P::beta2, "Adam's decay of the second moment.", between(0, 0.9999999))
          .field("eps", &P::eps, "Adam's guard against division by 0.", above(0))
          .field("weight_decay", &P::weight_decay,
                 "AdamW's: each step takes lr times this share from every parameter; 0: Adam.",
                 at_least(0))
          .field("clip", &P::clip, "Largest norm of the whole gradient; 0: off.", at_least(0))
          .field("clip_first", &P::clip_first,
                 "Limit the gradient before the SAE takes parts out of it, not after.")
          .field("dead_counted", &P::dead_counted,
                 "Whether a step's dead latents are known before or after its firing is counted.",
                 one_of({"before", "after"}))
          .field("dead_after_rows", &P::dead_after_rows,
                 "A latent that has not fired for so long is dead; 0: a tenth of the run.",
                 at_least(0), unit("rows"))
          .field(
              "revive_every", &P::revive_every,
              "How often dead latents begin anew from rows that come back badly; the learning rate "
              "then rises again. 0: never.",
              at_least(0), unit("steps"))
          .field("skip_spikes", &P::skip_spikes,
                 "A step whose loss exceeds so many times the mean of the last 100 changes "
                 "nothing; 0: "
                 "off.",
                 at_least(0))
          .field("normalise_rows", &P::normalise_rows, "Rows that the normaliser looks at.",
                 at_least(1), unit("rows"))
          .field("log_every", &P::log_every, "How often metrics are recorded.", at_least(1),
                 unit("steps"), outside_identity)
          .field("checkpoint_every", &P::checkpoint_every,
                 "How often a checkpoint is written; 0: only at a stop.", at_least(0),
                 unit("steps"), outside_identity)
          .check(
              [](const P& p) { return (p.steps > 0) + (p.total_rows > 0) + (p.epochs > 0) == 1; },
              "exactly one of steps, total_rows, epochs must be set")
          .check([](const P& p) -> std::string {
            if (p.total_rows == 0 || p.batch <= p.total_rows) return "";
            return "batch: " + exceeds(p.batch, "total_rows", p.total_rows);
          })
          .check([](const P& p) -> std::string {
            return p.accumulate <= p.batch
                       ? ""
                       : "accumulate: " + exceeds(p.accumulate, "batch", p.batch);
          })
          .check([](const P& p) { return p.skip_spikes == 0 || p.skip_spikes > 1; },
                 "skip_spikes must be above 1, or 0")
          .check([](const P& p) { return p.warmup + p.decay <= 1; },
                 "warmup and decay must not exceed 1 together"));
}

TrainOutcome fit(Sae& sae, Normaliser& normaliser, ActivationSource& source,
                 const TrainParams& params, const TrainHooks& hooks) {
  return fit_together({{&sae, &normaliser, &source, hooks}}, params).front();
}

std::vector<TrainOutcome> fit_together(const std::vector<Trainee>& trainees,
                                       const TrainParams& params) {
  return Together(trainees, params).run();
}

}  // namespace facet
