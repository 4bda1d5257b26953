// Peers' configurations as facet's.
#include "plugins/train_case.h"

#include <cstdlib>
#include <map>
#include <sstream>

#include "base/files.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

double number(const Value& table, const std::string& key, double otherwise) {
  const Value* v = table.find(key);
  if (!v || v->empty()) return otherwise;
  return v->is<int64_t>() ? static_cast<double>(*v->as<int64_t>()) : *v->as<double>();
}

double share(const Value& table, const std::string& key, int64_t steps) {
  return number(table, key, 0) / static_cast<double>(steps);
}

// Each tensor of PyTorch's nn.Linear has the output first.
std::vector<PeerTensor> linear_names(const std::string& b_dec, const std::string& b_enc) {
  return {{b_dec, "b_dec"},
          {b_enc, "b_enc"},
          {"encoder.weight", "W_enc", true},
          {"decoder.weight", "W_dec", true}};
}

// Trainer, tensors and names that SAELens' architectures share.
TrainSetup saelens(const Value& config, const std::string& sparsity_warmup) {
  const Value& trainer = config.at("trainer");
  const int64_t steps = config.integer("steps");
  TrainSetup out;
  out.train = Value::Table{{"compat", "saelens"},
                           {"lr", trainer.number("lr")},
                           {"warmup", share(trainer, "lr_warm_up_steps", steps)},
                           {"decay", share(trainer, "lr_decay_steps", steps)},
                           {"sparsity_warmup", share(config.at("sae"), sparsity_warmup, steps)}};
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

// Counters of steps that a latent which fires sets to 1, where facet sets 0.
void count_ahead(TrainSetup& setup, const std::string& counters, int64_t dead_above, int64_t rows) {
  setup.counters = counters;
  setup.counter_rows = rows;
  setup.counter_ahead = 1;
  setup.train.set("dead_after_rows", 0);
  setup.train.set("dead_after_steps", dead_above - 1);
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

// Linear rise from 0 and fall after decay_start, as dictionary_learning and InterPLM have it.
Value risen_from_zero(const Value& trainer, const std::string& sparsity_warmup) {
  const int64_t steps = trainer.integer("steps");
  return Value::Table{{"lr", trainer.number("lr")},
                      {"warmup", share(trainer, "warmup_steps", steps)},
                      {"decay", 1 - share(trainer, "decay_start", steps)},
                      {"sparsity_warmup", share(trainer, sparsity_warmup, steps)}};
}

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
  out.train = Value::Table{{"compat", "dictionary_learning"},
                           {"lr", trainer.number("lr")},
                           {"clip", 0.0},
                           {"warmup", share(trainer, "warmup_steps", steps)},
                           {"decay", 0.0},
                           {"sparsity_warmup", share(trainer, "sparsity_warmup_steps", steps)}};
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

// Trainer, tensors and names that RouteSAE's models share.
TrainSetup routesae(const Value& config, const std::string& type) {
  TrainSetup out;
  out.sae = Value::Table{{"type", type},
                         {"compat", "routesae_repro"},
                         {"d_sae", config.integer("latent_size")},
                         {"decoder_norm_every", config.integer("steps")}};
  out.train = Value::Table{{"compat", "routesae_repro"}, {"lr", config.number("lr")}};
  out.normalize = "routesae";
  out.unit_decoder = true;
  out.params = linear_names("pre_bias", "latent_bias");
  out.x = "hidden_states";
  out.codes = "forward.codes";
  out.output = "forward.x_hat";
  return out;
}

TrainSetup routesae_vanilla(const Value& config) {
  TrainSetup out = routesae(config, "relu");
  out.sae.set("l1_coefficient", config.number("l1_coeff"));
  return out;
}

TrainSetup routesae_gated(const Value& config) {
  TrainSetup out = routesae(config, "gated");
  out.sae.set("l1_coefficient", config.number("l1_coeff"));
  out.params = linear_names("pre_bias", "gate_bias");
  out.params[1].name = "b_gate";
  out.params.push_back({"mag_bias", "b_mag"});
  out.params.push_back({"r_mag", "r_mag"});
  return out;
}

TrainSetup routesae_topk(const Value& config) {
  TrainSetup out = routesae(config, "topk");
  out.sae.set("k", config.at("k"));
  return out;
}

// The decoder's norm is set after the last turn of every so many batches; decoder_norm_every counts
// steps, the first of which is a batch's first turn.
TrainSetup routesae_mlsae(const Value& config) {
  TrainSetup out = routesae_topk(config);
  out.sae.as<Value::Table>()->erase("decoder_norm_every");
  out.sae.set("decoder_norm", "never");
  out.unit_every = config.integer("steps");
  out.layers = out.turns = true;
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
                         {"pre_act_coefficient", number(sae, "pre_act_loss_coefficient", 0)}};
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

TrainSetup routesae_jumprelu(const Value& config) {
  TrainSetup out = routesae(config, "jumprelu");
  out.sae.set("l0_coefficient", config.number("l1_coeff"));
  out.sae.set("threshold", config.number("threshold"));
  out.sae.set("bandwidth", config.number("bandwidth"));
  out.params.push_back({"threshold", "threshold"});
  return out;
}

TrainSetup routesae_route(const Value& config) {
  TrainSetup out = routesae(config, "route");
  out.sae.set("k", config.integer("k"));
  out.sae.set("aggregate", config.text("aggre"));
  out.sae.set("routing", config.text("routing"));
  out.params = linear_names("sae.pre_bias", "sae.latent_bias");
  for (PeerTensor& tensor : out.params)
    if (tensor.transposed) tensor.peer = "sae." + tensor.peer;
  out.params.push_back({"router.weight", "W_router", true});
  out.layers = true;
  return out;
}

TrainSetup routesae_crosscoder(const Value& config) {
  TrainSetup out = routesae(config, "crosscoder");
  out.sae.set("l1_coefficient", config.number("l1_coeff"));
  out.params = {{"latent_bias", "b_enc"}};
  const auto& routed = *config.at("routed_layers").as<Value::Array>();  // first and last
  const int64_t points = *routed[1].as<int64_t>() - *routed[0].as<int64_t>() + 1;
  for (int64_t point = 0; point < points; ++point) {
    const std::string weight = "." + std::to_string(point) + ".weight";
    out.params.push_back({"encoder" + weight, "W_enc", true, point});
    out.params.push_back({"decoder" + weight, "W_dec", true, point});
  }
  out.layers = true;
  return out;
}

TrainSetup sparsify_topk(const Value& config) {
  const Value& train = config.at("train");
  const std::string optimiser = config.text("optimizer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "sparsify"},
                         {"d_sae", config.integer("num_latents")},
                         {"k", config.at("sae").at("k")},
                         {"aux_coefficient", number(train, "auxk_alpha", 0)}};
  out.train = Value::Table{
      {"compat", "sparsify"},
      {"optimiser", optimiser},
      {"lr", train.number("lr")},
      {"lr_scale", "none"},
      {"dead_after_rows", train.find("dead_feature_threshold") ? train.at("dead_feature_threshold")
                                                               : Value(10'000'000)}};
  if (config.at("sae").find("multi_topk")) out.sae.set("multi_topk", 4);
  const double warmup = share(train, "lr_warmup_steps", config.integer("steps"));
  if (optimiser != "signum") out.train.set("decay", optimiser == "muon" ? 1.0 : 1 - warmup);
  if (optimiser == "adam") out.train.set("warmup", warmup);
  if (optimiser == "muon") {
    out.train.set("vector_warmup", warmup);
    out.train.set("weight_decay", 0.1);
    // Steps are rounded to bfloat16, so two float32 runs part by 1e-4 (golden.json, notes), and
    // from step 14 on some row chooses another latent. Parameters are compared to the end.
    out.losses_until = 13;
  }
  out.counters = "state.num_tokens_since_fired";
  out.params = {{"b_dec", "b_dec"},
                {"encoder.bias", "b_enc"},
                {"encoder.weight", "W_enc", true},
                {"W_dec", "W_dec"}};
  out.codes = "forward.codes";
  out.output = "forward.sae_out";
  return out;
}

TrainSetup sparsify_transcoder(const Value& config) {
  TrainSetup out = sparsify_topk(config);
  out.sae.set("compat", "sparsify_transcoder");
  out.sae.set("skip", config.at("sae").flag("skip_connection"));
  out.target = "y";
  out.params.push_back({"W_skip", "W_skip"});
  return out;
}

TrainSetup opensae(const Value& config) {
  const Value& sae = config.at("sae");
  TrainSetup out;
  out.sae = Value::Table{{"compat", "opensae"},
                         {"d_sae", config.integer("d_sae")},
                         {"b_dec_start", "zero"},
                         {"aux_coefficient", sae.number("auxk_alpha")}};
  out.train = Value::Table{{"compat", "opensae"},
                           {"lr", config.number("lr")},
                           {"lr_scale", "none"},
                           {"warmup", 0.0},
                           {"decay", 0.0}};
  out.normalize = "opensae";
  out.params = {{"b_dec", "b_dec"},
                {"encoder.bias", "b_enc"},
                {"encoder.weight", "W_enc", true},
                {"W_dec", "W_dec"}};
  out.codes = "forward.codes";
  return out;
}

TrainSetup opensae_topk(const Value& config) {
  TrainSetup out = opensae(config);
  out.sae.set("type", "topk");
  out.sae.set("k", config.at("sae").at("k"));
  out.sae.set("multi_topk", config.at("sae").integer("multi_topk_multiplier"));
  out.train.set("dead_after_rows", config.integer("dead_threshold"));
  out.counters = "state.num_tokens_since_fired";
  return out;
}

TrainSetup opensae_jumprelu(const Value& config) {
  TrainSetup out = opensae(config);
  out.sae.set("type", "jumprelu");
  out.sae.set("threshold", config.at("sae").number("jumprelu_theta"));
  return out;
}

TrainSetup openai_topk(const Value& config) {
  TrainSetup out;
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "openai"},
                         {"d_sae", config.integer("d_sae")},
                         {"k", config.at("k")},
                         {"k_aux", config.at("auxk")},
                         {"aux_coefficient", config.number("auxk_coef")},
                         {"error_coefficient", config.number("mse_scale")},
                         {"b_dec_start", "zero"}};
  out.train = Value::Table{{"compat", "openai"},
                           {"lr", config.number("lr")},
                           {"keep_gradients", !config.flag("zero_grad")}};
  count_ahead(out, "state.stats_last_nonzero", config.integer("dead_steps"), config.integer("n"));
  out.params = linear_names("pre_bias", "latent_bias");
  out.codes = "forward.codes";
  out.output = "forward.recons";
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

// What each peer calls an architecture -> how facet is told; nullptr: not in facet yet.
using Setups = std::map<std::pair<std::string, std::string>, TrainSetup (*)(const Value&)>;
const Setups& setups() {
  static const std::string seed0 = "SAE_Helix_mRNA (seed 000)", seed1 = "Rep_SAEs_PLMs (seed 001)";
  static const Setups known = {{{"SAELens", "standard"}, saelens_standard},
                               {{"SAELens", "topk"}, saelens_topk},
                               {{"SAELens", "batchtopk"}, saelens_batch_topk},
                               {{"SAELens", "jumprelu"}, saelens_jumprelu},
                               {{"SAELens", "gated"}, saelens_gated},
                               {{"SAELens", "matryoshka_batchtopk"}, saelens_matryoshka},
                               {{"dictionary_learning", "standard"}, dictlearn_standard},
                               {{"dictionary_learning", "standard_april"}, dictlearn_april},
                               {{"dictionary_learning", "topk"}, dictlearn_topk},
                               {{"dictionary_learning", "batchtopk"}, dictlearn_batch_topk},
                               {{"dictionary_learning", "jumprelu"}, dictlearn_jumprelu},
                               {{"dictionary_learning", "gated"}, dictlearn_gated},
                               {{"dictionary_learning", "p_anneal"}, dictlearn_p_anneal},
                               {{"dictionary_learning", "matryoshka"}, dictlearn_matryoshka},
                               {{"InterPLM", "relu"}, interplm_relu},
                               {{"InterProt", "topk"}, interprot_topk},
                               {{"RouteSAE-repro", "Vanilla"}, routesae_vanilla},
                               {{"RouteSAE-repro", "TopK"}, routesae_topk},
                               {{"RouteSAE-repro", "JumpReLU"}, routesae_jumprelu},
                               {{"RouteSAE-repro", "RouteSAE"}, routesae_route},
                               {{"RouteSAE-repro", "Gated"}, routesae_gated},
                               {{"RouteSAE-repro", "Crosscoder"}, routesae_crosscoder},
                               {{"RouteSAE-repro", "MLSAE"}, routesae_mlsae},
                               {{"OpenSAE", "topk"}, opensae_topk},
                               {{"OpenSAE", "jumprelu"}, opensae_jumprelu},
                               {{"OpenAI sparse_autoencoder train.py", "topk"}, openai_topk},
                               {{"bartbussmann/BatchTopK", "batchtopk"}, bussmann_batch_topk},
                               {{"bartbussmann/matryoshka_sae", "matryoshka"}, bussmann_matryoshka},
                               {{"sparsify", "sae"}, sparsify_topk},
                               {{"sparsify", "transcoder"}, sparsify_transcoder},
                               {{seed0, "relu"}, helix_relu},
                               {{seed0, "topk"}, helix_topk},
                               {{seed1, "TopKAuto"}, rep_saes_topk}};
  return known;
}

}  // namespace

