// The host "llama": Llama 2 to 3.2 and models of their form, from a Hugging Face folder or a GGUF
// file.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>
#include <optional>

#include "blocks.h"
#include "decoding.h"
#include "maps.h"
#include "model.h"
#include "texts.h"
#include "weights.h"

namespace facet::llama {

namespace {

struct Params {
  std::string weights;
  std::string dtype = "f32";
  std::string bos = "config";
  int64_t context = 0;
  std::string longer = "error";
  int64_t pad = 0;
  int64_t random_weights = -1;
};

Schema<Params> schema() {
  return Schema<Params>()
      .field("weights", &Params::weights,
             "Folder with config.json, tokenizer.json and model.safetensors, or its shards and "
             "model.safetensors.index.json; or one GGUF file.",
             required, input_path)
      .field("dtype", &Params::dtype,
             "What weights and rows are kept and multiplied in, however they are stored; bf16 and "
             "f16 take half the memory, keep two to three digits, and are faster only where the "
             "processor has them.",
             one_of({"f32", "bf16", "f16"}))
      .field("bos", &Params::bos,
             "The token that begins a text stands before each text, or does not; config: as "
             "tokenizer.json says.",
             one_of({"config", "on", "off"}))
      .field("context", &Params::context,
             "Longest text with its specials; 0: max_position_embeddings of config.json.",
             at_least(0), unit("tokens"))
      .field("longer", &Params::longer, "A text beyond the context is an error, or is cut there.",
             one_of({"error", "truncate"}))
      .field("pad", &Params::pad,
             "For comparisons with programs that pad: each text is filled up to so many tokens "
             "with pads, which are computed, see the text's own tokens and are seen by none; 0: "
             "nothing is padded.",
             at_least(0), unit("tokens"))
      .field("random_weights", &Params::random_weights,
             "A seed: every weight is drawn anew, normal, with the mean and deviation of its "
             "tensor: a control that learnt nothing; -1: the weights as they are.",
             at_least(-1));
}

at::ScalarType dtype_of(const std::string& name) {
  if (name == "f32") return at::kFloat;
  return name == "bf16" ? at::kBFloat16 : at::kHalf;
}

class Llama final : public HostModel {
 public:
  Llama(const Params& params, const HostSetup& setup)
      : params_(params),
        setup_(setup),
        model_(open_model(params.weights)),
        config_(model_.config),
        bpe_(model_.bpe) {
    info_.type = "llama";
    info_.causal = true;
    info_.ids = config_.ids;
    info_.points = layers::block_points(config_.blocks, config_.d);
    info_.tokens = bpe_.tokens();
    info_.vocabulary = config_.vocabulary;
    info_.context = params.context > 0 ? params.context : config_.context;
    info_.d_model = config_.d;
    info_.layers = config_.blocks;
    info_.parameters = parameters(config_);
    info_.tokens.resize(static_cast<size_t>(info_.vocabulary));  // ids that no text gives
    texts_ = text_policy();
    info_.switches = Value::Table{{"bos", !texts_.begin.empty()},
                                  {"context", info_.context},
                                  {"dtype", params.dtype},
                                  {"longer", params.longer},
                                  {"pad", params.pad},
                                  {"positions", "rotary, from 0 at the first token"},
                                  {"random_weights", params.random_weights},
                                  {"rope", text_of(config_.rope.scaling)}};
  }

  const HostInfo& info() const override { return info_; }
  Tokens tokenize(std::span<const std::string> texts) const override {
    return llama::tokenize(bpe_, texts_, texts);
  }
  std::string text(std::span<const int64_t> ids) const override {
    return bpe_.decode(ids, "llama");
  }

  std::unique_ptr<Decoding> decoding() override {
    if (params_.pad > 0)
      throw UserError("llama: host.pad is " + std::to_string(params_.pad) +
                      ", should be 0 to generate text");
    return std::make_unique<KeyValueCache>(config_.blocks);
  }

