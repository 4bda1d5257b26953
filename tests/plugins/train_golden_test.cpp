// Training beside the peers: every case of tests/golden/train that facet's architectures cover.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "base/files.h"
#include "base/sinks.h"
#include "facet/ops.h"
#include "facet/safetensors.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "plugins/train_case.h"
#include "train/batches.h"
#include "train/firing.h"
#include "train/optimiser.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace facet {
namespace {

// `value` as facet has it, in the peer's layout; shares memory.
Tensor in_peers_layout(const PeerTensor& tensor, const Tensor& value) {
  const int64_t axis = tensor.name == "W_dec" ? 1 : 0;  // of the hookpoints
  const Tensor one = tensor.point < 0 ? value : value.select(axis, tensor.point);
  return tensor.transposed ? one.t() : one;
}

void set_unit(Sae& sae) {
  Tensor w_dec = param_of(sae, "W_dec").detach();
  w_dec = w_dec.view({-1, w_dec.size(-1)});
  ops::normalise_rows(w_dec, 0);
}

/// The peer's start, given to the trainer as a checkpoint before the first step.
class PeerStart : public Checkpoints {
 public:
  PeerStart(const TrainSetup& setup, const TrainParams& train, const Safetensors& init,
            Value normaliser)
      : setup_(setup), train_(train), init_(init), normaliser_(std::move(normaliser)) {}

  void put(Sae& sae) const {
    const at::NoGradGuard no_grad;
    for (const PeerTensor& tensor : setup_.params)
      in_peers_layout(tensor, param_of(sae, tensor.name)).copy_(init_.tensor(tensor.peer));
    if (setup_.unit_decoder) set_unit(sae);
  }
  /// The peer's counters of what fired.
  Firing firing(int64_t d_sae) const {
    Firing firing(d_sae, train_, train_.steps, "cpu");
    firing.restore({{"rows_since_fired", rows_since_fired(d_sae)},
                    {"fired_rows", at::zeros({d_sae}, at::kLong)}},
                   0);
    return firing;
  }

  void save(const Checkpoint& checkpoint, const Sae&) override { on_save(checkpoint); }
  std::optional<Checkpoint> load(Sae& sae) override {
    put(sae);
    Checkpoint out;
    out.tensors = Optimiser(sae, train_, train_.steps).tensors();
    for (auto& named : firing(sae.d_sae()).tensors()) out.tensors.push_back(std::move(named));
    out.cursor = Value::Table{
        {"source", Value::Table{{"at", 0}}},
        {"counted_rows", 0},
        {"normaliser", normaliser_},
        {"state", Value::Table()},
        {"last",
         Value::Table{
             {"loss", 0.0}, {"l0", 0.0}, {"dead", 0.0}, {"lr", 0.0}, {"losses", Value::Table()}}}};
    return out;
  }
  std::function<void(const Checkpoint&)> on_save;

 private:
  Tensor rows_since_fired(int64_t d_sae) const {
    Tensor rows = at::zeros({d_sae}, at::kLong);
    if (!setup_.counters.empty())
      rows += (init_.tensor(setup_.counters).to(at::kLong) - setup_.counter_ahead) *
              setup_.counter_rows;
    if (setup_.idle_every > 0) rows.slice(0, 0, d_sae, setup_.idle_every).fill_(setup_.idle_rows);
    return rows;
  }

