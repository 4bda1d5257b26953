// What every SAE must do.
#include <algorithm>
#include <cmath>
#include <set>

#include "facet/safetensors.h"
#include "facet/torch.h"
#include "plugin/conformance_promises.h"
#include "plugin/conformance_slopes.h"
#include "plugin/conformance_subject.h"
#include "plugin/conformance_trial.h"

namespace facet {

namespace {

// The rows an SAE is tried on, and how long it is trained.
constexpr int64_t kRows = 256;
constexpr int64_t kWidth = 16;
constexpr int64_t kRowsAlone = 16;
constexpr int64_t kSteps = 5;
constexpr double kLearningRate = 1e-3;
// Batches in which a gradient may show: a threshold's reaches it only from rows close to it.
constexpr int64_t kGradientBatches = 4;
// Of values of order 1: a row alone goes through another product than a batch does, in float32.
constexpr double kSameValue = 1e-6;
// Steps of finite differences, relative to the norm of W_dec, and what float32 leaves of them.
constexpr double kDifference = 1e-2;
constexpr double kSameSlope = 1e-3;

// An SAE is tried with one hookpoint; architectures over several refuse that, and are tried with
// three.
constexpr Shape kShapes[] = {
    {1, 1, kWidth, kWidth}, {3, 1, kWidth, kWidth}, {3, 3, kWidth, kWidth}};

class SaeTrial {
 public:
  explicit SaeTrial(const SaePart& part) : part_(part), trial_(part) {}

  Findings run() {
    trial_.property("constructs", [&] { return construct(); });
    if (!params_) return trial_.finish();
    const auto check = [&](const char* name, Outcome (SaeTrial::*property)()) {
      trial_.property(name, [&] { return (this->*property)(); });
    };
    check("shapes", &SaeTrial::shapes);
    check("finite loss", &SaeTrial::finite_loss);
    check("gradient reaches every parameter", &SaeTrial::gradients);
    check("gradient of W_dec agrees with finite differences", &SaeTrial::finite_differences);
    check("gradients of the losses agree with finite differences", &SaeTrial::slopes);
    check("same seed same bits", &SaeTrial::same_bits);
    check("survives training", &SaeTrial::survives);
    check("saved and loaded it codes alike", &SaeTrial::save_load);
    check("resumed it trains alike", &SaeTrial::resumes);
    check("keeps its promise of sparsity", &SaeTrial::sparsity);
    check("a normaliser folds into it", &SaeTrial::folds);
    check("infer codes each row alone", &SaeTrial::rows_alone);
    check("infer changes nothing", &SaeTrial::infer_changes_nothing);
    return trial_.finish();
  }

 private:
  Outcome construct() {
    Sample sample = sample_params(part_);
    if (!sample.params) return sample.why;
    params_ = std::move(sample.params);
    std::string why;
    for (const Shape& shape : kShapes) {
      shape_ = shape;
      try {
        if (make(1)) return holds();
        why = "made nothing";
      } catch (const UserError& e) {
        if (why.empty()) why = e.what();
      }
    }
    params_.reset();
    return fails(why);
  }

  std::unique_ptr<Sae> make(uint64_t seed) const {
    Init init(seed);
    return part_.make(*params_, shape_, init);
  }

  // As the trainer has it before its first step.
  std::unique_ptr<Sae> started(uint64_t seed = 1) const {
    std::unique_ptr<Sae> sae = make(seed);
    const torch::NoGradGuard no_gradients;
    sae->start(rows(0));
    return sae;
  }

  std::unique_ptr<Sae> trained() const {
    std::unique_ptr<Sae> sae = started();
    for (int64_t step = 0; step < kSteps; ++step) train_step(*sae, step);
    const torch::NoGradGuard no_gradients;
    sae->finish();
    return sae;
  }

  Batch rows(int64_t number) const { return make_rows(shape_, kRows, number); }

  // The losses of one batch with the first `dead` latents called dead.
  Losses losses_of(Sae& sae, const Batch& batch, int64_t number, int64_t dead) const {
    Step step;
    step.index = number;
    step.rows_seen = number * kRows;
    step.dead = torch::arange(sae.d_sae()) < dead;
    step.group = &group_;
    return sae.losses(sae.pass(batch, Mode::train), step);
  }

  Tensor loss_of(Sae& sae, int64_t number, int64_t dead) const {
    Tensor sum = torch::zeros({});
    for (const Loss& loss : losses_of(sae, rows(number), number, dead)) sum = sum + loss.value;
    return sum;
  }

