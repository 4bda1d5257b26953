// The host "toy": a small transformer over letters with weights from a seed, for tests and
// documentation.
#include <facet/plugin.h>
#include <facet/rng.h>
#include <facet/torch.h>

#include <cmath>
#include <functional>

#include "block.h"
#include "letters.h"
#include "maps.h"
#include "stages.h"

using namespace facet;

namespace {

constexpr double kEps = 1e-5;
constexpr double kRotaryBase = 10000;
constexpr int64_t kCls = 0, kEos = 1, kUnk = 2;

struct ToyParams {
  int64_t d = 32;
  int64_t blocks = 2;
  int64_t heads = 4;
  int64_t seed = 0;
  std::string unknown = "error";
};

Schema<ToyParams> schema() {
  return Schema<ToyParams>()
      .field("d", &ToyParams::d, "Width of the residual stream.", at_least(2))
      .field("blocks", &ToyParams::blocks, "Number of transformer blocks.", at_least(1))
      .field("heads", &ToyParams::heads, "Attention heads of each block.", at_least(1))
      .field("seed", &ToyParams::seed, "Seed of the weights.", at_least(0))
      .field("unknown", &ToyParams::unknown,
             "A letter outside the vocabulary is an error or becomes <unk>.",
             one_of({"error", "unk"}))
      .check([](const ToyParams& p) { return p.d % (2 * p.heads) == 0; },
             "d must be divisible by 2 * heads");
}

/// <cls>, <eos>, <unk>, A .. Z and the letters of alignments.
std::vector<std::string> vocabulary() {
  std::vector<std::string> tokens = {"<cls>", "<eos>", "<unk>"};
  for (char c = 'A'; c <= 'Z'; ++c) tokens.emplace_back(1, c);
  for (const char* token : {"*", "-", "."}) tokens.emplace_back(token);
  return tokens;
}

layers::FastLinear side_by_side(const layers::Linear& a, const layers::Linear& b,
                                const layers::Linear& c) {
  if (!a.weight.defined()) return {};
  return layers::FastLinear(
      {torch::cat({a.weight, b.weight, c.weight}), torch::cat({a.bias, b.bias, c.bias})});
}

class Toy final : public HostModel {
 public:
  Toy(const ToyParams& params, const HostSetup& setup)
      : params_(params),
        device_(setup.device),
        letters_({.host = "toy",
                  .begin = kCls,
                  .end = kEos,
                  .unknown = params.unknown == "unk" ? kUnk : -1},
                 vocabulary()) {
    info_.type = "toy";
    info_.ids.begin = kCls;
    info_.ids.end = {kEos};
    info_.points = layers::block_points(params.blocks, params.d);
    info_.tokens = vocabulary();
    info_.vocabulary = static_cast<int64_t>(info_.tokens.size());
    info_.d_model = params.d;
    info_.layers = params.blocks;
    info_.weights_hash =
        "toy d=" + std::to_string(params.d) + " blocks=" + std::to_string(params.blocks) +
        " heads=" + std::to_string(params.heads) + " seed=" + std::to_string(params.seed);
    info_.switches = Value::Table{{"unknown", params.unknown}};
    each_weight([this](const std::vector<int64_t>& sizes, double, double) {
      info_.parameters += c10::multiply_integers(sizes);
      return Tensor();
    });
  }

  const HostInfo& info() const override { return info_; }
  Tokens tokenize(std::span<const std::string> texts) const override {
    return letters_.tokenize(texts);
  }
  std::optional<Unembedding> unembedding() override {
    draw_weights();
    return Unembedding{embedding_, final_norm_.weight, final_norm_.bias, /*centred=*/true, kEps};
  }

  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                 Decoding* decoding) override {
    FACET_ASSERT(!decoding, "toy cannot generate");
    const at::AutoGradMode gradients(want.gradients);
    draw_weights();
    if (want.contacts) throw UserError("toy: contacts are not offered by this host");
    const layers::Packed packed(tokens);
    layers::Maps maps(packed, want, params_.blocks, nullptr);
    const layers::Rotary rotary(inv_freq_, packed);
    const Tensor id = tokens.id.to(device_);
    std::vector<layers::Stage> stages;
    stages.push_back([&](layers::Residual& r, const layers::Stretch& stretch) {
      r.shown = embedding_.index_select(0, id.slice(0, stretch.begin, stretch.end));
    });
    for (size_t i = 0; i < blocks_.size(); ++i)
      layers::add_block(stages, blocks_[i], params_.heads, kEps, rotary, packed,
                        maps.watch(static_cast<int64_t>(i)));
    stages.push_back([&](layers::Residual& r, const layers::Stretch&) {
      r.shown = layers::layer_norm(r.shown, final_norm_, kEps);
    });
    stages.push_back([&](layers::Residual& r, const layers::Stretch&) {
      r.shown = torch::matmul(r.shown, embedding_.t());
    });
    return layers::run_stages(info_, stages, packed, hooks, want, maps, device_);
  }

 private:
  /// Makes one tensor of weights, normally distributed.
  using Make =
      std::function<Tensor(const std::vector<int64_t>& sizes, double mean, double deviation)>;

  /// Fills every tensor of the weights from `make`, always in the same order.
  void each_weight(const Make& make) {
    const int64_t d = params_.d;
    const auto norm = [&] { return layers::Norm{make({d}, 1, 0.1), make({d}, 0, 0.1)}; };
    const auto linear = [&](int64_t in, int64_t out) {
      return layers::Linear{make({out, in}, 0, 1 / std::sqrt(static_cast<double>(in))),
                            make({out}, 0, 0.1)};
    };
    embedding_ = make({info_.vocabulary, d}, 0, 1);
    blocks_.clear();
    for (int64_t i = 0; i < params_.blocks; ++i) {
      layers::Block block;
      block.attention_norm = norm();
      const layers::Linear query = linear(d, d), key = linear(d, d), value = linear(d, d);
      block.query_key_value = side_by_side(query, key, value);
      block.output = layers::FastLinear(linear(d, d));
      block.mlp_norm = norm();
      block.up = layers::FastLinear(linear(d, 4 * d));
      block.down = layers::FastLinear(linear(4 * d, d));
      blocks_.push_back(std::move(block));
    }
    final_norm_ = norm();
  }

  void draw_weights() {
    if (embedding_.defined()) return;
    Rng rng(static_cast<uint64_t>(params_.seed), "host/toy");
    each_weight([&](const std::vector<int64_t>& sizes, double mean, double deviation) {
      const Tensor out = torch::empty(sizes, torch::kFloat32);
      float* to = out.data_ptr<float>();
      for (int64_t i = 0; i < out.numel(); ++i)
        to[i] = static_cast<float>(deviation * rng.normal());
      return (mean == 0 ? out : mean + out).to(device_);
    });
    inv_freq_ = layers::inverse_frequencies(params_.d / params_.heads, kRotaryBase).to(device_);
  }

  ToyParams params_;
  at::Device device_;
  layers::Letters letters_;
  HostInfo info_;
  Tensor embedding_, inv_freq_;  // [v, d], [head_dim / 2]
  std::vector<layers::Block> blocks_;
  layers::Norm final_norm_;
};

}  // namespace

FACET_PLUGIN("facet.host.toy", FACET_VERSION) {
  registry.add_host<Toy>(
      "toy", "A small transformer over letters, weights from a seed; for tests and documentation.",
      schema());
}