  const TrainSetup& setup_;
  const TrainParams& train_;
  const Safetensors& init_;
  Value normaliser_;
};

double most_apart(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() ? (a - b).abs().max().item<double>() : INFINITY;
}

class GoldenCase {
 public:
  GoldenCase(const TrainCase& one, const TrainSetup& setup)
      : setup_(setup),
        golden_(one.folder / "golden.safetensors"),
        init_(one.folder / "init.safetensors"),
        about_(parse_json(read_file(one.folder / "golden.json"), "golden.json")),
        tolerance_(about_.at("tolerance")) {
    const Tensor x = Safetensors(one.folder / "batches.safetensors").tensor(setup.x);
    steps_ = x.size(0);
    const int64_t points = setup.layers ? x.size(-2) : 1;
    rows_ = x.numel() / x.size(-1) / points / steps_;
    x_ = x.reshape({steps_ * rows_, points, x.size(-1)}).clone();
    if (setup.turns) {
      turns_ = points;
      x_ = x_.reshape({-1, 1, x.size(-1)});
    }
    shape_ = {x_.size(1), x_.size(1), x_.size(2), x_.size(2)};
    normaliser_ = make_normaliser(architectures(), setup.normalize, {},
                                  setup.target.empty() ? 0 : 1, "normalize");
    if (!setup.target.empty()) {
      const Tensor y = Safetensors(one.folder / "batches.safetensors").tensor(setup.target);
      x_ = at::cat({x_, y.reshape_as(x_)}, 1);
      shape_.transcodes = true;
    }
    if (!setup.fit_on.empty())
      fit_to(Safetensors(one.folder / "batches.safetensors").tensor(setup.fit_on));
    Value given = setup.train;
    given.set("steps", steps_ * turns_);
    given.set("batch", rows_);
    given.set("steps_per_schedule", turns_);
    given.set("checkpoint_every", 1);
    train_ = train_schema().parse("train", given);
  }

  std::unique_ptr<Sae> sae() const { return sae_of(setup_.sae, shape_); }

  // Codes, reconstruction and gradients of the first step.
  void compare_first_step() {
    const auto sae = this->sae();
    const PeerStart start(setup_, train_, init_, normaliser_->state());
    start.put(*sae);
    MemorySource source(x_);
    const Batch batch = make_batch(*normaliser_, Batches(source, rows_, turns_).next());
    {
      const at::NoGradGuard no_grad;
      sae->start(batch);
    }
    const Pass pass = sae->pass(batch, Mode::train);
    Step step;
    Firing firing = start.firing(sae->d_sae());
    if (train_.dead_counted == "after") firing.add(pass.codes, Group());
    step.dead = firing.dead();
    forward("codes", setup_.codes, pass.codes.dense());
    if (!setup_.output.empty()) forward("output", setup_.output, pass.output);
    Tensor total;
    for (const Loss& loss : sae->losses(pass, step)) {
      const Tensor term =
          loss.value * (loss.sparsity ? sparsity_factor(train_, 0, train_.steps) : 1.0);
      total = total.defined() ? total + term : term;
    }
    total.backward();
    for (const PeerTensor& tensor : setup_.params) {
      const std::string name = "grad." + tensor.peer;
      if (!golden_.has(name)) continue;
      const Tensor gradient = param_of(*sae, tensor.name).grad();
      ASSERT_TRUE(gradient.defined()) << tensor.name;
      EXPECT_LE(most_apart(in_peers_layout(tensor, gradient), golden_.tensor(name)),
                tolerance_.at("gradient_abs").number(tensor.peer))
          << name;
    }
  }

  // Every step's loss and learning rate; parameters after 1, 2, 5 and 20 steps.
  void compare_trajectory() {
    const auto sae = this->sae();
    PeerStart start(setup_, train_, init_, normaliser_->state());
    MemorySource source(x_);
    NoSink events;
    TrainHooks hooks;
    hooks.events = &events;
    hooks.checkpoints = &start;
    hooks.turns = turns_;
    const Tensor losses = golden_.tensor("trace.loss"), rates = golden_.tensor("trace.lr");
    hooks.reads_weights = true;
    hooks.on_step = [&](const StepMetrics& m, Value&) {
      const std::string at = "step " + std::to_string(m.step);
      if (!within("trace", m.step - 1)) return true;
      const double loss = losses[m.step - 1].item<double>();
      if (setup_.losses_until == 0 || m.step <= setup_.losses_until) {
        EXPECT_LE(std::abs(m.loss - loss), trace("loss") * std::abs(loss)) << at << ": loss";
      }
      const double rate = rates[m.step - 1].item<double>();
      EXPECT_LE(std::abs(m.lr - rate), trace("lr") * std::abs(rate)) << at << ": lr";
      if (m.step % turns_ != 0) return true;
      const int64_t batches = m.step / turns_;
      compare_threshold(*sae, batches);
      if (within("step" + std::to_string(batches), 0))
        compare_params(batches, "", [&](const std::string& name) { return param_of(*sae, name); });
      return true;
    };
    start.on_save = [&](const Checkpoint& checkpoint) {
      compare_params(checkpoint.step, "z.", [&](const std::string& name) {
        return find_tensor(checkpoint.tensors, "base/" + name, param_of(*sae, name));
      });
    };
    fit(*sae, *normaliser_, source, train_, hooks);
    compare_params(steps_, "x.", [&](const std::string& name) { return param_of(*sae, name); });
    EXPECT_GE(compared_, 4) << "tensors compared";
  }