  std::optional<Unembedding> unembedding() override {
    open_weights();
    const Weights& weights = reader_->weights();
    return Unembedding{weights.head.plain_weight(), weights.final_norm, {}, false, config_.eps};
  }

  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                 Decoding* decoding) override {
    if (want.contacts) throw UserError("llama: contacts are not offered by this host");
    auto* cache = dynamic_cast<KeyValueCache*>(decoding);
    FACET_ASSERT(!decoding || (cache && !want.gradients && !want.attention),
                 "a cached pass of llama gives rows and logits alone, without gradients");
    const at::AutoGradMode gradients(want.gradients);
    // Every block must have seen the tokens of a cached pass.
    const Want whole = {.logits = true, .last = want.last || !want.logits};
    open_weights();
    const int64_t blocks = layers::blocks_for(info_, hooks, cache ? whole : want);
    reader_->read_blocks(blocks);
    if (want.gradients) reader_->keep_plain(blocks);
    const Weights& weights = reader_->weights();
    if (cache) cache->begin(tokens.sequences());
    const layers::Packed packed(tokens, cache ? cache->lengths() : std::vector<int64_t>());
    layers::Maps maps(packed, want, config_.blocks, nullptr);
    const layers::Rotary rotary(weights.frequencies, packed);
    const std::vector<layers::Stage> stages = stages_of(tokens, packed, rotary, cache, maps);
    Logits out = layers::run_stages(info_, stages, packed, hooks, cache ? whole : want, maps,
                                    weights.embedding.device());
    if (cache) cache->advance(tokens);
    if (!want.logits) out.value = Tensor();
    return out;
  }

 private:
  TextPolicy text_policy() const {
    TextPolicy policy;
    policy.begin = bpe_.begin();
    policy.end = bpe_.end();
    if (params_.bos == "off") policy.begin.clear();
    if (params_.bos == "on" && policy.begin.empty()) {
      if (info_.ids.begin < 0)
        throw UserError("llama: host.bos is \"on\", but config.json names no bos_token_id");
      policy.begin = {info_.ids.begin};
    }
    policy.context = info_.context;
    policy.truncate = params_.longer == "truncate";
    policy.padded = params_.pad;
    policy.pad = info_.ids.pad >= 0      ? info_.ids.pad
                 : info_.ids.end.empty() ? -1
                                         : info_.ids.end.front();
    if (params_.pad > info_.context)
      throw UserError("llama: host.pad is " + std::to_string(params_.pad) +
                      ", should be at most the context (" + std::to_string(info_.context) + ")");
    if (params_.pad > 0 && policy.pad < 0)
      throw UserError("llama: host.pad is " + std::to_string(params_.pad) +
                      ", but the model names neither a pad token nor one that ends a text");
    return policy;
  }

  /// What is read of the model at the first forward pass, whatever it wants.
  void open_weights() {
    if (reader_) return;
    reader_.emplace(
        config_, model_.checkpoint(),
        layers::Reading{dtype_of(params_.dtype), setup_.device, params_.random_weights, "llama"});
    if (setup_.events)
      setup_.events->emit(
          {Level::debug, "host.loaded", -1,
           Value(Value::Table{{"message", "llama: " + std::to_string(config_.blocks) +
                                              " blocks of width " + std::to_string(config_.d) +
                                              " from " + params_.weights}})});
  }

  std::vector<layers::Stage> stages_of(const Tokens& tokens, const layers::Packed& packed,
                                       const layers::Rotary& rotary, KeyValueCache* cache,
                                       layers::Maps& maps) const {
    std::vector<layers::Stage> stages;
    const Weights& weights = reader_->weights();
    const Tensor id = tokens.id.to(weights.embedding.device());
    stages.push_back([&weights, id](layers::Residual& r, const layers::Stretch& stretch) {
      r.shown = weights.embedding.index_select(0, id.slice(0, stretch.begin, stretch.end));
    });
    for (size_t i = 0; i < weights.blocks.size(); ++i)
      add_block(stages, weights.blocks[i], config_, rotary, packed,
                cache ? &cache->past(i) : nullptr, maps.watch(static_cast<int64_t>(i)));
    stages.push_back([this, &weights](layers::Residual& r, const layers::Stretch&) {
      r.shown = layers::rms_norm(r.shown, weights.final_norm, config_.eps);
    });
    stages.push_back([&weights](layers::Residual& r, const layers::Stretch&) {
      r.shown = weights.head(r.shown);
    });
    return stages;
  }

  Params params_;
  HostSetup setup_;
  Model model_;
  const Config& config_;
  const layers::Bpe& bpe_;
  HostInfo info_;
  TextPolicy texts_;
  std::optional<WeightsReader> reader_;
};

}  // namespace

}  // namespace facet::llama

FACET_PLUGIN("facet.host.llama", FACET_VERSION) {
  registry.add_host<facet::llama::Llama>(
      "llama", "Language models of the Llama family, versions 2 to 3.2.", facet::llama::schema());
}
