// A step: batches, losses, gradients, counters, events, checkpoints.
#include "train/training.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "facet/error.h"
#include "tensor/plain_kernels.h"
#include "train/bf16_products.h"
#include "train/drawn_rows.h"
#include "train/end_to_end.h"
#include "train/fingerprint.h"
#include "train/schedule.h"

namespace facet {
namespace {

// Shorter trainings are tries: nothing is said of them.
constexpr int64_t kLeastWatched = 100;
constexpr char kLastRows[] = "last_rows";
constexpr size_t kRecentLosses = 100;  // steps that a spike is held against

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

}  // namespace

Training::Training(Sae& sae, Normaliser& normaliser, Batches& batches, const TrainParams& params,
                   int64_t steps, const TrainHooks& hooks)
    : sae_(sae),
      normaliser_(normaliser),
      batches_(batches),
      params_(params),
      hooks_(hooks),
      events_(hooks.events ? *hooks.events : no_events_),
      device_(hooks.device),
      steps_(steps),
      optimiser_(sae, params, steps),
      firing_(sae.d_sae(), params, steps, hooks.device),
      evaluations_(params, hooks, steps) {}

bool Training::restore() {
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
  for (const auto& [name, tensor] : from->tensors)
    if (name == kLastRows) last_rows_ = tensor.clone();
  batches_.seek(from->cursor.at("source"));
  return true;
}

void Training::begin(const Training* like) {
  if (like) return normaliser_.restore(like->normaliser_.state());
  ActivationSource& source = batches_.source();
  const Value cursor = source.cursor();
  normaliser_.fit(source, params_.normalise_rows);
  if (!(source.cursor() == cursor)) source.seek(cursor);
}

void Training::check_length() const {
  if (steps_ == 0) refuse_epoch(batches_.of_one_turn(batches_.source().epoch_rows()));
}

Rows Training::next_rows() {
  Rows rows = batches_.next();
  if (rows.size() < params_.batch) refuse_epoch(rows.size());
  rows.x = rows.x.to(device_);
  return rows;
}

void Training::advance(const Rows& rows) {
  if (step_ == 0) {
    const torch::NoGradGuard no_grad;
    sae_.start(make_batch(normaliser_, rows));
  }
  take_step(rows);
  last_rows_ = rows.x.slice(0, 0, kFingerprintRows).clone();
  const auto look = [&] { more_ = evaluations_.after_step(last_, sae_, normaliser_); };
  if (evaluations_.looks_after(step_))
    optimiser_.as_finished(look);
  else
    look();
  if (hooks_.reads_weights) optimiser_.hand_over();
  if (hooks_.on_step && !hooks_.on_step(last_, state_)) more_ = false;
}

void Training::save(int64_t turn) {
  if (!hooks_.checkpoints) return;
  Checkpoint checkpoint;
  checkpoint.step = step_;
  checkpoint.turn = turn;
  checkpoint.tensors = optimiser_.tensors();
  for (auto& named : firing_.tensors()) checkpoint.tensors.push_back(std::move(named));
  if (last_rows_.defined()) checkpoint.tensors.emplace_back(kLastRows, last_rows_);
  checkpoint.cursor = Value::Table{{"source", batches_.cursor()},
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

std::string Training::stopped() const {
  return "stopped after step " + std::to_string(step_) + " of " + std::to_string(steps_);
}

TrainOutcome Training::finish() {
  const torch::NoGradGuard no_grad;
  optimiser_.finish();
  sae_.finish();
  if (watch_.looked()) {
    const Tensor empty = sae_.decoder(0).norm(2, {1}).eq(0).sum();
    say(watch_.look_at_the_end(empty.item<int64_t>(), sae_.d_sae()));
  }
  return {step_, rows(), last_, firing_.share(), last_rows_, evaluations_.outcome(step_)};
}

std::string Training::where() const {
  return "train: " + (name().empty() ? "" : name() + ": ") + "step " + std::to_string(step_ + 1) +
         ": ";
}

void Training::refuse_epoch(int64_t rows) const {
  throw UserError("train.batch: " + exceeds(params_.batch, "the rows of an epoch", rows));
}

void Training::take_step(const Rows& rows) {
  if (step_ == steps_ - std::max<int64_t>(1, steps_ / 10)) firing_.restart_share();
  const torch::AutoGradMode gradients(true);
  optimiser_.clear_gradients();
  const auto collecting = optimiser_.collect();
  const PlainKernels kernels(params_.kernels == "plain");
  Step step;
  step.index = step_;
  step.rows_seen = this->rows();
  step.group = &group_;
  step.dead = firing_.dead();
  Sums sums;
  bool learns = false;
  const Screen::Counts before = Screen::counts();
  Value figures{Value::Table()};
  const bool recorded = is_recorded(step_ + 1);
  for (int64_t part = 0; part < params_.accumulate; ++part) {
    const int64_t n = params_.batch, parts = params_.accumulate;
    const Rows some = parts == 1 ? rows : rows.slice(n * part / parts, n * (part + 1) / parts);
    const Taken taken = take(some);
    learns = backward(taken, step, sums) || learns;
    if (recorded && part + 1 == parts) figures = read_figures(taken.pass);
    if (part + 1 == parts && revives_after(step_ + 1)) keep_error(taken.batch, taken.pass);
  }
  screened_.rows += Screen::counts().rows - before.rows;
  screened_.dense += Screen::counts().dense - before.dense;
  StepMetrics metrics = metrics_of_step(sums);
  metrics.lr = optimiser_.lr(step_);
  if (learns && !is_spike(metrics.loss)) optimise();
  ++step_;
  last_ = std::move(metrics);
  last_.sae = name();
  if (learns && revives_after(step_)) revive();
  events_.progress("train", step_, steps_, "steps");
  if (recorded) record(std::move(figures));
  if (learns && steps_ >= kLeastWatched && warmed_up(params_, step_, steps_))
    say(watch_.look(last_, sae_.d_sae()));
}

Training::Taken Training::take(const Rows& rows) const {
  Taken out;
  out.share = static_cast<double>(rows.size()) / static_cast<double>(params_.batch);
  if (!hooks_.end_to_end) {
    out.batch = make_batch(normaliser_, rows);
    out.pass = forward(out.batch);
    return out;
  }
  EndToEnd::Outcome through = hooks_.end_to_end->run(rows, sae_, normaliser_);
  out.batch = std::move(through.batch);
  out.pass = std::move(through.pass);
  out.of_host = {std::move(through.loss)};
  return out;
}

Pass Training::forward(const Batch& batch) const {
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

bool Training::backward(const Taken& taken, Step& step, Sums& sums) {
  const Pass& pass = taken.pass;
  const bool counted = params_.dead_counted == "after";
  if (counted) {
    firing_.add(pass.codes, group_);
    step.dead = firing_.dead();
  }
  Losses losses = sae_.losses(pass, step);
  for (const Loss& loss : taken.of_host) {
    if (!params_.end_to_end_error && !losses.empty()) losses.erase(losses.begin());
    losses.push_back({loss.name, loss.value * params_.end_to_end_coefficient});
  }
  if (!counted) firing_.add(pass.codes, group_);
  const double sparsity = sparsity_factor(params_, step_, steps_);
  for (const Loss& loss : losses)
    if (loss.sparsity) step.coefficients.set(loss.name, sparsity);
  Tensor total = weighted_sum(losses, step.coefficients);
  if (params_.accumulate > 1) total = total * taken.share;
  add_metrics(total, losses, pass, taken.share, sums);
  check_finite(sums, taken.batch, pass);
  if (!total.requires_grad()) return false;
  total.backward();
  return true;
}

Tensor Training::weighted_sum(const Losses& losses, const Coefficients& coefficients) const {
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

void Training::add_metrics(const Tensor& total, const Losses& losses, const Pass& pass,
                           double share, Sums& sums) const {
  const torch::NoGradGuard no_grad;
  const Tensor fired = pass.codes.value.gt(0).sum();
  std::vector<Tensor> figures = {total, fired, firing_.dead_share()};
  for (const Loss& loss : losses) figures.push_back(loss.value);
  for (Tensor& figure : figures) figure = figure.detach().to(device_, torch::kFloat64);
  const Tensor read = torch::stack(figures).cpu();
  const double* value = read.const_data_ptr<double>();
  sums.loss += value[0];
  sums.fired += value[1];
  sums.coded += static_cast<double>(pass.codes.rows());
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

StepMetrics Training::metrics_of_step(const Sums& sums) const {
  StepMetrics m;
  m.step = step_ + 1;
  m.rows = rows() + params_.batch;
  m.loss = sums.loss;
  m.l0 = sums.fired / sums.coded;
  m.dead = sums.dead;
  m.losses = sums.losses;
  return m;
}

void Training::check_finite(const Sums& sums, const Batch& batch, const Pass& pass) const {
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

Value Training::read_figures(const Pass& pass) const {
  Value out{Value::Table()};
  for (const auto& [name, value] : sae_.figures(pass))
    out.set(name, value.detach().to(torch::kCPU, torch::kFloat64).item<double>());
  return out;
}

void Training::optimise() {
  const torch::NoGradGuard no_grad;
  optimiser_.settle_gradients();
  if (params_.clip_first) clip();
  sae_.after_backward();
  if (!params_.clip_first) clip();
  optimiser_.step(step_);
  optimiser_.clear_gradients();
  sae_.after_step();
}

bool Training::is_spike(double loss) {
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

bool Training::revives_after(int64_t step) const {
  return params_.revive_every > 0 && step % params_.revive_every == 0 &&
         step <= steps_ - falling_steps(params_, steps_);
}

void Training::keep_error(const Batch& batch, const Pass& pass) {
  const torch::NoGradGuard no_grad;
  const Tensor left = pass.target - pass.output;
  error_ = left.flatten(1).norm(2, {1}).to(torch::kCPU, torch::kFloat64);
  seen_ = batch;
}

void Training::revive() {
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
    optimiser_.hand_over();
    sae_.revive(latents, chosen);
    optimiser_.forget(latents, sae_.d_sae());
    firing_.revived(latents);
  }
  seen_ = Batch();
  events_.emit({Level::metric, "train.revive", step_,
                Value(Value::Table{{"latents", latents.size(0)}, {"dead", dead.size(0)}})});
}

void Training::say(const std::vector<std::string>& notices) {
  for (const std::string& notice : notices)
    events_.emit({Level::warning, "train.notice", step_, Value(Value::Table{{"message", notice}})});
}

void Training::clip() {
  std::string bad;
  const double norm = optimiser_.gradient_norm(bad);
  if (!bad.empty()) throw UserError(where() + "the gradient of " + bad + " is not finite");
  if (params_.clip > 0 && norm > params_.clip) optimiser_.scale_gradients(params_.clip / norm);
}

bool Training::is_recorded(int64_t step) const {
  return step == 1 || step % params_.log_every == 0 || step == steps_ || evaluations_.due(step);
}

void Training::record(Value figures) {
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
  if (screened_.dense > 0)
    events_.emit({Level::metric, "train.dense_rows", step_,
                  Value(Value::Table{{"rows", screened_.rows}, {"dense", screened_.dense}})});
  screened_ = {};
}

}  // namespace facet