  void train_step(Sae& sae, int64_t number) const {
    for (const auto& [name, param] : sae.params()) param.mutable_grad().reset();
    const Tensor loss = loss_of(sae, number, 0);
    if (!loss.requires_grad()) return;
    loss.backward();
    sae.after_backward();
    const torch::NoGradGuard no_gradients;
    for (auto [name, param] : sae.params())
      if (param.grad().defined()) param.sub_(param.grad(), kLearningRate);
    sae.after_step();
  }

  // False for SAEs that learn in pass() and finish(), from sums over rows.
  bool has_gradient(Sae& sae) const { return loss_of(sae, 0, 0).requires_grad(); }

  static Pass infer(Sae& sae, const Batch& batch) {
    const torch::NoGradGuard no_gradients;
    return sae.pass(batch, Mode::infer);
  }

  Outcome shapes() {
    const std::unique_ptr<Sae> sae = started();
    const int64_t latents = sae->d_sae();
    for (const Mode mode : {Mode::train, Mode::infer}) {
      const Pass pass = sae->pass(rows(0), mode);
      for (const std::string& wrong :
           {wrong_sizes("output", pass.output, {kRows, shape_.points_out, shape_.d_out}),
            wrong_sizes("target", pass.target, {kRows, shape_.points_out, shape_.d_out}),
            wrong_codes(pass.codes, latents)})
        if (!wrong.empty()) return fails(wrong);
    }
    for (int64_t point = 0; point < shape_.points_out; ++point) {
      const std::string name = "decoder(" + std::to_string(point) + ")";
      const std::string wrong = wrong_sizes(name, sae->decoder(point), {latents, shape_.d_out});
      if (!wrong.empty()) return fails(wrong);
    }
    return holds();
  }

  static std::string wrong_codes(const Codes& codes, int64_t latents) {
    if (codes.d_sae != latents)
      return "codes.d_sae: is " + std::to_string(codes.d_sae) + ", should be " +
             std::to_string(latents);
    if (codes.start.scalar_type() != torch::kInt64 || codes.latent.scalar_type() != torch::kInt32 ||
        codes.value.scalar_type() != torch::kFloat32)
      return "codes: start, latent and value should be int64, int32 and float32";
    if (std::string wrong = wrong_sizes("codes.start", codes.start, {kRows + 1}); !wrong.empty())
      return wrong;
    const int64_t entries = codes.start[-1].item<int64_t>();
    for (const auto& [name, tensor] :
         {std::pair{"codes.latent", codes.latent}, std::pair{"codes.value", codes.value}})
      if (std::string wrong = wrong_sizes(name, tensor, {entries}); !wrong.empty()) return wrong;
    if (codes.start[0].item<int64_t>() != 0 || (codes.start.diff() < 0).any().item<bool>())
      return "codes.start: should rise from 0";
    if (((codes.latent < 0) | (codes.latent >= latents)).any().item<bool>())
      return "codes.latent: names a latent that does not exist";
    const Tensor order = codes.row() * latents + codes.latent;  // [nnz]
    return (order.diff() <= 0).any().item<bool>()
               ? "codes.latent: should rise within a row, each once"
               : "";
  }

  Outcome finite_loss() {
    const std::unique_ptr<Sae> sae = started();
    const int64_t latents = sae->d_sae();
    for (const int64_t dead : {int64_t{0}, latents / 4, latents}) {
      Step step;
      step.dead = torch::arange(latents) < dead;
      step.group = &group_;
      const Losses losses = sae->losses(sae->pass(rows(0), Mode::train), step);
      if (losses.empty()) return fails("there are no losses");
      std::set<std::string> names;
      for (const Loss& loss : losses) {
        const std::string wrong = wrong_sizes("loss \"" + loss.name + "\"", loss.value, {});
        if (!wrong.empty()) return fails(wrong);
        if (!names.insert(loss.name).second)
          return fails("two losses are called \"" + loss.name + "\"");
        if (!finite(loss.value))
          return fails("loss \"" + loss.name + "\" is not finite with " + std::to_string(dead) +
                       " of " + std::to_string(latents) + " latents dead");
      }
    }
    return holds();
  }