 private:
  // What the peer had after a step, `kind` of schedule-free ones being x. or z.; nothing where its
  // file has none.
  template <class Param>
  void compare_params(int64_t step, const std::string& kind, const Param& param) {
    const std::string at = std::to_string(step);
    for (const PeerTensor& tensor : setup_.params) {
      const std::string name = "step" + at + "." + kind + tensor.peer;
      if (!golden_.has(name)) continue;
      ++compared_;
      EXPECT_LE(most_apart(in_peers_layout(tensor, param(tensor.name)), golden_.tensor(name)),
                tolerance_.at("parameters_abs").at(at).number(kind + tensor.peer))
          << name;
    }
  }
  // The running threshold of a batch_topk or matryoshka, where the peer's file has it.
  void compare_threshold(const Sae& sae, int64_t step) {
    for (const Buffer& buffer : sae.buffers())
      for (const char* name : {"topk_threshold", "threshold", "loss_term.threshold"}) {
        const std::string trace_name = std::string("trace.") + name;
        if (buffer.name != "threshold" || !golden_.has(trace_name)) continue;
        const double peers = golden_.tensor(trace_name)[step - 1].item<double>();
        EXPECT_NEAR(buffer.value.item<double>(), peers, trace(name) * std::abs(peers))
            << "step " << step << ": threshold";
      }
  }
  void fit_to(const Tensor& rows) {
    MemorySource source(rows.reshape({-1, 1, rows.size(-1)}).clone());
    normaliser_->fit(source, rows.numel() / rows.size(-1));
  }
  void forward(const std::string& what, const std::string& name, const Tensor& value) {
    const std::string key = name.substr(name.find('.') + 1);
    EXPECT_LE(most_apart(value, golden_.tensor(name).reshape(value.sizes())),
              tolerance_.at("forward_abs").number(key))
        << what << " against " << name;
  }
  // Whether the case says that step `index` of `what` can be compared: where it has compare_only,
  // "step1" or "trace[0:2]" must stand there.
  bool within(const std::string& what, int64_t index) const {
    const Value* only = tolerance_.find("compare_only");
    if (!only) return true;
    for (const Value& entry : *only->as<Value::Array>()) {
      const std::string& text = *entry.as<std::string>();
      if (text == what) return true;
      int64_t begin = 0, end = 0;
      if (text.starts_with(what + "[") &&
          std::sscanf(text.c_str() + what.size(), "[%" SCNd64 ":%" SCNd64 "]", &begin, &end) == 2)
        return begin <= index && index < end;
    }
    return false;
  }
  double trace(const std::string& name) const {
    return tolerance_.at("trace_relative").number(name);
  }

  const TrainSetup& setup_;
  Safetensors golden_, init_;
  Value about_;
  const Value& tolerance_;
  Tensor x_;  // [steps * rows, points, d]
  Shape shape_;
  int64_t steps_ = 0, rows_ = 0, turns_ = 1;
  std::unique_ptr<Normaliser> normaliser_;
  TrainParams train_;
  int compared_ = 0;
};

TEST(TrainGolden, steps_as_the_peers_do) {
  int compared = 0, later = 0;
  for (const TrainCase& one : train_cases()) {
    SCOPED_TRACE(one.name());
    std::string why;
    const auto setup = setup_of(one, why);
    if (!setup) {
      std::cout << "NOT YET in facet: " << one.name() << ": " << why << "\n";
      ++later;
      continue;
    }
    GoldenCase golden(one, *setup);
    golden.compare_first_step();
    golden.compare_trajectory();
    ++compared;
  }
  std::cout << compared << " cases compared, " << later << " not yet in facet\n";
  EXPECT_GE(compared, 5);
}

}  // namespace
}  // namespace facet
