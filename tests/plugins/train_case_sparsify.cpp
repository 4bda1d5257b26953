// Configurations of sparsify, OpenSAE and OpenAI as facet's.
#include "plugins/train_case_setups.h"

namespace facet {
namespace {

TrainSetup sparsify_topk(const Value& config) {
  const Value& train = config.at("train");
  const std::string optimiser = config.text("optimizer");
  TrainSetup out;
  out.sae = Value::Table{{"type", "topk"},
                         {"compat", "sparsify"},
                         {"d_sae", config.integer("num_latents")},
                         {"k", config.at("sae").at("k")},
                         {"aux_coefficient", number_or(train, "auxk_alpha", 0)}};
  out.train = Value::Table{
      {"compat", "sparsify"},
      {"optimiser", optimiser},
      {"lr", train.number("lr")},
      {"lr_scale", "none"},
      {"dead_after_rows", train.find("dead_feature_threshold") ? train.at("dead_feature_threshold")
                                                               : Value(10'000'000)}};
  if (config.at("sae").find("multi_topk")) out.sae.set("multi_topk", 4);
  const double warmup = share_of_steps(train, "lr_warmup_steps", config.integer("steps"));
  if (optimiser != "signum") out.train.set("decay", optimiser == "muon" ? 1.0 : 1 - warmup);
  if (optimiser == "adam") out.train.set("warmup", warmup);
  if (optimiser == "muon") {
    out.train.set("vector_warmup", warmup);
    out.train.set("weight_decay", 0.1);
    // Steps are rounded to bfloat16, so two float32 runs part by 1e-4 (golden.json, notes), and
    // from some step on a row chooses another latent: 14 with the products of LibTorch, as the peer
    // has them, 11 with any other order of summation. Parameters are compared to the end.
    out.train.set("kernels", "plain");
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

}  // namespace

TrainSetups sparsify_setups() {
  return {{{"OpenSAE", "topk"}, opensae_topk},
          {{"OpenSAE", "jumprelu"}, opensae_jumprelu},
          {{"OpenAI sparse_autoencoder train.py", "topk"}, openai_topk},
          {{"sparsify", "sae"}, sparsify_topk},
          {{"sparsify", "transcoder"}, sparsify_transcoder}};
}

}  // namespace facet
