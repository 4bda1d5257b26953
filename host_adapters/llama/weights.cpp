// Lists Llama's tensors and finds them in a checkpoint.
#include "weights.h"

#include <facet/torch.h>

#include <facet/error.h>
#include <facet/safetensors.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "drawn_anew.h"

namespace facet::llama {

namespace {

using Sizes = std::vector<int64_t>;

const std::string kBody = "model.";
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

std::string shown(const Sizes& sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

/// Puts a tensor where it belongs, in the dtype and on the device of `options`.
void place(const Slot& slot, const at::Tensor& tensor, const at::TensorOptions& options) {
  if (slot.rows == 0) {
    *slot.into = tensor.to(options);
    return;
  }
  if (!slot.into->defined()) *slot.into = torch::empty({slot.rows, slot.sizes[1]}, options);
  slot.into->narrow(0, slot.row, slot.sizes[0]).copy_(tensor);
}

/// One more than the highest block that has tensors.
int64_t blocks_of(const Checkpoint& checkpoint) {
  int64_t count = 0;
  for (const std::string& name : checkpoint.names) {
    int64_t block = 0;
    if (!name.starts_with(kLayer)) continue;
    const char* digits = name.data() + kLayer.size();
    if (std::from_chars(digits, name.data() + name.size(), block).ec == std::errc())
      count = std::max(count, block + 1);
  }
  return count;
}

std::vector<std::string> problems_of(const Checkpoint& checkpoint, const std::vector<Slot>& all,
                                     const Config& config) {
  if (const int64_t blocks = blocks_of(checkpoint); blocks != config.blocks)
    return {checkpoint.file + ": has " + std::to_string(blocks) + " layers, should have " +
            std::to_string(config.blocks) + " (num_hidden_layers)"};
  std::vector<std::string> problems;
  for (const Slot& slot : all) {
    const std::optional<Sizes> is = checkpoint.sizes(slot.name);
    if (!is)
      problems.push_back(checkpoint.file + ": " + slot.name + ": missing");
    else if (*is != slot.sizes)
      problems.push_back(checkpoint.file + ": " + slot.name + ": is " + shown(*is) +
                         ", should be " + shown(slot.sizes) + " by the configuration");
  }
  return problems;
}

/// Frequencies of the configuration, divided by those that a GGUF file holds of them.
at::Tensor frequencies_of(const Config& config, const Checkpoint& checkpoint) {
  const at::Tensor computed = frequencies(config.rope, config.head_dim);
  const std::optional<Sizes> is = checkpoint.sizes(kFrequencyDivisors);
  if (!is) return computed;
  if (*is != Sizes{config.head_dim / 2})
    throw UserError(checkpoint.file + ": " + kFrequencyDivisors + ": is " + shown(*is) +
                    ", should be " + shown({config.head_dim / 2}));
  return computed / checkpoint.tensor(kFrequencyDivisors).to(torch::kFloat32);
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

Checkpoint folder_checkpoint(const std::filesystem::path& folder) {
  const auto file = std::make_shared<const Safetensors>(folder);
  Checkpoint out;
  out.file = file->file().string();
  bool whole = false;
  for (const std::string& name : file->names()) whole = whole || name.starts_with(kBody);
  for (const std::string& name : file->names())
    out.names.push_back(whole || name == kHead ? name : kBody + name);
  const auto here = [whole](const std::string& name) {
    return !whole && name.starts_with(kBody) ? name.substr(kBody.size()) : name;
  };
  out.sizes = [file, here](const std::string& name) {
    return file->has(here(name)) ? std::optional<Sizes>(file->sizes(here(name))) : std::nullopt;
  };
  out.tensor = [file, here](const std::string& name) { return file->tensor(here(name)); };
  return out;
}

WeightsReader::WeightsReader(const Config& config, Checkpoint checkpoint, Reading reading)
    : checkpoint_(std::move(checkpoint)),
      reading_(std::move(reading)),
      slots_(slots(config, weights_)) {
  const std::vector<std::string> problems = problems_of(checkpoint_, slots_, config);
  if (!problems.empty()) throw UserError(problems);
  for (const Slot& slot : slots_)
    if (slot.block < 0) read(slot);
  if (config.tied) {
    if (checkpoint_.sizes(kHead) &&
        !torch::equal(checkpoint_.tensor(kHead), checkpoint_.tensor(kEmbedding)))
      throw UserError(checkpoint_.file + ": " + kHead +
                      ": differs from the embeddings, should equal them (tie_word_embeddings)");
    weights_.head = layers::FastLinear({weights_.embedding, {}});
  } else {
    weights_.head.pack();
  }
  weights_.frequencies = frequencies_of(config, checkpoint_).to(at::Device(reading_.device));
}

void WeightsReader::read_blocks(int64_t count) {
  for (const Slot& slot : slots_)
    if (slot.block >= blocks_read_ && slot.block < count) read(slot);
  for (; blocks_read_ < count; ++blocks_read_)
    for (layers::FastLinear* layer : layers_of(blocks_read_)) layer->pack();
  if (blocks_read_ == static_cast<int64_t>(weights_.blocks.size())) checkpoint_ = {};
}

void WeightsReader::keep_plain(int64_t count) {
  weights_.head.keep_plain();
  for (int64_t i = 0; i < count; ++i)
    for (layers::FastLinear* layer : layers_of(i)) layer->keep_plain();
}

std::vector<layers::FastLinear*> WeightsReader::layers_of(int64_t block) {
  Block& of = weights_.blocks[static_cast<size_t>(block)];
  return {&of.query_key_value, &of.output, &of.gate_up, &of.down};
}

void WeightsReader::read(const Slot& slot) {
  const at::Tensor stored = checkpoint_.tensor(slot.name);
  const auto seed = static_cast<uint64_t>(reading_.seed);
  place(slot, reading_.seed < 0 ? stored : layers::drawn_anew(stored, seed, "llama/" + slot.name),
        at::TensorOptions(reading_.dtype).device(reading_.device));
}

}  // namespace facet::llama