  Outcome gradients() {
    const std::unique_ptr<Sae> sae = started();
    if (sae->params().empty()) return skips("it has no parameters");
    if (!has_gradient(*sae)) return learns_without_gradient();
    std::set<std::string> waiting;
    for (const auto& [name, param] : sae->params()) waiting.insert(name);
    for (int64_t number = 0; number < kGradientBatches && !waiting.empty(); ++number) {
      loss_of(*sae, number, sae->d_sae() / 4).backward();
      for (const auto& [name, param] : sae->params()) {
        if (!param.grad().defined()) continue;
        if (!finite(param.grad())) return fails("the gradient of " + name + " is not finite");
        if (param.grad().abs().max().item<double>() > 0) waiting.erase(name);
      }
    }
    return waiting.empty() ? holds() : fails("no gradient: " + joined(waiting));
  }

  Outcome learns_without_gradient() {
    const std::unique_ptr<Sae> before = started(), after = trained();
    std::set<std::string> names;
    bool changed = false;
    for (size_t i = 0; i < before->params().size(); ++i) {
      names.insert(before->params()[i].first);
      changed |= !torch::equal(before->params()[i].second, after->params()[i].second);
    }
    return changed ? skips("the loss has no gradient: pass and finish find the parameters")
                   : fails("no gradient: " + joined(names) +
                           ", and neither pass nor finish changes them");
  }

  static std::string joined(const std::set<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
  }

  // ||output - target||^2 over a batch: smooth in W_dec as long as the same latents fire.
  Outcome finite_differences() {
    const std::unique_ptr<Sae> sae = started();
    Tensor w_dec;
    for (const auto& [name, param] : sae->params())
      if (name == "W_dec") w_dec = param;
    if (!w_dec.defined()) return skips("it has no parameter W_dec");
    if (!has_gradient(*sae)) return skips("the loss has no gradient");
    const Batch batch = rows(0);
    const Pass pass = sae->pass(batch, Mode::train);
    const Tensor error = (pass.output - pass.target).square().sum();
    if (error.requires_grad()) error.backward();
    const Tensor gradient = w_dec.grad();
    if (!gradient.defined() || gradient.abs().max().item<double>() == 0)
      return fails("W_dec has no gradient");

    Init init(2);
    for (const Tensor& direction : {gradient, init.uniform_within(w_dec.sizes().vec(), 1.0)}) {
      const Tensor unit = (direction / direction.norm()).detach();  // W_dec's sizes
      const std::optional<double> slope = slope_along(*sae, w_dec, unit, batch, pass.codes);
      if (!slope) return skips("the active latents change with W_dec");
      const double should = (gradient * unit).sum().item<double>();
      if (!(std::abs(*slope - should) <= kSameSlope * gradient.norm().item<double>()))
        return fails("slope " + for_eyes(*slope) + " by differences, " + for_eyes(should) +
                     " by the gradient");
    }
    return holds();
  }

  // Nothing when other latents fire on the way than in `codes`.
  static std::optional<double> slope_along(Sae& sae, Tensor w_dec, const Tensor& unit,
                                           const Batch& batch, const Codes& codes) {
    const torch::NoGradGuard no_gradients;
    const Tensor kept = w_dec.clone();
    const double reach = kDifference * kept.norm().item<double>();
    double values[2];
    for (const int side : {0, 1}) {
      w_dec.copy_(kept + (side == 0 ? -reach : reach) * unit);
      const Pass pass = sae.pass(batch, Mode::train);
      w_dec.copy_(kept);
      if (!torch::equal(pass.codes.start, codes.start) ||
          !torch::equal(pass.codes.latent, codes.latent))
        return std::nullopt;
      values[side] = (pass.output - pass.target).to(torch::kFloat64).square().sum().item<double>();
    }
    return (values[1] - values[0]) / (2 * reach);
  }

  // Each loss by itself, in float64 where the architecture's code lets it.
  Outcome slopes() {
    if (!has_gradient(*started())) return skips("the loss has no gradient");
    for (const bool wide : {true, false}) {
      const std::unique_ptr<Sae> sae = started();
      Batch batch = rows(0);
      if (wide) {
        widen(*sae);
        batch.input = batch.input.to(torch::kFloat64);
        batch.target = batch.target.to(torch::kFloat64);
      }
      const auto losses = [&] { return losses_of(*sae, batch, 0, sae->d_sae() / 4); };
      if (!wide || are_wide(losses)) return judged(compare_slopes(*sae, losses, wide));
    }
    return holds();
  }

  Outcome same_bits() {
    const std::unique_ptr<Sae> a = trained(), b = trained();
    const std::string differs = first_difference(state_of(*a), state_of(*b));
    if (!differs.empty()) return fails(differs + " differs after training twice from one seed");
    const Batch batch = rows(kSteps);
    const Pass pass_a = infer(*a, batch), pass_b = infer(*b, batch);
    return torch::equal(pass_a.codes.dense(), pass_b.codes.dense()) &&
                   torch::equal(pass_a.output, pass_b.output)
               ? holds()
               : fails("codes or output differ between two SAEs of one seed");
  }

