// A GGUF file gives what the folder of the same weights gives.
#include <cmath>
#include <map>

#include "host_adapters/gguf_bytes.h"
#include "host_adapters/spoiled.h"

namespace facet {
namespace {

constexpr uint32_t kTypeUint32 = 4, kTypeInt32 = 5, kTypeFloat = 6, kTypeText = 8, kTypeArray = 9;
enum class Stored : uint32_t { f32 = 0, f16 = 1, q8_0 = 8 };

/// The name of a tensor in GGUF.
std::string gguf_name(std::string name) {
  const std::vector<std::pair<std::string, std::string>> now = {
      {"model.layers.", "blk."},
      {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"},
      {"lm_head", "output"},
      {"input_layernorm", "attn_norm"},
      {"post_attention_layernorm", "ffn_norm"},
      {"self_attn.o_proj", "attn_output"},
      {"self_attn.", "attn_"},
      {"mlp.", "ffn_"},
      {"_proj", ""}};
  for (const auto& [old, to] : now)
    if (const size_t at = name.find(old); at != std::string::npos) name.replace(at, old.size(), to);
  return name;
}

/// Rows of each head from two halves to pairs, as llama.cpp stores queries and keys.
Tensor paired(const std::string& name, const Tensor& tensor) {
  const int64_t heads = name.ends_with("q_proj.weight")   ? 8
                        : name.ends_with("k_proj.weight") ? 2
                                                          : 0;
  if (heads == 0) return tensor;
  return tensor.view({heads, 2, -1, tensor.size(1)}).transpose(1, 2).reshape(tensor.sizes());
}

/// Blocks of 32 with their largest number as 127: the bytes of the file, and what they stand for.
struct InBlocks {
  Tensor bytes, value;
};
InBlocks in_q8_0(const Tensor& tensor) {
  const Tensor blocks = tensor.reshape({-1, 32});
  const Tensor scale = (blocks.abs().amax(1, /*keepdim=*/true) / 127).to(torch::kHalf);
  const Tensor wide = scale.to(torch::kFloat32);
  const Tensor number = (blocks / wide).round().clamp(-127, 127);
  return {torch::cat({scale.view(torch::kInt8), number.to(torch::kInt8)}, 1).contiguous(),
          (number * wide).reshape(tensor.sizes())};
}
Stored stored_as(Stored matrices, const Tensor& tensor) {
  if (tensor.dim() != 2) return Stored::f32;
  return matrices == Stored::q8_0 && tensor.size(1) % 32 != 0 ? Stored::f16 : matrices;
}

/// The tiny Llama as one file.
class GgufOfTiny {
 public:
  enum class Frequencies { plain = 1, scaled };
  /// `numbers` and `texts` are keys of the metadata that are added or overwritten.
  explicit GgufOfTiny(Stored matrices, Frequencies frequencies,
                      const std::map<std::string, uint32_t>& numbers = {},
                      const std::map<std::string, std::string>& texts = {}) {
    std::map<std::string, uint32_t> all_numbers = {
        {"llama.embedding_length", 64},       {"llama.block_count", 5},
        {"llama.feed_forward_length", 176},   {"llama.context_length", 2048},
        {"llama.attention.head_count", 8},    {"llama.attention.head_count_kv", 2},
        {"llama.rope.dimension_count", 16},   {"tokenizer.ggml.bos_token_id", 1024},
        {"tokenizer.ggml.eos_token_id", 1025}};
    std::map<std::string, std::string> all_texts = {{"general.architecture", "llama"},
                                                    {"tokenizer.ggml.model", "gpt2"},
                                                    {"tokenizer.ggml.pre", "llama-bpe"}};
    for (const auto& [key, number] : numbers) all_numbers[key] = number;
    for (const auto& [key, text] : texts) all_texts[key] = text;
    NamedTensors tensors = tensors_of(kTinyLlama);
    if (frequencies == Frequencies::scaled) tensors.emplace_back("rope_freqs.weight", divisors());
    bytes_.header(3, tensors.size(), all_numbers.size() + all_texts.size() + 5);
    for (const auto& [key, text] : all_texts) bytes_.key(key, kTypeText).text(text);
    for (const auto& [key, number] : all_numbers)
      bytes_.key(key, kTypeUint32).put<uint32_t>(number);
    bytes_.key("llama.attention.layer_norm_rms_epsilon", kTypeFloat).put(1e-5F);
    bytes_.key("llama.rope.freq_base", kTypeFloat).put(500000.0F);
    put_tokenizer();
    uint64_t offset = 0;
    std::vector<Tensor> data;
    for (const auto& [name, tensor] : tensors) {
      const Stored as = stored_as(matrices, tensor);
      std::vector<uint64_t> sizes;
      for (int64_t i = tensor.dim(); i > 0; --i)
        sizes.push_back(static_cast<uint64_t>(tensor.size(i - 1)));
      bytes_.tensor(gguf_name(name), sizes, static_cast<uint32_t>(as), offset);
      Tensor kept = paired(name, tensor).contiguous();
      if (as == Stored::f16) kept = kept.to(torch::kHalf);
      if (as == Stored::q8_0) kept = in_q8_0(kept).bytes;
      data.push_back(kept.contiguous());
      offset += (data.back().nbytes() + 31) / 32 * 32;
    }
    bytes_.data(0);
    std::string all = bytes_.bytes();
    for (const Tensor& tensor : data) {
      all.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
      all.resize((all.size() + 31) / 32 * 32);
    }
    write_file(path(), all);
  }

  std::string path() const { return (folder_.path() / "tiny.gguf").string(); }
  std::unique_ptr<HostModel> host() const { return make_host("llama", {{"weights", path()}}); }

 private:
  /// What the scaled frequencies were divided by.
  static Tensor divisors() {
    const Tensor scaled = Safetensors(kTinyLlama + "/golden.safetensors").tensor("inv_freq");
    const Tensor exponent = torch::arange(0, 16, 2, torch::kFloat32) / 16.0;
    return (1.0 / torch::pow(torch::scalar_tensor(500000.0, torch::kFloat32), exponent)) / scaled;
  }

  void put_tokenizer() {
    const Value json = parse_json(read_file(kTinyLlama + "/tokenizer.json"), "tokenizer.json");
    std::vector<std::string> tokens(1030), merges;
    std::vector<int32_t> types(1030, 1);
    for (const auto& [token, id] : json.at("model").table("vocab"))
      tokens[static_cast<size_t>(*id.as<int64_t>())] = token;
    for (const Value& added : json.array("added_tokens")) {
      tokens[static_cast<size_t>(added.integer("id"))] = added.text("content");
      types[static_cast<size_t>(added.integer("id"))] = 3;
    }
    for (const Value& merge : json.at("model").array("merges")) {
      const auto* pair = merge.as<Value::Array>();
      merges.push_back(pair ? *(*pair)[0].as<std::string>() + " " + *(*pair)[1].as<std::string>()
                            : *merge.as<std::string>());
    }
    const auto texts = [&](const char* key, const std::vector<std::string>& of) {
      bytes_.key(key, kTypeArray).put<uint32_t>(kTypeText).put<uint64_t>(of.size());
      for (const std::string& one : of) bytes_.text(one);
    };
    texts("tokenizer.ggml.tokens", tokens);
    texts("tokenizer.ggml.merges", merges);
    bytes_.key("tokenizer.ggml.token_type", kTypeArray).put<uint32_t>(kTypeInt32);
    bytes_.put<uint64_t>(types.size());
    for (const int32_t type : types) bytes_.put(type);
  }

  TemporaryFolder folder_;
  GgufBytes bytes_;
};

const std::vector<std::string> kGgufTexts = {"Proteins are made of amino acids.", "Hello"};

using Frequencies = GgufOfTiny::Frequencies;

Tensor gguf_logits(HostModel& host) {
  return host.forward(host.tokenize(kGgufTexts), {}, {.logits = true}).value;
}

/// The folder without scaled frequencies and with weights rounded as in the file.
Tensor logits_of_rounded_folder(Stored matrices) {
  const SpoiledLlama folder;
  folder.replace("config.json", "\"llama3\"", "\"default\"");
  folder.change_tensors([&](const std::string&, const Tensor& tensor) {
    const Stored as = stored_as(matrices, tensor);
    if (as == Stored::f16) return tensor.to(torch::kHalf);
    return as == Stored::q8_0 ? in_q8_0(tensor).value : tensor;
  });
  return gguf_logits(*folder.host());
}

TEST(LlamaGguf, gives_the_bits_of_the_folder_of_the_same_weights) {
  for (const Stored matrices : {Stored::f32, Stored::f16, Stored::q8_0})
    EXPECT_TRUE(torch::equal(gguf_logits(*GgufOfTiny(matrices, Frequencies::plain).host()),
                             logits_of_rounded_folder(matrices)));
}

TEST(LlamaGguf, says_what_the_folder_says) {
  const auto folder = make_host("llama", {{"weights", kTinyLlama}});
  const GgufOfTiny file(Stored::f32, Frequencies::scaled);
  const auto host = file.host();
  EXPECT_TRUE(torch::equal(host->tokenize(kGgufTexts).id, folder->tokenize(kGgufTexts).id));
  EXPECT_EQ(host->info().tokens, folder->info().tokens);
  EXPECT_EQ(host->info().parameters, folder->info().parameters);
  EXPECT_EQ(host->info().context, folder->info().context);
  EXPECT_EQ(host->info().ids.end, folder->info().ids.end);
  // Scaled frequencies went through a division.
  EXPECT_TRUE(near(gguf_logits(*host), gguf_logits(*folder), 1e-3, 1e-4));
}

TEST(LlamaGguf, names_numbers_that_are_absurd) {
  const GgufOfTiny absurd(Stored::f32, Frequencies::plain,
                          {{"llama.block_count", 1'000'000'000},
                           {"llama.attention.head_count", 0},
                           {"llama.embedding_length", 0},
                           {"tokenizer.ggml.bos_token_id", 1030}});
  const std::string where = "facet.host.llama: " + absurd.path() + ": ";
  EXPECT_EQ(
      refusal_of([&] { absurd.host(); }),
      where + "llama.embedding_length: integer 0, should be an integer from 1 to 1048576\n" +
          where + "llama.block_count: integer 1000000000, should be an integer from 1 to 1024\n" +
          where +
          "llama.attention.head_count: integer 0, should be an integer from 1 to 1048576\n" +
          where +
          "tokenizer.ggml.bos_token_id: is 1030, should be below the number of tokens (1030)");
}

std::string refusal_with(const std::map<std::string, std::string>& texts) {
  const GgufOfTiny file(Stored::f32, Frequencies::plain, {}, texts);
  const std::string said = refusal_of([&] { file.host(); });
  const std::string where = "facet.host.llama: " + file.path() + ": ";
  return said.starts_with(where) ? said.substr(where.size()) : said;
}

TEST(LlamaGguf, names_what_makes_a_file_another_one) {
  EXPECT_EQ(refusal_with({{"general.architecture", "qwen2"}}),
            "general.architecture: is \"qwen2\", should be \"llama\"");
  EXPECT_EQ(refusal_with({{"llama.rope.scaling.type", "yarn"}}),
            "llama.rope.scaling.type: is \"yarn\", should be one of none, linear");
  EXPECT_EQ(refusal_with({{"tokenizer.ggml.model", "llama"}}),
            "tokenizer.ggml.model: is \"llama\", should be \"gpt2\"");
}

TEST(LlamaGguf, names_tensors_that_do_not_fit_the_metadata) {
  const auto refusal = [](const std::map<std::string, uint32_t>& numbers) {
    const GgufOfTiny file(Stored::f32, Frequencies::scaled, numbers);
    return refusal_of([&] { gguf_logits(*file.host()); }).substr(file.path().size());
  };
  EXPECT_EQ(refusal({{"llama.block_count", 4}}),
            ": has 5 layers, should have 4 (num_hidden_layers)");
  EXPECT_EQ(refusal({{"llama.attention.head_count", 16},
                     {"llama.attention.head_count_kv", 4},
                     {"llama.rope.dimension_count", 8}}),
            ": rope_freqs.weight: is [8], should be [4]");
}

}  // namespace
}  // namespace facet
