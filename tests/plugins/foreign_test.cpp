// What is refused of other programs' folders, and what is said.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"
#include "plugins/architectures.h"
#include "train/foreign_sae.h"
#include "train/sae_folder.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

class ForeignFolder : public testing::Test {
 protected:
  ForeignFolder() { fs::remove_all(base_); }
  ~ForeignFolder() override { fs::remove_all(base_); }

  // A golden folder that may be changed: d_in 10, d_sae 24 or d_in 32, d_sae 128.
  void copy(const std::string& name) {
    fs::remove_all(base_);
    fs::create_directories(base_);
    for (const auto& entry : fs::directory_iterator(fs::path(FACET_TEST_DATA) / "sae" / name))
      fs::copy_file(entry.path(), base_ / entry.path().filename());
  }
  std::string refusal() {
    return refusal_of([&] { load_sae(base_, architectures()); });
  }
  std::string at(const std::string& file, const std::string& what) const {
    return (base_ / file).string() + ": " + what;
  }

  // The refusal with one setting changed; an empty value takes it away.
  std::string with(const std::string& golden, const std::string& file, const std::string& key,
                   const Value& value) {
    copy(golden);
    Value config = parse_json(read_file(base_ / file), file);
    Value* table = &config;
    std::string name = key;
    if (const size_t dot = key.find('.'); dot != std::string::npos) {
      table = &config.as<Value::Table>()->at(key.substr(0, dot));
      name = key.substr(dot + 1);
    }
    if (value.empty())
      table->as<Value::Table>()->erase(name);
    else
      table->set(name, value);
    write_file(base_ / file, emit_json(config));
    return refusal();
  }
  // The refusal with one tensor changed; an undefined one takes it away.
  std::string with_tensor(const std::string& golden, const std::string& file,
                          const std::string& name, const Tensor& value) {
    copy(golden);
    const Safetensors there(base_ / file);
    NamedTensors tensors;
    bool known = false;
    for (const std::string& one : there.names()) {
      known = known || one == name;
      if (one != name)
        tensors.emplace_back(one, there.tensor(one).clone());
      else if (value.defined())
        tensors.emplace_back(one, value);
    }
    if (!known) tensors.emplace_back(name, value);
    save_safetensors(base_ / file, tensors);
    return refusal();
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_other_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(ForeignFolder, a_tensor_of_saelens_that_is_wrong_is_named) {
  const char* file = "sae_weights.safetensors";
  const auto refusal = [&](const std::string& name, const Tensor& value) {
    return with_tensor("saelens_jumprelu_skip_transcoder", file, name, value);
  };  // d_in 10, d_sae 24, d_out 7
  EXPECT_EQ(refusal("W_enc", torch::zeros({24, 10})),
            at(file, "W_enc: is float32 [24, 10], should be [10, 24]: transposed?"));
  EXPECT_EQ(refusal("W_dec", torch::zeros({7, 24})),
            at(file, "W_dec: is float32 [7, 24], should be [24, 7]: transposed?"));
  EXPECT_EQ(refusal("W_skip", torch::zeros({10, 7})),
            at(file, "W_skip: is float32 [10, 7], should be [7, 10]: transposed?"));
  EXPECT_EQ(refusal("b_dec", torch::zeros({10})),
            at(file, "b_dec: is float32 [10], should be [7]"));
  EXPECT_EQ(refusal("threshold", torch::zeros({1})),
            at(file, "threshold: is float32 [1], should be [24]"));
  EXPECT_EQ(refusal("b_enc", torch::zeros({24}, torch::kDouble)),
            at(file, "b_enc: is float64 [24], should be float32, float16 or bfloat16"));
  EXPECT_EQ(refusal("b_enc", torch::full({24}, std::nan(""), torch::kFloat)),
            at(file, "b_enc: holds a number that is not finite"));
  EXPECT_EQ(refusal("b_enc", Tensor()),
            at(file, "tensor \"b_enc\" is missing (did you mean \"W_enc\"?)"));
  EXPECT_EQ(refusal("W_encc", torch::zeros({1})),
            at(file, "unknown tensor \"W_encc\" (did you mean \"W_enc\"?)"));
}

TEST_F(ForeignFolder, a_setting_of_saelens_that_is_wrong_is_named) {
  const auto refusal = [&](const std::string& golden, const std::string& key, const Value& value) {
    return with("saelens_" + golden, "cfg.json", key, value);
  };
  EXPECT_EQ(
      refusal("topk", "architecture", "topkk"),
      at("cfg.json",
         "architecture: is \"topkk\" (did you mean \"topk\"?), should be one of \"standard\", "
         "\"topk\", \"abstopk\", \"gated\", \"jumprelu\", \"batchtopk\", "
         "\"matryoshka_batchtopk\", \"transcoder\", \"skip_transcoder\", "
         "\"jumprelu_transcoder\", \"jumprelu_skip_transcoder\""));
  EXPECT_EQ(refusal("topk", "architecture", 3),
            at("cfg.json", "architecture: is integer 3, should be a string"));
  EXPECT_EQ(refusal("topk", "d_in", "x"),
            at("cfg.json", "d_in: is string \"x\", should be an integer, at least 1"));
  EXPECT_EQ(refusal("topk", "d_sae", 0),
            at("cfg.json", "d_sae: is integer 0, should be an integer, at least 1"));
  EXPECT_EQ(refusal("topk", "k", Value()),
            at("cfg.json", "k: is missing, should be an integer, at least 1"));
  EXPECT_EQ(refusal("topk", "k", 129), base_.string() + ".k: 129 exceeds d_sae (128)");
  EXPECT_EQ(refusal("topk", "apply_b_dec_to_input", 1),
            at("cfg.json", "apply_b_dec_to_input: is integer 1, should be true or false"));
  EXPECT_EQ(refusal("topk", "normalize_activations", "batch_norm"),
            at("cfg.json",
               "normalize_activations: is string \"batch_norm\", should be one of \"none\", "
               "\"layer_norm\", \"constant_norm_rescale\", \"expected_average_only_in\", "
               "\"covariance_whitening\""));
  EXPECT_EQ(refusal("transcoder", "apply_b_dec_to_input", true),
            at("cfg.json", "apply_b_dec_to_input: is bool true, should be false for a transcoder"));
  EXPECT_EQ(
      refusal("v3_standard", "activation_fn_str", "tanh-relu"),
      at("cfg.json", "activation_fn_str: is string \"tanh-relu\", should be \"relu\" or \"topk\""));
  copy("saelens_topk");
  write_file(base_ / "cfg.json", "[]");
  EXPECT_EQ(refusal_of([&] { load_sae(base_, architectures()); }),
            at("cfg.json", "is list of 0, should be a table"));
}

TEST_F(ForeignFolder, a_finetuning_of_saelens_goes_into_w_dec) {
  const char* file = "sae_weights.safetensors";
  EXPECT_EQ(with_tensor("saelens_v5_topk", file, "scaling_factor", torch::ones({24})),
            "(no refusal)");
  EXPECT_EQ(with_tensor("saelens_v5_topk", file, "scaling_factor", torch::full({24}, 2.0)),
            at("cfg.json", "finetuning_scaling_factor: is bool false, should be true, for " +
                               (base_ / file).string() + " has a scaling_factor that is not 1"));
  Value config = parse_json(read_file(base_ / "cfg.json"), "cfg.json");
  config.set("finetuning_scaling_factor", true);
  write_file(base_ / "cfg.json", emit_json(config));
  const LoadedSae loaded = load_sae(base_, architectures());
  const Tensor before = Safetensors(base_ / file).tensor("W_dec").to(torch::kFloat);
  EXPECT_TRUE(torch::equal(param_of(*loaded.sae, "W_dec"), before * 2));
  EXPECT_EQ(loaded.notices.size(), 1u);
}

TEST_F(ForeignFolder, says_what_saelens_leaves_to_its_user) {
  copy("saelens_standard_expected_average_only_in");
  const LoadedSae loaded = load_sae(base_, architectures());
  ASSERT_EQ(loaded.notices.size(), 1u);
  EXPECT_EQ(
      loaded.notices[0],
      at("cfg.json",
         "normalize_activations: is \"expected_average_only_in\", of which SAELens does "
         "nothing when an SAE is used, nor does facet: rows should be scaled to a mean norm of "
         "sqrt(d_in) before, unless that is in the weights already"));
  EXPECT_EQ(loaded.record.program, "SAELens");
  EXPECT_EQ(loaded.record.host_name, "esm2_t12_35M_UR50D");
  EXPECT_EQ(loaded.record.hookpoints, (std::vector<std::string>{"blocks.6.hook_resid_post"}));
}

TEST_F(ForeignFolder, hookpoints_have_names_here) {
  const std::pair<const char*, const char*> names[] = {
      {"blocks.6.hook_resid_post", "blocks.6.out"},
      {"blocks.12.hook_resid_pre", "blocks.12.in"},
      {"blocks.0.hook_mlp_out", "blocks.0.mlp.out"},
      {"blocks.0.hook_attn_out", "blocks.0.attn.out"},
      {"layers.3", "blocks.3.out"},
      {"layers.3.mlp", "blocks.3.mlp.out"},
      {"resid_post_layer_5", "blocks.5.out"},
      {"blocks.6.attn.hook_z", "blocks.6.attn.hook_z"},
      {"layers.", "layers."}};
  for (const auto& [name, here] : names) EXPECT_EQ(facet_hookpoint(name), here);
}

TEST_F(ForeignFolder, what_is_wrong_in_a_folder_of_sparsify_is_named) {
  const char* file = "sae.safetensors";
  EXPECT_EQ(with_tensor("sparsify_groupmax", file, "encoder.weight", torch::zeros({10, 24})),
            at(file, "encoder.weight: is float32 [10, 24], should be [24, 10]: transposed?"));
  EXPECT_EQ(with_tensor("sparsify_groupmax", file, "W_dec", torch::zeros({10, 24})),
            at(file, "W_dec: is float32 [10, 24], should be [24, 10]: transposed?"));
  EXPECT_EQ(with_tensor("sparsify_groupmax", file, "W_skip", torch::zeros({10, 10})),
            at(file, "unknown tensor \"W_skip\""));
  EXPECT_EQ(with("sparsify_groupmax", "cfg.json", "activation", "relu"),
            at("cfg.json", "activation: is \"relu\", should be one of \"topk\", \"groupmax\""));
  EXPECT_EQ(with("sparsify_groupmax", "cfg.json", "signed", true),
            at("cfg.json", "signed: is bool true, should be false: codes are at least 0"));
  EXPECT_EQ(with("sparsify_groupmax", "cfg.json", "d_in", Value()),
            at("cfg.json", "d_in: is missing, should be an integer, at least 1"));
}

TEST_F(ForeignFolder, what_is_wrong_in_a_folder_of_dictionary_learning_is_named) {
  const char* file = "ae.safetensors";
  EXPECT_EQ(with_tensor("dictlearn_topk", file, "encoder.weight", torch::zeros({32, 128})),
            at(file, "encoder.weight: is float32 [32, 128], should be [128, 32]: transposed?"));
  EXPECT_EQ(with_tensor("dictlearn_jumprelu", file, "W_enc", torch::zeros({128, 32})),
            at(file, "W_enc: is float32 [128, 32], should be [32, 128]: transposed?"));
  EXPECT_EQ(with_tensor("dictlearn_batchtopk", file, "threshold", torch::zeros({128})),
            at(file, "threshold: is float32 [128], should be one number"));
  EXPECT_EQ(with("dictlearn_topk", "config.json", "trainer.k", 9),
            at("config.json",
               "trainer: k: is integer 9, should be 8, as " + (base_ / file).string() + " has it"));
  EXPECT_EQ(with("dictlearn_topk", "config.json", "trainer.dict_class", "IdentityDict"),
            at("config.json",
               "trainer: dict_class: is \"IdentityDict\", should be one of \"AutoEncoder\", "
               "\"AutoEncoderNew\", \"GatedAutoEncoder\", \"JumpReluAutoEncoder\", "
               "\"AutoEncoderTopK\", \"BatchTopKSAE\", \"MatryoshkaBatchTopKSAE\""));
  EXPECT_EQ(with("dictlearn_topk", "config.json", "buffer.io", "in_and_out"),
            at("config.json",
               "buffer: io: is string \"in_and_out\", should be \"in\" or \"out\": transcoders of "
               "dictionary_learning subtract the output's bias from the input"));
  EXPECT_EQ(with("dictlearn_topk", "config.json", "trainer", Value()),
            at("config.json", "trainer: required"));
}

TEST_F(ForeignFolder, a_batch_topk_with_a_threshold_below_zero_keeps_what_is_positive) {
  EXPECT_EQ(
      with_tensor("dictlearn_batchtopk", "ae.safetensors", "threshold", torch::full({}, -1.0)),
      "(no refusal)");
  EXPECT_EQ(param_of(*load_sae(base_, architectures()).sae, "threshold").abs().sum().item<float>(),
            0);
}

TEST_F(ForeignFolder, checkpoints_of_the_biological_trainers_are_read) {
  const fs::path torch_files = FACET_TEST_DATA "/torch_files";
  fs::create_directories(base_);
  fs::copy_file(torch_files / "rep_saes.ckpt", base_ / "last.ckpt");
  const LoadedSae rep = load_sae(base_, architectures());  // k is in its hyper_parameters
  EXPECT_EQ(rep.record.program, "Rep_SAEs_PLMs");
  EXPECT_EQ(rep.record.params.integer("k"), 2);
  EXPECT_EQ(rep.record.normaliser_params.flag("unbiased"), false);
  EXPECT_EQ(param_of(*rep.sae, "W_enc").sizes(), (std::vector<int64_t>{3, 5}));
  fs::remove_all(base_);
  fs::create_directories(base_);
  fs::copy_file(torch_files / "rep_saes.pt", base_ / "model.pt");
  EXPECT_EQ(refusal(), at("model.pt",
                          "does not say how many latents a row keeps: write {\"k\": N} "
                          "into ") +
                           (base_ / "facet_source.json").string());
  write_file(base_ / "facet_source.json", "{\"k\": 4}");
  EXPECT_EQ(load_sae(base_, architectures()).record.params.integer("k"), 4);
  fs::copy_file(torch_files / "helix.pt", base_ / "best_model.pt");
  EXPECT_EQ(refusal(), base_.string() +
                           ": holds 2 checkpoints, should be one, or the one that `file` in "
                           "facet_source.json names");
  write_file(base_ / "facet_source.json", "{\"file\": \"best_model.pt\"}");
  const LoadedSae helix = load_sae(base_, architectures());
  EXPECT_EQ(helix.record.program, "SAE_Helix_mRNA");
  EXPECT_EQ(helix.record.type, "relu");
  EXPECT_TRUE(helix.record.params.flag("tied"));
  fs::remove(base_ / "facet_source.json");
  fs::remove(base_ / "best_model.pt");
  fs::copy_file(torch_files / "kinds.pt", base_ / "model.pt", fs::copy_options::overwrite_existing);
  EXPECT_EQ(refusal(), at("model.pt",
                          "is of no program that facet knows: has neither a tensor \"weights.0\" "
                          "(Rep_SAEs_PLMs) nor \"encoder.weight\" (SAE_Helix_mRNA)"));
}

}  // namespace
}  // namespace facet
