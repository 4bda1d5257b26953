// The host "esm2": protein language models of the ESM-2 family from a Hugging Face folder.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <deque>
#include <optional>

#include "block.h"
#include "config.h"
#include "letters.h"
#include "maps.h"
#include "stages.h"
#include "weights.h"

namespace facet::esm2 {

namespace {

/// Share of tokens masked in training, 0.15 of them, 0.8 of these by <mask>: what token dropout
/// makes up for.
constexpr double kMaskedInTraining = 0.15 * 0.8;

struct Params {
  std::string weights;
  std::string dtype = "f32";
  std::string specials = "both";
  std::string unknown = "error";
  std::string masks = "token";
  int64_t context = 1022;
  std::string longer = "error";
  std::string token_dropout = "config";
  std::string inv_freq = "computed";
  int64_t random_weights = -1;
};

Schema<Params> schema() {
  return Schema<Params>()
      .field("weights", &Params::weights,
             "Folder with config.json, vocab.txt and model.safetensors, or its shards and "
             "model.safetensors.index.json.",
             required, input_path)
      .field("dtype", &Params::dtype,
             "What weights and rows are kept and multiplied in; bf16 takes half the memory, keeps "
             "two to three digits, and is faster only where the processor has it.",
             one_of({"f32", "bf16"}))
      .field("specials", &Params::specials,
             "Tokens added to each protein: <cls> in front and <eos> behind, as in training, or "
             "only one of them, or none.",
             one_of({"both", "cls", "eos", "none"}))
      .field("unknown", &Params::unknown,
             "A letter outside the vocabulary (J, *, lower case) is an error or becomes one <unk> "
             "(transformers: one for a run).",
             one_of({"error", "unk"}))
      .field("masks", &Params::masks,
             "<mask> written in a sequence is one masked residue, or an error.",
             one_of({"token", "error"}))
      .field("context", &Params::context,
             "Longest protein; ESM-2 was trained on at most 1022 residues and its two specials.",
             at_least(1), unit("residues"))
      .field("longer", &Params::longer,
             "A protein beyond the context is an error, or is computed all the same: rotary "
             "positions go on, training did not.",
             one_of({"error", "compute"}))
      .field("token_dropout", &Params::token_dropout,
             "Scale embeddings as in training (0.88 when nothing is masked, <mask> is zero), or "
             "leave them; config: as config.json says.",
             one_of({"config", "on", "off"}))
      .field("inv_freq", &Params::inv_freq,
             "Rotary frequencies computed, as transformers does, or as stored in the file, as "
             "fair-esm does; released files store them rounded to half precision.",
             one_of({"computed", "stored"}))
      .field("random_weights", &Params::random_weights,
             "A seed: every weight is drawn anew, normal, with the mean and deviation of its "
             "tensor: a control that learnt nothing; -1: the weights as they are.",
             at_least(-1));
}

layers::LetterPolicy letter_policy(const Params& params) {
  const std::string& specials = params.specials;
  layers::LetterPolicy policy;
  policy.host = "esm2";
  if (specials == "both" || specials == "cls") policy.begin = kCls;
  if (specials == "both" || specials == "eos") policy.end = kEos;
  if (params.unknown == "unk") policy.unknown = kUnk;
  if (params.longer == "error") policy.longest = params.context;
  policy.longer_advice =
      "; set data.max_length to cut them, or host.longer = \"compute\" to go beyond training";
  policy.bars[kPad] = "padding is never computed, should be left out";
  if (params.masks == "error") policy.bars[kMask] = "not taken, host.masks is \"error\"";
  return policy;
}

class Esm2 final : public HostModel {
 public:
  Esm2(const Params& params, const HostSetup& setup)
      : params_(params),
        setup_(setup),
        config_(read_config(params.weights)),
        token_dropout_(params.token_dropout == "config" ? config_.token_dropout
                                                        : params.token_dropout == "on"),
        letters_(letter_policy(params), vocabulary()) {
    info_.type = "esm2";
    info_.ids = {kCls, kPad, kMask, {kEos}};
    info_.points = layers::block_points(config_.blocks, config_.d);
    info_.tokens = vocabulary();
    info_.vocabulary = static_cast<int64_t>(info_.tokens.size());
    const int64_t specials = params.specials == "both" ? 2 : params.specials == "none" ? 0 : 1;
    info_.context = params.longer == "error" ? params.context + specials : 0;
    info_.d_model = config_.d;
    info_.layers = config_.blocks;
    info_.parameters = parameters(config_);
    info_.switches = Value::Table{{"context", params.context},
                                  {"dtype", params.dtype},
                                  {"gelu", "erf"},
                                  {"inv_freq", params.inv_freq},
                                  {"longer", params.longer},
                                  {"masks", params.masks},
                                  {"positions", "rotary, from 0 at the first token"},
                                  {"queries", "scaled before the rotary embedding"},
                                  {"random_weights", params.random_weights},
                                  {"specials", params.specials},
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
    const Weights& weights = read_weights(hooks, want);
    const layers::Packed packed(tokens);
    layers::Maps maps(packed, want, config_.blocks, &weights.contacts);
    const Tensor x = embedded(weights.embedding, tokens, packed);
    std::deque<layers::Rotary> rotary;  // one for each set of frequencies
    std::vector<layers::Stage> stages;
    stages.push_back([&](layers::Residual& r, const layers::Stretch& stretch) {
      r.shown = x.slice(0, stretch.begin, stretch.end);
    });
    for (size_t i = 0; i < weights.blocks.size(); ++i) {
      const Tensor& frequencies = weights.frequencies[i];
      if (i == 0 || !frequencies.is_same(weights.frequencies[i - 1]))
        rotary.emplace_back(frequencies, packed);
      layers::add_block(stages, weights.blocks[i], config_.heads, config_.eps, rotary.back(),
                        packed, maps.watch(static_cast<int64_t>(i)));
    }
    stages.push_back([&](layers::Residual& r, const layers::Stretch&) {
      r.shown = layers::layer_norm(r.shown, weights.final_norm, config_.eps);
    });
    stages.push_back([&](layers::Residual& r, const layers::Stretch&) {
      r.shown = layers::by_rows(r.shown, [&](const Tensor& rows) {
        const Tensor inner = weights.head(rows, layers::FastLinear::Then::gelu);
        return weights.decoder(layers::layer_norm(inner, weights.head_norm, config_.eps));
      });
    });
    return layers::run_stages(info_, stages, packed, hooks, want, maps, x.device());
  }

 private:
  std::string file() const { return config_.weights.string(); }

  /// With the blocks, and the head, that the pass goes through.
  const Weights& read_weights(std::span<const Hook> hooks, Want want) {
    open_weights();
    if (want.logits && !reader_->has_head())
      throw UserError(file() + ": has no lm_head, so there are no logits");
    if (want.contacts && !reader_->weights().contacts.weight.defined())
      throw UserError(file() + ": has no esm.contact_head, so there are no contacts");
    const int64_t blocks = layers::blocks_for(info_, hooks, want) + (want.logits ? 1 : 0);
    reader_->read_blocks(blocks);
    if (want.gradients) reader_->keep_plain(blocks);
    return reader_->weights();
  }

  void open_weights() {
    if (reader_) return;
    const at::ScalarType dtype = params_.dtype == "bf16" ? at::kBFloat16 : at::kFloat;
    reader_.emplace(config_, open_checkpoint(config_),
                    params_.inv_freq == "stored" ? Frequencies::stored : Frequencies::computed,
                    layers::Reading{dtype, setup_.device, params_.random_weights, "esm2"});
    if (setup_.events)
      setup_.events->emit(
          {Level::debug, "host.loaded", -1,
           Value(Value::Table{{"message", "esm2: " + std::to_string(config_.blocks) +
                                              " blocks of width " + std::to_string(config_.d) +
                                              " from " + params_.weights}})});
  }

  /// Word embeddings [t, d]; with token dropout those of <mask> are zero, and all rows of a
  /// sequence are scaled by (1 - kMaskedInTraining) / (1 - its share of <mask>).
  Tensor embedded(const Tensor& embedding, const Tokens& tokens,
                  const layers::Packed& packed) const {
    const Tensor x = embedding.index_select(0, tokens.id.to(embedding.device()));
    if (!token_dropout_) return x;
    const Tensor masked = tokens.id.eq(kMask);  // [t]
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
    return (x * factor.to(x.device())).to(x.scalar_type());
  }

  Params params_;
  HostSetup setup_;
  Config config_;
  bool token_dropout_;
  layers::Letters letters_;
  HostInfo info_;
  std::optional<WeightsReader> reader_;
};

}  // namespace

}  // namespace facet::esm2

FACET_PLUGIN("facet.host.esm2", FACET_VERSION) {
  registry.add_host<facet::esm2::Esm2>(
      "esm2", "Protein language models of the ESM-2 family, from a Hugging Face folder.",
      facet::esm2::schema());
}
