// Lists ESM-2's tensors and finds them in a checkpoint.
#include "weights.h"

#include <facet/torch.h>

#include <facet/error.h>

#include <algorithm>
#include <utility>

namespace facet::esm2 {

namespace {

using layers::Checkpoint;
using layers::Slot;

const std::string kBody = "esm.";  // in front of the body's names, when the model has a head
const std::string kEmbedding = "esm.embeddings.word_embeddings.weight";
const std::string kDecoder = "lm_head.decoder.weight";
const std::string kLayer = "esm.encoder.layer.";

/// Collects the slots of a block.
struct Collector {
  std::vector<Slot>& out;
  int64_t block = -1;

  void add(const std::string& name, std::vector<int64_t> sizes, Tensor& into) const {
    out.push_back({.name = name, .sizes = std::move(sizes), .into = &into, .block = block});
  }
  void linear(const std::string& name, int64_t in, int64_t to, layers::FastLinear& layer) const {
    add(name + ".weight", {to, in}, layer.weight());
    add(name + ".bias", {to}, layer.bias());
  }
  /// The i-th of three layers [d, d] that lie together.
  void third(const std::string& name, int64_t i, int64_t d, layers::FastLinear& layer) const {
    linear(name, d, d, layer);
    for (Slot& slot : std::span(out).last(2)) {
      slot.row = i * d;
      slot.rows = 3 * d;
    }
  }
  void norm(const std::string& name, int64_t d, layers::Norm& norm) const {
    add(name + ".weight", {d}, norm.weight);
    add(name + ".bias", {d}, norm.bias);
  }
};

void add_block(const Collector& to, const std::string& name, const Config& c,
               layers::Block& block) {
  to.norm(name + "attention.LayerNorm", c.d, block.attention_norm);
  to.third(name + "attention.self.query", 0, c.d, block.query_key_value);
  to.third(name + "attention.self.key", 1, c.d, block.query_key_value);
  to.third(name + "attention.self.value", 2, c.d, block.query_key_value);
  to.linear(name + "attention.output.dense", c.d, c.d, block.output);
  to.norm(name + "LayerNorm", c.d, block.mlp_norm);
  to.linear(name + "intermediate.dense", c.d, c.mlp, block.up);
  to.linear(name + "output.dense", c.mlp, c.d, block.down);
}

void add_body(const Config& c, Weights& weights, std::vector<Slot>& out) {
  const Collector to{out};
  to.add(kEmbedding, {static_cast<int64_t>(vocabulary().size()), c.d}, weights.embedding);
  for (int64_t i = 0; i < c.blocks; ++i)
    add_block({out, i}, kLayer + std::to_string(i) + ".", c,
              weights.blocks[static_cast<size_t>(i)]);
  to.norm(kBody + "encoder.emb_layer_norm_after", c.d, weights.final_norm);
}

void add_head(const Config& c, Weights& weights, std::vector<Slot>& out) {
  const auto tokens = static_cast<int64_t>(vocabulary().size());
  const Collector to{out, c.blocks};
  to.linear("lm_head.dense", c.d, c.d, weights.head);
  to.norm("lm_head.layer_norm", c.d, weights.head_norm);
  if (!c.tied) to.add(kDecoder, {tokens, c.d}, weights.decoder.weight());
  to.add("lm_head.bias", {tokens}, weights.decoder.bias());
}

/// Whether the checkpoint has any tensor of a purpose that may be left out.
bool has_any(const Config& config, const Checkpoint& checkpoint, Purpose purpose) {
  Weights none;
  const std::vector<Slot> all = slots(config, purpose, none);
  return std::any_of(all.begin(), all.end(),
                     [&](const Slot& slot) { return checkpoint.sizes(slot.name).has_value(); });
}

/// Whether the decoder, if the file repeats it, has the values of the embeddings.
bool is_tied(const Checkpoint& checkpoint, at::ScalarType dtype) {
  if (!checkpoint.sizes(kDecoder) || !checkpoint.sizes(kEmbedding)) return true;
  return torch::equal(checkpoint.tensor(kDecoder).to(dtype),
                      checkpoint.tensor(kEmbedding).to(dtype));
}

/// What is read of a checkpoint; UserError when something is wrong with it.
std::vector<Slot> checked_slots(const Config& config, const Checkpoint& checkpoint,
                                Frequencies frequencies, at::ScalarType dtype, Weights& weights) {
  std::vector<Slot> out;
  for (const Purpose purpose : kPurposes) {
    const bool wanted = purpose == Purpose::body ||
                        (purpose == Purpose::frequencies ? frequencies == Frequencies::stored
                                                         : has_any(config, checkpoint, purpose));
    if (!wanted) continue;
    for (Slot& slot : slots(config, purpose, weights)) out.push_back(std::move(slot));
  }
  std::vector<std::string> problems = layers::problems_of(checkpoint, out, kLayer, config.blocks);
  if (config.tied && has_any(config, checkpoint, Purpose::head) && !is_tied(checkpoint, dtype))
    problems.push_back(checkpoint.file + ": " + kDecoder +
                       ": differs from the embeddings, should equal them (config.json: "
                       "tie_word_embeddings)");
  if (!problems.empty()) throw UserError(problems);
  return out;
}

}  // namespace

std::vector<Slot> slots(const Config& c, Purpose purpose, Weights& weights) {
  std::vector<Slot> out;
  weights.blocks.resize(static_cast<size_t>(c.blocks));
  weights.frequencies.resize(static_cast<size_t>(c.blocks));
  const Collector to{out};
  if (purpose == Purpose::body) add_body(c, weights, out);
  if (purpose == Purpose::head) add_head(c, weights, out);
  if (purpose == Purpose::frequencies)
    for (size_t i = 0; i < weights.frequencies.size(); ++i)
      to.add(kLayer + std::to_string(i) + ".attention.self.rotary_embeddings.inv_freq",
             {c.d / c.heads / 2}, weights.frequencies[i]);
  if (purpose == Purpose::contacts) {
    to.add(kBody + "contact_head.regression.weight", {1, c.blocks * c.heads},
           weights.contacts.weight);
    to.add(kBody + "contact_head.regression.bias", {1}, weights.contacts.bias);
  }
  if (purpose == Purpose::frequencies || purpose == Purpose::contacts)
    for (Slot& slot : out) slot.kept = layers::Kept::constant;
  return out;
}

int64_t parameters(const Config& config) {
  Weights none;
  int64_t count = 0;
  for (const Purpose purpose : {Purpose::body, Purpose::head})
    for (const Slot& slot : slots(config, purpose, none))
      count += c10::multiply_integers(slot.sizes);
  return count;
}

Checkpoint open_checkpoint(const Config& config) {
  Checkpoint out = layers::safetensors_checkpoint(config.weights, kBody);
  const auto here = [sizes = out.sizes](const std::string& name) {
    if (sizes(name)) return name;
    for (const auto& [now, once] : {std::pair(".weight", ".gamma"), std::pair(".bias", ".beta")})
      if (name.ends_with(now)) {
        const std::string older = name.substr(0, name.size() - std::string(now).size()) + once;
        if (sizes(older)) return older;
      }
    return name;
  };
  out.sizes = [here, sizes = out.sizes](const std::string& name) { return sizes(here(name)); };
  out.tensor = [here, tensor = out.tensor](const std::string& name) { return tensor(here(name)); };
  return out;
}

WeightsReader::WeightsReader(const Config& config, const Checkpoint& checkpoint,
                             Frequencies frequencies, const layers::Reading& reading)
    : has_head_(has_any(config, checkpoint, Purpose::head)),
      blocks_(checkpoint, reading,
              checked_slots(config, checkpoint, frequencies, reading.dtype, weights_),
              [this](int64_t block) {
                const auto i = static_cast<size_t>(block);
                if (i == weights_.blocks.size())
                  return std::vector{&weights_.head, &weights_.decoder};
                return weights_.blocks[i].layers();
              }) {
  if (config.tied) weights_.decoder.weight() = weights_.embedding;
  const Tensor computed = layers::inverse_frequencies(config.d / config.heads, config.rotary_base);
  for (size_t i = 0; i < weights_.frequencies.size(); ++i) {
    Tensor& of = weights_.frequencies[i];
    if (!of.defined()) of = computed.to(at::Device(reading.device));
    if (i > 0 && torch::equal(of, weights_.frequencies[i - 1])) of = weights_.frequencies[i - 1];
  }
  if (weights_.contacts.weight.defined())
    weights_.contacts.weight = weights_.contacts.weight.view(-1);
}

}  // namespace facet::esm2
