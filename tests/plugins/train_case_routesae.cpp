// RouteSAE's configurations as facet's.
#include "plugins/train_case_setups.h"

namespace facet {
namespace {

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

// The decoder's norm is set after the last turn of every so many batches.
TrainSetup routesae_mlsae(const Value& config) {
  TrainSetup out = routesae_topk(config);
  const auto& routed = config.array("routed_layers");
  const int64_t turns = *routed[1].as<int64_t>() - *routed[0].as<int64_t>() + 1;
  out.sae.set("decoder_norm_every", config.integer("steps") * turns);
  out.sae.set("decoder_norm_first", turns - 1);
  out.layers = out.turns = true;
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

}  // namespace

TrainSetups routesae_setups() {
  return {{{"RouteSAE-repro", "Vanilla"}, routesae_vanilla},
          {{"RouteSAE-repro", "TopK"}, routesae_topk},
          {{"RouteSAE-repro", "JumpReLU"}, routesae_jumprelu},
          {{"RouteSAE-repro", "RouteSAE"}, routesae_route},
          {{"RouteSAE-repro", "Gated"}, routesae_gated},
          {{"RouteSAE-repro", "Crosscoder"}, routesae_crosscoder},
          {{"RouteSAE-repro", "MLSAE"}, routesae_mlsae}};
}

}  // namespace facet