std::vector<TrainCase> train_cases() {
  std::vector<fs::path> bases = {FACET_TEST_DATA "/train",
                                 FACET_TEST_SOURCE "/../shared/golden/train"};
  if (const char* more = std::getenv("FACET_GOLDEN")) {
    std::istringstream folders(more);
    for (std::string folder; std::getline(folders, folder, ':');) bases.emplace_back(folder);
  }
  std::map<std::string, TrainCase> cases;
  for (const fs::path& base : bases) {
    if (!fs::is_directory(base)) continue;
    for (const auto& entry : fs::directory_iterator(base))
      if (fs::exists(entry.path() / "config.json"))
        cases.try_emplace(
            entry.path().filename().string(),
            TrainCase{entry.path(), parse_json(read_file(entry.path() / "config.json"),
                                               (entry.path() / "config.json").string())});
  }
  std::vector<TrainCase> out;
  for (auto& [name, one] : cases) out.push_back(std::move(one));
  return out;
}

std::optional<TrainSetup> setup_of(const TrainCase& one, std::string& why) {
  const std::string peer = one.config.text("peer"), architecture = one.config.text("architecture");
  const auto known = setups().find({peer, architecture});
  if (known == setups().end())
    throw UserError(one.name() + ": config.json: peer \"" + peer + "\" with architecture \"" +
                    architecture + "\" is unknown to this test");
  why = known->second ? std::string() : peer + " " + architecture;
  if (!why.empty()) return std::nullopt;
  return known->second(one.config);
}

}  // namespace facet
