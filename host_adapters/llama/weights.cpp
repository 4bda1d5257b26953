// Lists Llama's tensors and finds them in a checkpoint.
#include "weights.h"

#include <facet/torch.h>

#include <facet/error.h>

namespace facet::llama {

namespace {

using layers::Checkpoint;
using layers::Slot;

const std::string kLayer = "model.layers.";
const std::string kEmbedding = "model.embed_tokens.weight";
const std::string kHead = "lm_head.weight";
const std::string kFrequencyDivisors = "rope_freqs.weight";  // of GGUF files

void add_block_slots(const std::string& name, const Config& c, Block& block,
                     std::vector<Slot>& out) {
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  const std::string attention = name + "self_attn.", mlp = name + "mlp.";
  at::Tensor &query_key_value = block.query_key_value.weight(), &gate_up = block.gate_up.weight();
  out.push_back({name + "input_layernorm.weight", {c.d}, &block.attention_norm});
  out.push_back({attention + "q_proj.weight", {q, c.d}, &query_key_value, 0, q + 2 * kv});
  out.push_back({attention + "k_proj.weight", {kv, c.d}, &query_key_value, q, q + 2 * kv});
  out.push_back({attention + "v_proj.weight", {kv, c.d}, &query_key_value, q + kv, q + 2 * kv});
  out.push_back({attention + "o_proj.weight", {c.d, q}, &block.output.weight()});
  out.push_back({name + "post_attention_layernorm.weight", {c.d}, &block.mlp_norm});
  out.push_back({mlp + "gate_proj.weight", {c.mlp, c.d}, &gate_up, 0, 2 * c.mlp});
  out.push_back({mlp + "up_proj.weight", {c.mlp, c.d}, &gate_up, c.mlp, 2 * c.mlp});
  out.push_back({mlp + "down_proj.weight", {c.d, c.mlp}, &block.down.weight()});
}

/// Frequencies of the configuration, divided by those that a GGUF file holds of them.
at::Tensor frequencies_of(const Config& config, const Checkpoint& checkpoint) {
  const at::Tensor computed = frequencies(config.rope, config.head_dim);
  const auto is = checkpoint.sizes(kFrequencyDivisors);
  if (!is) return computed;
  if (*is != std::vector<int64_t>{config.head_dim / 2})
    throw UserError(checkpoint.file + ": " + kFrequencyDivisors + ": is " + layers::shown(*is) +
                    ", should be " + layers::shown({config.head_dim / 2}));
  return computed / checkpoint.tensor(kFrequencyDivisors).to(torch::kFloat32);
}

/// The checkpoint, unless something is wrong with it.
const Checkpoint& checked(const Config& config, const Checkpoint& checkpoint) {
  Weights none;
  const std::vector<std::string> problems =
      layers::problems_of(checkpoint, slots(config, none), kLayer, config.blocks);
  if (!problems.empty()) throw UserError(problems);
  if (config.tied && checkpoint.sizes(kHead) &&
      !torch::equal(checkpoint.tensor(kHead), checkpoint.tensor(kEmbedding)))
    throw UserError(checkpoint.file + ": " + kHead +
                    ": differs from the embeddings, should equal them (tie_word_embeddings)");
  return checkpoint;
}

}  // namespace

std::vector<Slot> slots(const Config& c, Weights& weights) {
  std::vector<Slot> out;
  weights.blocks.resize(static_cast<size_t>(c.blocks));
  out.push_back({kEmbedding, {c.vocabulary, c.d}, &weights.embedding});
  for (size_t i = 0; i < weights.blocks.size(); ++i) {
    const size_t first = out.size();
    add_block_slots(kLayer + std::to_string(i) + ".", c, weights.blocks[i], out);
    for (size_t j = first; j < out.size(); ++j) out[j].block = static_cast<int64_t>(i);
  }
  out.push_back({kBody + "norm.weight", {c.d}, &weights.final_norm});
  if (!c.tied) out.push_back({kHead, {c.vocabulary, c.d}, &weights.head.weight()});
  return out;
}

int64_t parameters(const Config& config) {
  Weights none;
  int64_t count = 0;
  for (const Slot& slot : slots(config, none)) count += c10::multiply_integers(slot.sizes);
  return count;
}

WeightsReader::WeightsReader(const Config& config, Checkpoint checkpoint, layers::Reading reading)
    : blocks_(checked(config, checkpoint), reading, slots(config, weights_), [this](int64_t block) {
        Block& of = weights_.blocks[static_cast<size_t>(block)];
        return std::vector{&of.query_key_value, &of.output, &of.gate_up, &of.down};
      }) {
  if (config.tied)
    weights_.head = layers::FastLinear({weights_.embedding, {}});
  else
    weights_.head.pack();
  weights_.frequencies = frequencies_of(config, checkpoint).to(at::Device(reading.device));
}

void WeightsReader::keep_plain(int64_t count) {
  weights_.head.keep_plain();
  blocks_.keep_plain(count);
}

}  // namespace facet::llama
