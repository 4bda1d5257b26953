// dictionary_learning's configurations as facet's.
#include "plugins/train_case_setups.h"

namespace facet {
namespace {

TrainSetup dictlearn_april(const Value& config) {
  const Value& trainer = config.at("trainer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "relu"},
                         {"compat", "dictionary_learning"},
                         {"d_sae", config.integer("d_sae")},
                         {"l1_coefficient", trainer.number("l1_penalty")},
                         {"l1", "l1_weighted"},
                         {"decoder_norm", "never"},
                         {"project_gradient", false}};
  out.train = risen_from_zero(trainer, "sparsity_warmup_steps");
  out.train.set("compat", "dictionary_learning");
  out.params = linear_names("bias", "encoder.bias");
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup dictlearn_standard(const Value& config) {
  TrainSetup out = dictlearn_april(config);
  for (const char* key : {"l1", "decoder_norm", "project_gradient"})
    out.sae.as<Value::Table>()->erase(key);
  out.train.set("clip", 0.0);
  return out;
}

TrainSetup dictlearn_gated(const Value& config) {
  const Value& trainer = config.at("trainer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "gated"},
                         {"compat", "dictionary_learning"},
                         {"d_sae", config.integer("d_sae")},
                         {"l1_coefficient", trainer.number("l1_penalty")}};
  out.train = risen_from_zero(trainer, "sparsity_warmup_steps");
  out.train.set("compat", "dictionary_learning");
  out.train.set("beta1", 0.0);
  out.train.set("clip", 0.0);
  out.params = linear_names("decoder_bias", "gate_bias");
  out.params[1].name = "b_gate";
  out.params.push_back({"mag_bias", "b_mag"});
  out.params.push_back({"r_mag", "r_mag"});
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup dictlearn_p_anneal(const Value& config) {
  const Value& trainer = config.at("trainer");
  const int64_t steps = config.integer("steps");  // of those the case has; its schedule is longer
  const std::string function = trainer.text("sparsity_function");
  TrainSetup out;
  out.sae = Value::Table{{"type", "p_anneal"},
                         {"compat", "dictionary_learning"},
                         {"d_sae", config.integer("d_sae")},
                         {"sparsity_function", function == "Lp^p" ? "lp_p" : "lp"},
                         {"sparsity_coefficient", trainer.at("initial_sparsity_penalty")}};
  for (const char* key : {"p_start", "p_end", "anneal_start", "anneal_end", "n_sparsity_updates",
                          "sparsity_queue_length"})
    out.sae.set(key, trainer.at(key));
  out.train =
      Value::Table{{"compat", "dictionary_learning"},
                   {"lr", trainer.number("lr")},
                   {"clip", 0.0},
                   {"warmup", share_of_steps(trainer, "warmup_steps", steps)},
                   {"decay", 0.0},
                   {"sparsity_warmup", share_of_steps(trainer, "sparsity_warmup_steps", steps)}};
  out.params = linear_names("bias", "encoder.bias");
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup dictlearn_topk(const Value& config) {
  const Value& trainer = config.at("trainer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "dictionary_learning"},
                         {"d_sae", config.integer("d_sae")},
                         {"k", trainer.at("k")}};
  if (trainer.find("auxk_alpha")) out.sae.set("aux_coefficient", trainer.number("auxk_alpha"));
  out.train = risen_from_zero(trainer, "");
  out.train.set("compat", "dictionary_learning");
  out.train.set("dead_after_rows", config.integer("dead_feature_threshold") - 1);
  out.counters = "state.num_tokens_since_fired";
  out.params = linear_names("b_dec", "encoder.bias");
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup dictlearn_batch_topk(const Value& config) {
  const Value& trainer = config.at("trainer");
  TrainSetup out = dictlearn_topk(config);
  out.sae.set("type", "batch_topk");
  out.sae.set("threshold_rate", 1 - trainer.number("threshold_beta"));
  out.sae.set("threshold_after", trainer.integer("threshold_start_step") + 1);
  return out;
}

TrainSetup dictlearn_matryoshka(const Value& config) {
  TrainSetup out = dictlearn_batch_topk(config);
  out.sae.set("type", "matryoshka");
  out.sae.set("fractions", config.at("trainer").at("group_fractions"));
  out.params = {{"W_enc", "W_enc"}, {"W_dec", "W_dec"}, {"b_enc", "b_enc"}, {"b_dec", "b_dec"}};
  return out;
}

TrainSetup dictlearn_jumprelu(const Value& config) {
  const Value& trainer = config.at("trainer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "jumprelu"},
                         {"compat", "dictionary_learning"},
                         {"d_sae", config.integer("d_sae")},
                         {"bandwidth", trainer.number("bandwidth")},
                         {"l0_coefficient", trainer.number("sparsity_penalty")},
                         {"l0_target", trainer.number("target_l0")}};
  out.train = risen_from_zero(trainer, "sparsity_warmup_steps");
  out.train.set("compat", "dictionary_learning");
  out.train.set("beta1", 0.0);
  out.params = {{"W_enc", "W_enc"},
                {"W_dec", "W_dec"},
                {"b_enc", "b_enc"},
                {"b_dec", "b_dec"},
                {"threshold", "threshold"}};
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

}  // namespace

TrainSetups dictlearn_setups() {
  return {{{"dictionary_learning", "standard"}, dictlearn_standard},
          {{"dictionary_learning", "standard_april"}, dictlearn_april},
          {{"dictionary_learning", "topk"}, dictlearn_topk},
          {{"dictionary_learning", "batchtopk"}, dictlearn_batch_topk},
          {{"dictionary_learning", "jumprelu"}, dictlearn_jumprelu},
          {{"dictionary_learning", "gated"}, dictlearn_gated},
          {{"dictionary_learning", "p_anneal"}, dictlearn_p_anneal},
          {{"dictionary_learning", "matryoshka"}, dictlearn_matryoshka}};
}

}  // namespace facet
