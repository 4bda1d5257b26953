// Training beside the peers: every case of tests/golden/train that facet's architectures cover.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "base/files.h"
#include "base/sinks.h"
#include "facet/ops.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "plugins/train_case.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace facet {
namespace {

Tensor in_peers_layout(const PeerTensor& tensor, const Tensor& value) {
  return tensor.transposed ? value.t() : value;
}

/// The peer's start, given to the trainer as a checkpoint before the first step.
class PeerStart : public Checkpoints {
 public:
  PeerStart(const TrainSetup& setup, const Safetensors& init, Value normaliser)
      : setup_(setup), init_(init), normaliser_(std::move(normaliser)) {}

  void put(Sae& sae) const {
    const at::NoGradGuard no_grad;
    for (const PeerTensor& tensor : setup_.params)
      param_of(sae, tensor.name).copy_(in_peers_layout(tensor, init_.tensor(tensor.peer)));
    if (!setup_.unit_decoder) return;
    Tensor w_dec = param_of(sae, "W_dec");
    ops::normalise_rows(w_dec, 0);
  }
  Tensor rows_since_fired(int64_t d_sae) const {
    Tensor rows = at::zeros({d_sae}, at::kLong);
    if (!setup_.counters.empty())
      rows += init_.tensor(setup_.counters).to(at::kLong) * setup_.counter_rows;
    if (setup_.idle_every > 0) rows.slice(0, 0, d_sae, setup_.idle_every).fill_(setup_.idle_rows);
    return rows;
  }

  void save(const Checkpoint&, const Sae&) override {}
  std::optional<Checkpoint> load(Sae& sae) override {
    put(sae);
    Checkpoint out;
    for (const auto& [name, value] : sae.params())
      for (const char* moment : {"first/", "second/"})
        out.tensors.emplace_back(moment + name, at::zeros_like(value.detach()));
    out.tensors.emplace_back("rows_since_fired", rows_since_fired(sae.d_sae()));
    out.tensors.emplace_back("fired_rows", at::zeros({sae.d_sae()}, at::kLong));
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

 private:
  const TrainSetup& setup_;
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
    rows_ = x.numel() / x.size(-1) / steps_;
    x_ = x.reshape({steps_ * rows_, 1, x.size(-1)}).clone();
    normaliser_ = make_normaliser(architectures(), setup.normalize, "normalize");
    if (!setup.fit_on.empty())
      fit_to(Safetensors(one.folder / "batches.safetensors").tensor(setup.fit_on));
    Value given = setup.train;
    given.set("steps", steps_);
    given.set("batch", rows_);
    train_ = train_schema().parse("train", given);
  }

  std::unique_ptr<Sae> sae() const { return sae_of(setup_.sae, {1, 1, x_.size(2), x_.size(2)}); }

  // Codes, reconstruction and gradients of the first step.
  void compare_first_step() {
    const auto sae = this->sae();
    const PeerStart start(setup_, init_, normaliser_->state());
    start.put(*sae);
    MemorySource source(x_);
    const Batch batch = make_batch(*normaliser_, source.next(rows_));
    {
      const at::NoGradGuard no_grad;
      sae->start(batch);
    }
    const Pass pass = sae->pass(batch, Mode::train);
    Step step;
    Tensor idle = start.rows_since_fired(sae->d_sae());
    if (train_.dead_counted == "after")
      idle = (idle + rows_).masked_fill(pass.codes.dense().gt(0).any(0), 0);
    step.dead = idle.gt(train_.dead_after_rows);
    forward("codes", setup_.codes, pass.codes.dense());
    if (!setup_.output.empty()) forward("output", setup_.output, pass.output.select(1, 0));
    Tensor total;
    for (const Loss& loss : sae->losses(pass, step)) {
      const Tensor term = loss.value * (loss.sparsity ? sparsity_factor(train_, 0, steps_) : 1.0);
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
    PeerStart start(setup_, init_, normaliser_->state());
    MemorySource source(x_);
    NoSink events;
    TrainHooks hooks;
    hooks.events = &events;
    hooks.checkpoints = &start;
    const Tensor losses = golden_.tensor("trace.loss"), rates = golden_.tensor("trace.lr");
    hooks.on_step = [&](const StepMetrics& m, Value&) {
      const std::string at = "step " + std::to_string(m.step);
      const double loss = losses[m.step - 1].item<double>();
      EXPECT_LE(std::abs(m.loss - loss), trace("loss") * std::abs(loss)) << at << ": loss";
      const double rate = rates[m.step - 1].item<double>();
      EXPECT_LE(std::abs(m.lr - rate), trace("lr") * std::abs(rate)) << at << ": lr";
      for (const PeerTensor& tensor : setup_.params) {
        const std::string name = "step" + std::to_string(m.step) + "." + tensor.peer;
        if (!golden_.has(name)) continue;
        ++compared_;
        EXPECT_LE(
            most_apart(in_peers_layout(tensor, param_of(*sae, tensor.name)), golden_.tensor(name)),
            tolerance_.at("parameters_abs").at(std::to_string(m.step)).number(tensor.peer))
            << name;
      }
      return true;
    };
    fit(*sae, *normaliser_, source, train_, hooks);
    EXPECT_GE(compared_, 4) << "tensors compared";
  }

 private:
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
  double trace(const std::string& name) const {
    return tolerance_.at("trace_relative").number(name);
  }

  const TrainSetup& setup_;
  Safetensors golden_, init_;
  Value about_;
  const Value& tolerance_;
  Tensor x_;  // [steps * rows, 1, d]
  int64_t steps_ = 0, rows_ = 0;
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
