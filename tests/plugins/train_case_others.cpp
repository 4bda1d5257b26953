// Configurations of the BatchTopK and Matryoshka originals and of protein and RNA SAEs as facet's.
#include "plugins/train_case_setups.h"

namespace facet {
namespace {

TrainSetup bussmann_batch_topk(const Value& config) {
  const Value& cfg = config.at("cfg");
  TrainSetup out;
  out.sae = Value::Table{{"type", "batch_topk"},
                         {"compat", "bussmann"},
                         {"d_sae", config.integer("d_sae")},
                         {"k", cfg.at("top_k")},
                         {"k_aux", cfg.at("top_k_aux")},
                         {"aux_coefficient", cfg.at("aux_penalty")},
                         {"l1_coefficient", cfg.at("l1_coeff")}};
  // The case's init tensor has the counters of the end; every third latent began at 6 batches.
  const int64_t rows = config.integer("n");
  out.idle_every = 3;
  out.idle_rows = 6 * rows;
  out.train = Value::Table{{"compat", "bussmann"},
                           {"lr", cfg.number("lr")},
                           {"dead_after_steps", cfg.integer("n_batches_to_dead") - 1}};
  out.normalize = "batch_topk";
  out.params = {{"W_enc", "W_enc"}, {"W_dec", "W_dec"}, {"b_enc", "b_enc"}, {"b_dec", "b_dec"}};
  out.codes = "forward.codes";
  return out;
}

TrainSetup bussmann_matryoshka(const Value& config) {
  TrainSetup out = bussmann_batch_topk(config);
  out.sae.set("type", "matryoshka");
  Value::Array widths;
  int64_t width = 0;
  for (const Value& size : *config.at("cfg").at("group_sizes").as<Value::Array>())
    widths.emplace_back(width += *size.as<int64_t>());
  out.sae.set("widths", widths);
  return out;
}

TrainSetup interplm_relu(const Value& config) {
  const Value& trainer = config.at("trainer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "relu"},
                         {"compat", "interplm"},
                         {"d_sae", config.integer("d_sae")},
                         {"l1_coefficient", trainer.number("l1_penalty")}};
  out.train = risen_from_zero(trainer, "l1_penalty_warmup_steps");
  out.train.set("compat", "interplm");
  out.params = linear_names("bias", "encoder.bias");
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup interprot_topk(const Value& config) {
  constexpr int64_t kDeadAfter = 20 / 4;  // dead_if of the case
  TrainSetup out;
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "interprot"},
                         {"d_sae", config.integer("d_sae")},
                         {"k", config.at("k")}};
  out.train = Value::Table{{"compat", "interprot"}, {"lr", config.number("lr")}, {"clip", 0.0}};
  count_ahead(out, "state.stats_last_nonzero", kDeadAfter,
              config.integer("batch") * config.integer("seq"));
  out.normalize = "openai";
  out.params = {{"w_enc", "W_enc"}, {"w_dec", "W_dec"}, {"b_enc", "b_enc"}, {"b_pre", "b_dec"}};
  out.codes = "forward.codes";
  return out;
}

TrainSetup rep_saes_topk(const Value& config) {
  TrainSetup out;
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "rep_saes"},
                         {"d_sae", config.integer("d_sae")},
                         {"k", config.at("k")},
                         {"aux_coefficient", config.number("aux_alpha")}};
  out.train = Value::Table{{"compat", "rep_saes"}, {"lr", config.number("lr")}};
  count_ahead(out, "state.neuron_idle_counts", config.integer("inactive_threshold"),
              config.integer("n"));
  if (const Value* difference = config.find("return_difference");
      difference && !difference->empty()) {
    out.target = "y";
    out.codes = "forward.codes";
    out.output = "forward.reconstruction";
  }
  out.normalize = "rep_saes";
  out.params = {{"weights.0", "W_enc"},
                {"weights.1", "W_dec"},
                {"weights.2", "b_enc"},
                {"weights.3", "b_dec"}};
  out.codes = "forward.codes";
  return out;
}

TrainSetup helix_relu(const Value& config) {
  TrainSetup out;
  out.sae = Value::Table{{"type", "relu"},
                         {"compat", "helix_sae"},
                         {"d_sae", config.integer("d_sae")},
                         {"l1_coefficient", config.number("l1_coefficient")}};
  out.train = Value::Table{{"compat", "helix_sae"}, {"lr", config.number("lr")}};
  out.params = {{"encoder.weight", "W_dec"}, {"encoder.bias", "b_enc"}};
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup helix_topk(const Value& config) {
  TrainSetup out = helix_relu(config);
  out.sae.set("type", "topk");
  out.sae.set("k", config.at("k"));
  out.sae.as<Value::Table>()->erase("l1_coefficient");
  return out;
}

}  // namespace

TrainSetups others_setups() {
  return {{{"InterPLM", "relu"}, interplm_relu},
          {{"InterProt", "topk"}, interprot_topk},
          {{"bartbussmann/BatchTopK", "batchtopk"}, bussmann_batch_topk},
          {{"bartbussmann/matryoshka_sae", "matryoshka"}, bussmann_matryoshka},
          {{"SAE_Helix_mRNA (seed 000)", "relu"}, helix_relu},
          {{"SAE_Helix_mRNA (seed 000)", "topk"}, helix_topk},
          {{"Rep_SAEs_PLMs (seed 001)", "TopKAuto"}, rep_saes_topk}};
}

}  // namespace facet
