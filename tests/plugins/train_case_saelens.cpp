// SAELens' configurations as facet's.
#include "plugins/train_case_setups.h"

namespace facet {
namespace {

// Trainer, tensors and names that SAELens' architectures share.
TrainSetup saelens(const Value& config, const std::string& sparsity_warmup) {
  const Value& trainer = config.at("trainer");
  const int64_t steps = config.integer("steps");
  TrainSetup out;
  out.train =
      Value::Table{{"compat", "saelens"},
                   {"lr", trainer.number("lr")},
                   {"warmup", share_of_steps(trainer, "lr_warm_up_steps", steps)},
                   {"decay", share_of_steps(trainer, "lr_decay_steps", steps)},
                   {"sparsity_warmup", share_of_steps(config.at("sae"), sparsity_warmup, steps)}};
  if (trainer.find("dead_feature_window")) {
    out.counters = "state.n_forward_passes_since_fired";
    out.counter_rows = config.integer("n");
    out.train.set("dead_after_steps", trainer.integer("dead_feature_window"));
  }
  out.params = {{"W_enc", "W_enc"}, {"W_dec", "W_dec"}, {"b_enc", "b_enc"}, {"b_dec", "b_dec"}};
  out.codes = "forward.feature_acts";
  out.output = "forward.sae_out";
  return out;
}

TrainSetup saelens_standard(const Value& config) {
  TrainSetup out = saelens(config, "l1_warm_up_steps");
  out.sae = Value::Table{{"type", "relu"},
                         {"compat", "saelens"},
                         {"d_sae", config.integer("d_sae")},
                         {"l1_coefficient", config.at("sae").number("l1_coefficient")}};
  const std::string normalised = config.at("sae").text("normalize_activations");
  if (normalised == "layer_norm") {
    out.normalize = "saelens";
    out.output = "";  // in the host's units there
  }
  if (normalised == "expected_average_only_in") {
    out.normalize = "expected_average";
    out.fit_on = "norm_batches";
  }
  return out;
}

TrainSetup saelens_jumprelu(const Value& config) {
  const Value& sae = config.at("sae");
  TrainSetup out = saelens(config, "l0_warm_up_steps");
  out.sae = Value::Table{{"type", "jumprelu"},
                         {"compat", "saelens"},
                         {"d_sae", config.integer("d_sae")},
                         {"threshold", sae.number("jumprelu_init_threshold")},
                         {"bandwidth", sae.number("jumprelu_bandwidth")},
                         {"l0_coefficient", sae.number("l0_coefficient")},
                         {"l0_mode", sae.text("jumprelu_sparsity_loss_mode")},
                         {"pre_act_coefficient", number_or(sae, "pre_act_loss_coefficient", 0)}};
  if (const Value* target = sae.find("target_l0"); target && !target->empty())
    out.sae.set("l0_target", *target);
  if (const Value* scale = sae.find("jumprelu_tanh_scale")) out.sae.set("tanh_scale", *scale);
  if (const Value* reach = sae.find("jumprelu_ste_to_input")) out.sae.set("ste_to_input", *reach);
  out.params.push_back({"threshold", "threshold"});
  return out;
}

TrainSetup saelens_gated(const Value& config) {
  TrainSetup out = saelens(config, "l1_warm_up_steps");
  out.sae = Value::Table{{"type", "gated"},
                         {"compat", "saelens"},
                         {"d_sae", config.integer("d_sae")},
                         {"l1_coefficient", config.at("sae").number("l1_coefficient")}};
  out.params = {{"W_enc", "W_enc"},   {"W_dec", "W_dec"}, {"b_dec", "b_dec"},
                {"b_gate", "b_gate"}, {"r_mag", "r_mag"}, {"b_mag", "b_mag"}};
  return out;
}

TrainSetup saelens_topk(const Value& config) {
  const Value& sae = config.at("sae");
  TrainSetup out = saelens(config, "");
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "saelens"},
                         {"d_sae", config.integer("d_sae")},
                         {"k", sae.at("k")},
                         {"aux_coefficient", sae.number("aux_loss_coefficient")},
                         {"select_by_norm", sae.flag("rescale_acts_by_decoder_norm")}};
  return out;
}

TrainSetup saelens_batch_topk(const Value& config) {
  TrainSetup out = saelens_topk(config);
  out.sae.set("type", "batch_topk");
  out.sae.set("threshold_rate", config.at("sae").number("topk_threshold_lr"));
  return out;
}

TrainSetup saelens_matryoshka(const Value& config) {
  TrainSetup out = saelens_batch_topk(config);
  out.sae.set("type", "matryoshka");
  out.sae.set("widths", config.at("sae").at("matryoshka_widths"));
  out.sae.set("level_aux", config.at("sae").at("use_matryoshka_aux_loss"));
  return out;
}

}  // namespace

TrainSetups saelens_setups() {
  return {{{"SAELens", "standard"}, saelens_standard},
          {{"SAELens", "topk"}, saelens_topk},
          {{"SAELens", "batchtopk"}, saelens_batch_topk},
          {{"SAELens", "jumprelu"}, saelens_jumprelu},
          {{"SAELens", "gated"}, saelens_gated},
          {{"SAELens", "matryoshka_batchtopk"}, saelens_matryoshka}};
}

}  // namespace facet