  Outcome survives() {
    const std::unique_ptr<Sae> sae = trained();
    for (const auto& [name, tensor] : state_of(*sae))
      if (!finite(tensor))
        return fails(name + " is not finite after " + std::to_string(kSteps) + " steps");
    return finite(loss_of(*sae, kSteps, 0))
               ? holds()
               : fails("the loss is not finite after " + std::to_string(kSteps) + " steps");
  }

  Outcome save_load() {
    const std::unique_ptr<Sae> sae = trained();
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "sae.safetensors";
    save_safetensors(file, state_of(*sae));
    const std::unique_ptr<Sae> loaded = make(2);
    {
      const torch::NoGradGuard no_gradients;
      const Safetensors saved(file);
      for (auto [name, tensor] : state_of(*loaded)) tensor.copy_(saved.tensor(name));
    }
    const Batch batch = rows(kSteps);
    const Pass before = infer(*sae, batch), after = infer(*loaded, batch);
    if (!torch::equal(before.codes.dense(), after.codes.dense()))
      return fails("other codes: something that matters is neither a parameter nor a buffer");
    return torch::equal(before.output, after.output) ? holds()
                                                     : fails("equal codes, but another output");
  }

  // n + m steps at once, and n, a file, and m in another object.
  Outcome resumes() {
    const auto steps = [&](Sae& sae, int64_t begin) {
      for (int64_t step = begin; step < begin + kSteps; ++step) train_step(sae, step);
    };
    const std::unique_ptr<Sae> whole = started(), cut = started(), resumed = make(2);
    steps(*whole, 0);
    steps(*whole, kSteps);
    steps(*cut, 0);
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "sae.safetensors";
    save_safetensors(file, state_of(*cut));
    {
      const torch::NoGradGuard no_gradients;
      const Safetensors saved(file);
      for (auto [name, tensor] : state_of(*resumed)) tensor.copy_(saved.tensor(name));
    }
    steps(*resumed, kSteps);
    const std::string differs = first_difference(state_of(*whole), state_of(*resumed));
    return differs.empty()
               ? holds()
               : fails(differs + " differs after " + std::to_string(2 * kSteps) + " steps from " +
                       std::to_string(kSteps) + " and " + std::to_string(kSteps) +
                       ": something that matters is neither a parameter nor a buffer");
  }

  Outcome sparsity() { return keeps_sparsity(part_, params_->resolved, *trained(), rows(kSteps)); }

  Outcome folds() {
    if (shape_.points_in != 1) return skips("it reads several hookpoints");
    return folds_in(*trained(), rows(kSteps));
  }

  Outcome rows_alone() {
    const std::unique_ptr<Sae> sae = trained();
    const Batch batch = rows_of(rows(kSteps), 0, kRowsAlone);
    const Pass together = infer(*sae, batch);
    const Tensor codes = together.codes.dense();  // [rows, d_sae]
    for (int64_t i = 0; i < kRowsAlone; ++i) {
      const Pass alone = infer(*sae, rows_of(batch, i, i + 1));
      if (!(distance(codes.slice(0, i, i + 1), alone.codes.dense()) <= kSameValue))
        return fails("row " + std::to_string(i) + " has other codes in a batch of " +
                     std::to_string(kRowsAlone) + " than alone");
      if (!(distance(together.output.slice(0, i, i + 1), alone.output) <= kSameValue))
        return fails("row " + std::to_string(i) + " has another output in a batch of " +
                     std::to_string(kRowsAlone) + " than alone");
    }
    return holds();
  }

  Outcome infer_changes_nothing() {
    const std::unique_ptr<Sae> sae = trained();
    const NamedTensors before = copy_of_state(*sae);
    const Batch batch = rows(kSteps);
    const Pass first = infer(*sae, batch), second = infer(*sae, batch);
    const std::string differs = first_difference(before, state_of(*sae));
    if (!differs.empty()) return fails(differs + " changed");
    return torch::equal(first.codes.dense(), second.codes.dense())
               ? holds()
               : fails("the same rows have other codes the second time");
  }

  const SaePart& part_;
  Trial trial_;
  std::optional<AnyParams> params_;
  Shape shape_;
  Group group_;
};

}  // namespace

Findings check_sae(const SaePart& part) { return SaeTrial(part).run(); }

}  // namespace facet
