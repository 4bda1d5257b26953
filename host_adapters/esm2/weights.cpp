// Lists ESM-2's tensors and finds them in a checkpoint.
#include "weights.h"

#include <facet/torch.h>

#include <facet/error.h>
#include <facet/safetensors.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace facet::esm2 {

namespace {

using Sizes = std::vector<int64_t>;

const std::string kBody = "esm.";  // in front of the body's names, when the model has a head
const std::string kDecoder = "lm_head.decoder.weight";
const std::string kLayer = "encoder.layer.";

std::string shown(const Sizes& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

/// Collects the slots of one purpose.
struct Collector {
  Purpose purpose;
  std::vector<Slot>& out;

  void add(const std::string& name, Sizes sizes, Tensor& into) const {
    out.push_back({purpose, name, std::move(sizes), &into});
  }
  void linear(const std::string& name, int64_t in, int64_t to, layers::Linear& layer) const {
    add(name + ".weight", {to, in}, layer.weight);
    add(name + ".bias", {to}, layer.bias);
  }
  void norm(const std::string& name, int64_t d, layers::Norm& norm) const {
    add(name + ".weight", {d}, norm.weight);
    add(name + ".bias", {d}, norm.bias);
  }
};

void add_block(const Collector& body, const std::string& name, const Config& c,
               layers::Block& block) {
  body.norm(name + "attention.LayerNorm", c.d, block.attention_norm);
  body.linear(name + "attention.self.query", c.d, c.d, block.query);
  body.linear(name + "attention.self.key", c.d, c.d, block.key);
  body.linear(name + "attention.self.value", c.d, c.d, block.value);
  body.linear(name + "attention.output.dense", c.d, c.d, block.output);
  body.norm(name + "LayerNorm", c.d, block.mlp_norm);
  body.linear(name + "intermediate.dense", c.d, c.mlp, block.up);
  body.linear(name + "output.dense", c.mlp, c.d, block.down);
}

/// A checkpoint, its names as in EsmForMaskedLM, and what is wrong with it.
class Checkpoint {
 public:
  explicit Checkpoint(const std::filesystem::path& file) : file_(file) {
    for (const std::string& name : file_.names()) whole_ = whole_ || name.starts_with(kBody);
  }

  bool has(const Slot& slot) const { return file_.has(name_of(slot)); }

  /// Undefined, and a problem noted, when it is not there in these sizes.
  Tensor tensor(const Slot& slot) {
    const std::string name = name_of(slot);
    if (!file_.has(name)) {
      note(name + ": missing");
    } else if (const Sizes& is = file_.sizes(name); is != slot.sizes) {
      note(name + ": is " + shown(is) + ", should be " + shown(slot.sizes) + " (config.json)");
    } else {
      return file_.tensor(name, slot.sizes);
    }
    return {};
  }

  /// Whether the decoder, if the file repeats it, has these values.
  bool tied_to(const Tensor& embedding) const {
    if (!file_.has(kDecoder) || !embedding.defined()) return true;
    return torch::equal(file_.tensor(kDecoder).to(embedding.options()), embedding);
  }

  /// One more than the highest block that the file has tensors of.
  int64_t blocks() const {
    const std::string stem = (whole_ ? kBody : "") + kLayer;
    int64_t count = 0;
    for (const std::string& name : file_.names()) {
      int64_t block = 0;
      if (!name.starts_with(stem)) continue;
      const char* digits = name.data() + stem.size();
      if (std::from_chars(digits, name.data() + name.size(), block).ec == std::errc())
        count = std::max(count, block + 1);
    }
    return count;
  }

  void note(const std::string& what) { problems_.push_back(file_.file().string() + ": " + what); }
  void throw_problems() const {
    if (!problems_.empty()) throw UserError(problems_);
  }

 private:
  std::string name_of(const Slot& slot) const {
    const std::string& name = slot.name;
    const std::string here = !whole_ && name.starts_with(kBody) ? name.substr(kBody.size()) : name;
    if (file_.has(here)) return here;
    for (const auto& [now, once] : {std::pair(".weight", ".gamma"), std::pair(".bias", ".beta")})
      if (here.ends_with(now)) {
        const std::string older = here.substr(0, here.size() - std::string(now).size()) + once;
        if (file_.has(older)) return older;
      }
    return here;
  }

  Safetensors file_;
  bool whole_ = false;
  std::vector<std::string> problems_;
};

/// Whether the file has any tensor of a purpose that may be left out.
bool has_any(const Checkpoint& file, const std::vector<Slot>& all, Purpose purpose) {
  return std::any_of(all.begin(), all.end(),
                     [&](const Slot& slot) { return slot.purpose == purpose && file.has(slot); });
}

}  // namespace

std::vector<Slot> slots(const Config& c, Weights& weights) {
  const int64_t tokens = static_cast<int64_t>(vocabulary().size());
  std::vector<Slot> out;
  const Collector body{Purpose::body, out}, rotary{Purpose::frequencies, out},
      head{Purpose::head, out}, contacts{Purpose::contacts, out};
  weights.blocks.resize(static_cast<size_t>(c.blocks));
  weights.frequencies.resize(static_cast<size_t>(c.blocks));
  body.add(kBody + "embeddings.word_embeddings.weight", {tokens, c.d}, weights.embedding);
  for (size_t i = 0; i < weights.blocks.size(); ++i) {
    const std::string name = kBody + kLayer + std::to_string(i) + ".";
    rotary.add(name + "attention.self.rotary_embeddings.inv_freq", {c.d / c.heads / 2},
               weights.frequencies[i]);
    add_block(body, name, c, weights.blocks[i]);
  }
  body.norm(kBody + "encoder.emb_layer_norm_after", c.d, weights.final_norm);
  head.linear("lm_head.dense", c.d, c.d, weights.head);
  head.norm("lm_head.layer_norm", c.d, weights.head_norm);
  if (!c.tied) head.add(kDecoder, {tokens, c.d}, weights.decoder.weight);
  head.add("lm_head.bias", {tokens}, weights.decoder.bias);
  contacts.add(kBody + "contact_head.regression.weight", {1, c.blocks * c.heads},
               weights.contacts.weight);
  contacts.add(kBody + "contact_head.regression.bias", {1}, weights.contacts.bias);
  return out;
}

int64_t parameters(const Config& config) {
  Weights none;
  int64_t count = 0;
  for (const Slot& slot : slots(config, none))
    if (slot.purpose == Purpose::body || slot.purpose == Purpose::head)
      count += std::accumulate(slot.sizes.begin(), slot.sizes.end(), int64_t{1},
                               std::multiplies<int64_t>());
  return count;
}

Weights read_weights(const Config& config, Frequencies frequencies, at::ScalarType dtype,
                     const std::string& device) {
  Checkpoint file(config.weights);
  if (const int64_t blocks = file.blocks(); blocks != config.blocks) {
    file.note("has " + std::to_string(blocks) + " layers, config.json says " +
              std::to_string(config.blocks) + " (num_hidden_layers)");
    file.throw_problems();
  }
  Weights weights;
  const std::vector<Slot> all = slots(config, weights);
  const bool head = has_any(file, all, Purpose::head);
  const bool contacts = has_any(file, all, Purpose::contacts);
  const Tensor computed = layers::inverse_frequencies(config.d / config.heads, config.rotary_base);
  for (const Slot& slot : all) {
    if (slot.purpose == Purpose::head && !head) continue;
    if (slot.purpose == Purpose::contacts && !contacts) continue;
    const bool rotary = slot.purpose == Purpose::frequencies;
    const bool wide = rotary || slot.purpose == Purpose::contacts;
    const Tensor read =
        rotary && frequencies == Frequencies::computed ? computed : file.tensor(slot);
    if (read.defined()) *slot.into = read.to(at::Device(device), wide ? at::kFloat : dtype);
  }
  if (head && config.tied) {
    if (!file.tied_to(weights.embedding))
      file.note(kDecoder +
                ": differs from the embeddings, should equal them (config.json: "
                "tie_word_embeddings)");
    weights.decoder.weight = weights.embedding;
  }
  file.throw_problems();
  for (size_t i = 1; i < weights.frequencies.size(); ++i)
    if (torch::equal(weights.frequencies[i], weights.frequencies[i - 1]))
      weights.frequencies[i] = weights.frequencies[i - 1];
  if (contacts) weights.contacts.weight = weights.contacts.weight.view(-1);
  return weights;
}

}  // namespace facet::esm2
