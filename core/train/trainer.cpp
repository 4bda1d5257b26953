// Trainings that take their steps in turn.
#include "train/trainer.h"

#include <facet/torch.h>

#include <algorithm>

#include "train/batches.h"
#include "train/training.h"

namespace facet {
namespace {

int64_t steps_of(const TrainParams& params, Batches& batches) {
  if (params.steps > 0) return params.steps;
  if (params.total_rows > 0) return params.total_rows / params.batch;
  const int64_t rows = batches.source().epoch_rows();
  if (rows < 0)
    throw UserError("train.epochs: the rows of this source cannot be counted; set train.steps");
  return params.epochs * batches.in_epoch(rows);
}

// Trainings that take their steps in turn. Those of one source stand side by side.
class Together {
 public:
  Together(const std::vector<Trainee>& trainees, const TrainParams& params)
      : params_(params), stop_(trainees.front().hooks.stop) {
    for (const Trainee& t : trainees) {
      auto same = std::find_if(sources_.begin(), sources_.end(),
                               [&](const OfSource& one) { return one.source == t.source; });
      if (same == sources_.end()) {
        auto batches = std::make_unique<Batches>(*t.source, params.batch, t.hooks.turns);
        const int64_t steps = steps_of(params, *batches);
        same = sources_.insert(same, {t.source, std::move(batches), steps, {}});
      }
      all_.push_back(std::make_unique<Training>(*t.sae, *t.normaliser, *same->batches, params,
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
    std::unique_ptr<Batches> batches;
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
        if (!rows.x.defined()) {  // said anew each time: ends of epochs drop rows
          one.source->will_read((one.steps - training->step()) * params_.batch);
          rows = training->next_rows();
        }
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

TrainOutcome fit(Sae& sae, Normaliser& normaliser, ActivationSource& source,
                 const TrainParams& params, const TrainHooks& hooks) {
  return fit_together({{&sae, &normaliser, &source, hooks}}, params).front();
}

std::vector<TrainOutcome> fit_together(const std::vector<Trainee>& trainees,
                                       const TrainParams& params) {
  return Together(trainees, params).run();
}

}  // namespace facet
