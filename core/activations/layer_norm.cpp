// layer_norm: each row by its own mean and spread, and the form in which each source has it.
#include <facet/torch.h>

#include <utility>

#include "activations/normalisers.h"

namespace facet {
namespace {

struct LayerNormParams {
  double eps = 1e-5;
  bool unbiased = true;
  bool eps_outside = true;
  bool eps_back = false;
  bool in_host_dtype = false;
};

Schema<LayerNormParams> schema() {
  return Schema<LayerNormParams>()
      .field("eps", &LayerNormParams::eps, "Keeps rows of equal numbers finite.", above(0))
      .field("unbiased", &LayerNormParams::unbiased, "The variance divides by d - 1 instead of d.")
      .field("eps_outside", &LayerNormParams::eps_outside,
             "Divides by std + eps instead of sqrt(variance + eps).")
      .field(
          "eps_back", &LayerNormParams::eps_back,
          "The way back multiplies by that divisor, eps included, so that it is exact; otherwise "
          "by the standard deviation alone, as most sources do.")
      .field("in_host_dtype", &LayerNormParams::in_host_dtype,
             "Works in the host's dtype and widens the outcome, as RouteSAE does, instead of "
             "widening the row first; another thing only for hosts that are not float32.");
}

/// (x - mean) / divisor over the last axis, divisor = std + eps or sqrt(variance + eps); the way
/// back is x * divisor + mean, or x * std + mean without eps.
class LayerNorm : public Normaliser {
 public:
  explicit LayerNorm(const LayerNormParams& params) : params_(params) {}

  Tensor apply(const Tensor& x, Stats& stats) const override {
    const Tensor wide = params_.in_host_dtype ? x : x.to(torch::kFloat32);
    const Tensor mean = wide.mean(-1, true);  // [n, points, 1]
    const Tensor centred = wide - mean;
    const auto count = static_cast<double>(x.size(-1) - (params_.unbiased ? 1 : 0));
    const Tensor variance = centred.square().sum(-1, true) / count;
    const Tensor spread = variance.sqrt();
    const Tensor divisor =
        params_.eps_outside ? spread + params_.eps : (variance + params_.eps).sqrt();
    stats["mean"] = mean.to(torch::kFloat32);
    stats["scale"] = (params_.eps_back ? divisor : spread).to(torch::kFloat32);
    return (centred / divisor).to(torch::kFloat32);
  }

  Tensor invert(const Tensor& x, const Stats& stats) const override {
    return x.to(torch::kFloat32) * stats.at("scale") + stats.at("mean");
  }

  /// SAELens 6.54, sae.py, run_time_activation_norm_fn_in and _out.
  std::string saelens_name() const override {
    const bool same = params_.eps == 1e-5 && params_.unbiased && params_.eps_outside &&
                      !params_.eps_back && !params_.in_host_dtype;
    return same ? "layer_norm" : "";
  }

 private:
  LayerNormParams params_;
};

struct Form {
  const char* name;
  LayerNormParams params;
  const char* help;
};

// sources: RouteSAE utils.py pre_process; SAELens 6.54 sae.py; OpenSAE modeling_open_sae.py;
// sparse_autoencoder (Gao et al. 2024) model.py; BatchTopK sae.py; Rep_SAEs_PLMs
// sparse_auto_script.py.
constexpr Form kForms[] = {
    {"routesae",
     {1e-6, true, true, false, true},
     "layer_norm as RouteSAE has it: eps 1e-6 beside std, in the host's dtype."},
    {"saelens", {1e-5, true, true, false}, "layer_norm as SAELens has it: eps 1e-5 beside std."},
    {"opensae",
     {1e-5, true, true, true},
     "layer_norm as OpenSAE has it: eps 1e-5 beside std, also on the way back."},
    {"openai", {1e-5, true, true, false}, "layer_norm as Gao et al. 2024 have it, as saelens."},
    {"batch_topk",
     {1e-5, true, true, false},
     "layer_norm as the authors of BatchTopK have it, as saelens."},
    {"rep_saes",
     {1e-5, false, false, false},
     "layer_norm as Rep_SAEs_PLMs has it: sqrt(variance + 1e-5), divisor d, no eps on the way "
     "back."},
};

template <size_t kForm>
class NamedLayerNorm final : public LayerNorm {
 public:
  explicit NamedLayerNorm(const NoParams&) : LayerNorm(kForms[kForm].params) {}
};

template <size_t... kForm>
void add_forms(Registry& registry, std::index_sequence<kForm...>) {
  (registry.add_normaliser<NamedLayerNorm<kForm>>(kForms[kForm].name, kForms[kForm].help,
                                                  Schema<NoParams>()),
   ...);
}

}  // namespace

void add_layer_norms(Registry& registry) {
  registry.add_normaliser<LayerNorm>(
      "layer_norm", "Each row less its mean, divided by its standard deviation.", schema());
  add_forms(registry, std::make_index_sequence<std::size(kForms)>());
}

std::optional<Value> layer_norm_of(const std::string& name) {
  for (const Form& form : kForms) {
    if (name != form.name) continue;
    Value table = schema().resolve(form.params, {});
    table.set("type", "layer_norm");
    return table;
  }
  return std::nullopt;
}

}  // namespace facet
