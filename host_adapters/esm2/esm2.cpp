// The host "esm2": protein language models of the ESM-2 family from a Hugging Face folder.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "config.h"
#include "letters.h"
#include "stages.h"
#include "weights.h"

namespace facet::esm2 {

namespace {

/// Share of tokens masked in training, 0.15 of them, 0.8 of these by <mask>: what token dropout
/// makes up for.
constexpr double kMaskedInTraining = 0.15 * 0.8;

struct Params {
  std::string weights;
  std::string unknown = "error";
  std::string letter_case = "keep";
  std::optional<bool> token_dropout;
  std::string inv_freq = "computed";
};

Schema<Params> schema() {
  return Schema<Params>()
      .field("weights", &Params::weights,
             "Folder with config.json, vocab.txt and model.safetensors.", required, input_path)
      .field("unknown", &Params::unknown,
             "A letter outside the vocabulary is an error or becomes one <unk> (transformers: one "
             "for a run).",
             one_of({"error", "unk"}))
      .field("letter_case", &Params::letter_case, "Letters as they are, or made upper case.",
             one_of({"keep", "upper"}))
      .field("token_dropout", &Params::token_dropout,
             "Scale embeddings as token dropout does in training (0.88 when nothing is masked); "
             "nothing: as "
             "config.json says.")
      .field("inv_freq", &Params::inv_freq,
             "Rotary frequencies computed, as transformers does, or as stored in the file, as "
             "fair-esm does.",
             one_of({"computed", "stored"}));
}

class Esm2 final : public HostModel {
 public:
  Esm2(const Params& params, const HostSetup& setup)
      : params_(params),
        setup_(setup),
        config_(read_config(params.weights)),
        token_dropout_(params.token_dropout.value_or(config_.token_dropout)),
        letters_(
            "esm2", config_.vocabulary, config_.cls, config_.eos, config_.unk,
            params.unknown == "unk" ? layers::UnknownLetter::unk : layers::UnknownLetter::error,
            params.letter_case == "upper" ? layers::LetterCase::upper : layers::LetterCase::keep) {
    info_.type = "esm2";
    info_.points = layers::block_points(config_.blocks, config_.d);
    info_.tokens = config_.vocabulary;
    info_.vocabulary = static_cast<int64_t>(config_.vocabulary.size());
    info_.d_model = config_.d;
    info_.layers = config_.blocks;
    info_.switches = Value::Table{{"dtype", "float32"},
                                  {"gelu", "erf"},
                                  {"inv_freq", params.inv_freq},
                                  {"letter_case", params.letter_case},
                                  {"positions", "rotary, from 0 at <cls>"},
                                  {"queries", "scaled before the rotary embedding"},
                                  {"specials", "<cls> first, <eos> last"},
                                  {"token_dropout", token_dropout_},
                                  {"unknown", params.unknown}};
  }

  const HostInfo& info() const override { return info_; }
  Tokens tokenize(std::span<const std::string> texts) const override {
    return letters_.tokenize(texts);
  }

  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                 Decoding* decoding) override {
    FACET_ASSERT(!decoding, "esm2 cannot generate");
    const at::AutoGradMode gradients(want.gradients);
    open_weights();
    if (want.logits && !weights_->head.weight.defined())
      throw UserError(weights_file() + ": has no lm_head, so there are no logits");
    const layers::Packed packed(tokens);
    const Tensor x = embedded(tokens, packed);
    std::vector<layers::Rotary> rotary;  // one for each set of frequencies
    for (const Tensor& frequencies : weights_->frequencies)
      rotary.emplace_back(frequencies, packed);
    std::vector<layers::Stage> stages;
    stages.push_back([&](layers::Residual& r, const layers::Stretch& stretch) {
      r.shown = x.slice(0, stretch.begin, stretch.end);
    });
    for (size_t i = 0; i < weights_->blocks.size(); ++i)
      layers::add_block(stages, weights_->blocks[i], config_.heads, config_.eps,
                        rotary[std::min(i, rotary.size() - 1)], packed);
    stages.push_back([&](layers::Residual& r, const layers::Stretch&) {
      r.shown = layers::layer_norm(r.shown, weights_->final_norm, config_.eps);
    });
    stages.push_back([&](layers::Residual& r, const layers::Stretch&) {
      const Tensor inner = layers::gelu(layers::linear(r.shown, weights_->head));
      r.shown = layers::linear(layers::layer_norm(inner, weights_->head_norm, config_.eps),
                               weights_->decoder);
    });
    return layers::run_stages(info_, stages, packed, hooks, want, x.device());
  }

 private:
  std::string weights_file() const {
    return (std::filesystem::path(params_.weights) / "model.safetensors").string();
  }

  void open_weights() {
    if (weights_) return;
    weights_ = read_weights(
        weights_file(), config_,
        params_.inv_freq == "stored" ? Frequencies::stored : Frequencies::computed, setup_.device);
    if (setup_.events)
      setup_.events->emit(
          {Level::debug, "host.loaded", -1,
           Value(Value::Table{{"message", "esm2: " + std::to_string(config_.blocks) +
                                              " blocks of width " + std::to_string(config_.d) +
                                              " from " + params_.weights}})});
  }

  /// Word embeddings [t, d]; with token dropout those of <mask> are zero, and all rows of a
  /// sequence are scaled by (1 - kMaskedInTraining) / (1 - its share of <mask>).
  Tensor embedded(const Tokens& tokens, const layers::Packed& packed) const {
    const Tensor x =
        weights_->embedding.index_select(0, tokens.id.to(weights_->embedding.device()));
    if (!token_dropout_) return x;
    const Tensor masked = tokens.id.eq(config_.mask);  // [t]
    Tensor scale = torch::empty({packed.sequences()}, torch::kFloat32);
    float* of_sequence = scale.data_ptr<float>();
    const Tensor before = torch::cat({torch::zeros({1}, torch::kInt64), masked.cumsum(0)});
    const auto masks = before.accessor<int64_t, 1>();
    for (int64_t i = 0; i < packed.sequences(); ++i) {
      const int64_t begin = packed.begin(i), end = packed.end(i);
      const double share =
          static_cast<double>(masks[end] - masks[begin]) / static_cast<double>(end - begin);
      of_sequence[i] = static_cast<float>((1 - kMaskedInTraining) / (1 - share));
    }
    const Tensor factor = packed.per_token(scale).masked_fill(masked, 0).unsqueeze(1);
    return x * factor.to(x.device());
  }

  Params params_;
  HostSetup setup_;
  Config config_;
  bool token_dropout_;
  layers::Letters letters_;
  HostInfo info_;
  std::optional<Weights> weights_;
};

}  // namespace

}  // namespace facet::esm2

FACET_PLUGIN("facet.host.esm2", FACET_VERSION) {
  registry.add_host<facet::esm2::Esm2>(
      "esm2", "Protein language models of the ESM-2 family, from a Hugging Face folder.",
      facet::esm2::schema());
}
