// A training so short that a test can make it many times, and what it leaves.
#pragma once

#include <facet/rng.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/test_folder.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "train/checkpoint_folder.h"
#include "train/trainer.h"

namespace facet {

inline constexpr int64_t kRows = 24, kWidth = 12, kLatents = 40, kSteps = 12;

inline Tensor some_rows(int64_t points) {
  Rng rng(3, "test/rows");
  const Tensor x = at::empty({kRows * 4, points, kWidth});
  float* to = x.data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) to[i] = static_cast<float>(rng.normal()) + 0.3f;
  return x;
}

/// [train] with latents that are dead soon, so that their terms take part.
inline Value short_training() {
  return Value::Table{{"steps", kSteps}, {"batch", kRows},           {"lr", 0.01},
                      {"clip", 0.5},     {"dead_after_rows", kRows}, {"sparsity_warmup", 0.3},
                      {"warmup", 0.3}};
}

inline Value with(Value table, const std::string& key, const Value& value) {
  table.set(key, value);
  return table;
}

/// Architectures over several hookpoints read three, every other one.
inline Shape shape_for(const Value& sae) {
  const std::string type = sae.text("type");
  const bool several = type == "route" || type == "crosscoder" || sae.find("choose");
  const int64_t points = several ? 3 : 1;
  return {points, points, kWidth, kWidth};
}

inline void train(Sae& sae, const Value& section, const TrainHooks& hooks = {},
                  const Value& normalize = {}) {
  // An architecture over several hookpoints, which makes one row of them or is no PlainSae, is
  // given three.
  const bool several = sae.shape({3, 3, kWidth, kWidth}).points_out == 1 ||
                       dynamic_cast<const PlainSae*>(&sae) == nullptr;
  MemorySource source(some_rows(several ? 3 : 1));
  const auto normaliser = make_normaliser(architectures(), normalize, "normalize");
  const TrainParams params = train_schema().parse("train", section);
  fit(sae, *normaliser, source, params, hooks);
}

inline std::string state_of(const Sae& sae) {
  std::string bytes;
  const auto add = [&](const Tensor& t) {
    const Tensor flat = t.detach().contiguous();
    bytes.append(static_cast<const char*>(flat.const_data_ptr()), flat.nbytes());
  };
  for (const auto& [name, value] : sae.params()) add(value);
  for (const Buffer& buffer : sae.buffers()) add(buffer.value);
  return bytes;
}

inline std::string trained(const Value& section, const Value& training,
                           const Value& normalize = {}) {
  const auto sae = sae_of(section, shape_for(section));
  train(*sae, training, {}, normalize);
  return state_of(*sae);
}

inline Value topk() { return Value::Table{{"type", "topk"}, {"d_sae", kLatents}, {"k", 4}}; }
inline Value relu() {
  return Value::Table{{"type", "relu"}, {"d_sae", kLatents}, {"l1_coefficient", 0.3}};
}
/// Of which many latents are dead.
inline Value silent_relu() { return with(relu(), "b_enc_start", -2.0); }
inline Value jumprelu() {
  return Value::Table{{"type", "jumprelu"}, {"d_sae", kLatents},     {"threshold", 0.8},
                      {"bandwidth", 0.5},   {"l0_coefficient", 0.1}, {"pre_act_coefficient", 0.1}};
}
inline Value fixed_jumprelu() {
  return with(with(jumprelu(), "threshold_learns", false), "l0_coefficient", 0.0);
}
inline Value route() { return Value::Table{{"type", "route"}, {"d_sae", kLatents}, {"k", 4}}; }
inline Value batch_topk() {
  return Value::Table{{"type", "batch_topk"}, {"d_sae", kLatents}, {"k", 4}};
}
inline Value gated() {
  return Value::Table{{"type", "gated"}, {"d_sae", kLatents}, {"l1_coefficient", 0.3}};
}
inline Value matryoshka() {
  return Value::Table{
      {"type", "matryoshka"}, {"d_sae", kLatents}, {"k", 4}, {"widths", Value::Array{8, 20}}};
}
/// p falls within the steps of short_training().
inline Value annealed(const char* type) {
  return Value::Table{{"type", type},     {"d_sae", kLatents},       {"anneal_start", 2},
                      {"anneal_end", 10}, {"n_sparsity_updates", 4}, {"sparsity_queue_length", 2},
                      {"p_end", 0.4}};
}

/// One checkpoint on disk.
class OneCheckpoint : public Checkpoints {
 public:
  void save(const Checkpoint& checkpoint, const Sae& sae) override {
    save_checkpoint(base_ / "one", checkpoint, sae);
    there_ = true;
  }
  std::optional<Checkpoint> load(Sae& sae) override {
    if (!there_) return std::nullopt;
    return load_checkpoint(base_ / "one", sae);
  }

 private:
  TestFolder base_;
  bool there_ = false;
};

inline Value both(Value table, const Value& more) {
  if (const auto* keys = more.as<Value::Table>())
    for (const auto& [key, value] : *keys) table.set(key, value);
  return table;
}

/// `training` on top of short_training().
inline void expect_same_after_a_stop(const Value& section, const Value& training,
                                     int64_t stop_after) {
  SCOPED_TRACE(emit_json(section) + emit_json(training) + " stopped after " +
               std::to_string(stop_after));
  const Value settings = both(short_training(), training);
  OneCheckpoint folder;
  TrainHooks hooks;
  hooks.checkpoints = &folder;
  int64_t steps = 0;
  hooks.on_step = [&](const StepMetrics& m, Value&) {
    steps = m.step;
    return true;
  };
  hooks.stop = [&] { return steps == stop_after; };
  EXPECT_THROW(train(*sae_of(section, shape_for(section)), settings, hooks), Stopped);
  hooks.stop = nullptr;
  const auto resumed = sae_of(section, shape_for(section));
  train(*resumed, settings, hooks);
  EXPECT_TRUE(state_of(*resumed) == trained(section, settings));
}

}  // namespace facet
