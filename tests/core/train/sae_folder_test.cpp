// The folder of a finished SAE: SAELens' layout, the way back, and what is refused.
#include "train/sae_folder.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "activations/activation_stream.h"
#include "base/files.h"
#include "core/activations/small_sae.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

class SaeFolder : public testing::Test {
 protected:
  SaeFolder() {
    add_core_normalisers(registry_);
    registry_.add_sae<SmallSae>("small", "For tests.", small_schema());
    fs::remove_all(base_);
  }
  ~SaeFolder() override { fs::remove_all(base_); }

  SaeRecord record(const SmallParams& params = {}, const Value& normalize = "layer_norm") const {
    SaeRecord out;
    out.type = "small";
    out.params = small_schema().resolve(params, {});
    out.shape = {1, 1, 4, 4};
    out.seed = 7;
    out.host_type = "letters";
    out.host_weights = "abc";
    out.hookpoints = {"blocks.0.out"};
    out.rows = "content";
    out.stream_key = "key";
    const NormaliserChoice choice = choose_normaliser(registry_, normalize, "normalize");
    out.normaliser = choice.type;
    out.normaliser_params = choice.params.resolved;
    out.run = "0123456789ab";
    out.step = 100;
    return out;
  }

  std::unique_ptr<SmallSae> save(const SmallParams& params = {},
                                 const Value& normalize = "layer_norm") {
    auto sae = small_sae(params);
    const auto normaliser = make_normaliser(registry_, normalize, "normalize");
    save_sae(base_, *sae, *normaliser, record(params, normalize));
    return sae;
  }

  Value config() const { return parse_json(read_file(base_ / "cfg.json"), "cfg.json"); }

  std::string refusal_after(const std::string& key, const Value& value) {
    Value v = parse_json(read_file(base_ / "facet.json"), "facet.json");
    v.set(key, value);
    write_file(base_ / "facet.json", emit_json(v));
    return refusal_of([&] { load_sae(base_, registry_); });
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_sae_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  Registry registry_;
};

TEST_F(SaeFolder, gives_back_the_same_sae) {
  const auto sae = save();
  const LoadedSae back = load_sae(base_, registry_);
  EXPECT_EQ(to_value(back.record), to_value(record()));
  EXPECT_EQ(back.normaliser->saelens_name(), "layer_norm");
  for (size_t i = 0; i < sae->params().size(); ++i)
    EXPECT_TRUE(torch::equal(sae->params()[i].second, back.sae->params()[i].second));
  EXPECT_TRUE(back.sae->params()[0].second.requires_grad());
}

TEST_F(SaeFolder, is_what_saelens_reads) {
  save();
  EXPECT_EQ(emit_json(config()),
            "{\"apply_b_dec_to_input\":true,\"architecture\":\"topk\",\"d_in\":4,\"d_sae\":8,"
            "\"device\":\"cpu\","
            "\"dtype\":\"float32\",\"k\":2,\"metadata\":{\"hook_name\":\"blocks.0.out\",\"model_"
            "name\":\"letters\","
            "\"sae_lens_version\":\"6.54.12\"},\"normalize_activations\":\"layer_norm\","
            "\"rescale_acts_by_decoder_norm\":false,\"reshape_activations\":\"none\"}");
  const Safetensors weights(base_ / "sae_weights.safetensors");
  EXPECT_EQ(weights.names().size(), 4u);
  EXPECT_EQ(weights.sizes("W_enc"), (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(weights.sizes("W_dec"), (std::vector<int64_t>{8, 4}));
  EXPECT_EQ(Safetensors(base_ / "facet_buffers.safetensors").names(),
            (std::vector<std::string>{"steps"}));
}

TEST_F(SaeFolder, says_so_when_saelens_has_no_such_thing) {
  save({8, 2, false});
  EXPECT_EQ(config().text("architecture"), "facet/small");
  EXPECT_EQ(Safetensors(base_ / "sae_weights.safetensors").names().size(), 5u);
  EXPECT_FALSE(fs::exists(base_ / "facet_buffers.safetensors"));
  load_sae(base_, registry_);
  fs::remove_all(base_);
  save({}, Value::Table{{"type", "layer_norm"}, {"eps", 0.5}});
  EXPECT_EQ(config().text("architecture"), "facet/small");
  EXPECT_EQ(config().text("normalize_activations"), "facet/layer_norm");
}

TEST_F(SaeFolder, refuses_a_folder_that_is_none) {
  EXPECT_EQ(refusal_of([&] { load_sae(base_, registry_); }),
            base_.string() +
                ": not an SAE: has none of facet.json (facet), cfg.json and sae.safetensors "
                "(sparsify), cfg.json and sae_weights.safetensors (SAELens), config.json and ae.pt "
                "or ae.safetensors (dictionary_learning), one .pt or .ckpt (Rep_SAEs_PLMs or "
                "SAE_Helix_mRNA)");
}

TEST_F(SaeFolder, refuses_a_record_that_disagrees) {
  save();
  const std::string file = (base_ / "facet.json").string();
  EXPECT_EQ(refusal_after("step", "x"), file + ": step: expected integer, got string \"x\"");
  save();
  EXPECT_EQ(refusal_after("type", "smal"),
            file + ": type: no sae \"smal\" (did you mean \"small\"?)");
  save();
  EXPECT_EQ(refusal_after("params", Value::Table{{"k", 9}}),
            file + ": params: k must not exceed d_sae");
  save();
  EXPECT_EQ(refusal_after("format", 2), file + ": format: is 2, should be 1");
  save();
  EXPECT_EQ(refusal_after("params", Value::Table{{"d_sae", 16}}),
            (base_ / "sae_weights.safetensors").string() +
                ": W_dec: is Float [8, 4], should be Float [16, 4]");
}

TEST_F(SaeFolder, refuses_weights_that_disagree) {
  save();
  const fs::path file = base_ / "sae_weights.safetensors";
  NamedTensors tensors = {{"W_dec", torch::zeros({8, 4})},
                          {"W_enc", torch::zeros({4, 8})},
                          {"b_enc", torch::zeros({8})},
                          {"b_dec", torch::zeros({4})}};
  const auto refusal = [&](const NamedTensors& given) {
    save_safetensors(file, given);
    return refusal_of([&] { load_sae(base_, registry_); });
  };
  EXPECT_EQ(refusal(tensors), "(no refusal)");
  NamedTensors more = tensors;
  more.emplace_back("b_decc", torch::zeros({4}));
  EXPECT_EQ(refusal(more), file.string() + ": unknown tensor \"b_decc\" (did you mean \"b_dec\"?)");
  NamedTensors wide = tensors;
  wide[2].second = wide[2].second.to(torch::kFloat64);
  EXPECT_EQ(refusal(wide), file.string() + ": b_enc: is Double [8], should be Float [8]");
  tensors.pop_back();
  EXPECT_EQ(refusal(tensors).find(file.string() + ": "), 0u);
  fs::remove(base_ / "facet_buffers.safetensors");
  EXPECT_NE(refusal_of([&] { load_sae(base_, registry_); }), "(no refusal)");
}

TEST_F(SaeFolder, says_how_its_rows_were_pooled) {
  const auto sae = small_sae();
  SaeRecord pooled = record({}, "none");
  pooled.pool = "mean";
  save_sae(base_, *sae, *make_normaliser(registry_, "none", "normalize"), pooled);
  EXPECT_EQ(load_sae(base_, registry_).record.pool, "mean");
  Value before_pooling = parse_json(read_file(base_ / "facet.json"), "facet.json");
  before_pooling.as<Value::Table>()->erase("pool");
  write_file(base_ / "facet.json", emit_json(before_pooling));
  EXPECT_EQ(load_sae(base_, registry_).record.pool, "none");
}

TEST_F(SaeFolder, says_what_its_target_is) {
  SaeRecord transcoder = record({}, "rep_saes");
  transcoder.shape.transcodes = true;
  const NormaliserChoice of_target = choose_normaliser(registry_, "mean", "normalize");
  transcoder.target = {{"blocks.1.out"}, true, of_target.type, of_target.params.resolved};
  const auto norm = make_normaliser(registry_, "rep_saes", "mean", 1, "normalize");
  const Value found = Value::Table{
      {"input", Value()},
      {"target", Value::Table{{"mean", Value::Array{Value::Array{0.5, 0.25, 0.0, -1.0}}}}}};
  norm->restore(found);
  transcoder.normaliser_state = norm->state();
  save_sae(base_, *small_sae(), *norm, transcoder);
  const LoadedSae loaded = load_sae(base_, registry_);
  EXPECT_TRUE(loaded.record.shape.transcodes);
  EXPECT_EQ(loaded.record.target.hookpoints, std::vector<std::string>{"blocks.1.out"});
  EXPECT_TRUE(loaded.record.target.minus_input);
  EXPECT_EQ(target_text(loaded.record), "blocks.1.out less the input");
  EXPECT_EQ(to_value(loaded.record), to_value(transcoder));
  EXPECT_EQ(loaded.normaliser->input_points(), 1);
  EXPECT_EQ(loaded.normaliser->state(), norm->state());
  EXPECT_EQ(config().at("metadata").text("hook_name_out"), "blocks.1.out");
  EXPECT_EQ(config().integer("d_out"), 4);
  EXPECT_EQ(config().text("normalize_activations"), "facet/layer_norm");
}

TEST_F(SaeFolder, without_a_target_or_layers_has_no_keys_for_them_as_older_ones_have_none) {
  save();
  const Value written = parse_json(read_file(base_ / "facet.json"), "facet.json");
  for (const char* key : {"target", "layers_as"}) EXPECT_EQ(written.find(key), nullptr) << key;
  EXPECT_EQ(written.at("shape").find("transcodes"), nullptr);
  EXPECT_EQ(config().at("metadata").find("hook_name_out"), nullptr);
  const LoadedSae loaded = load_sae(base_, registry_);
  EXPECT_FALSE(loaded.record.shape.transcodes);
  EXPECT_EQ(loaded.record.layers_as, "points");
  EXPECT_EQ(target_text(loaded.record), "");
  EXPECT_EQ(loaded.normaliser->input_points(), 0);
}

TEST_F(SaeFolder, refuses_a_damaged_target) {
  save();
  const std::string start = (base_ / "facet.json").string() + ": ";
  Value target(Value::Table{{"hookpoints", Value::Array{3}},
                            {"minus_input", false},
                            {"normaliser", "none"},
                            {"normaliser_params", Value::Table()}});
  EXPECT_EQ(refusal_after("target", target),
            start + "hookpoints: expected list of string, got integer 3");
  target.set("hookpoints", Value::Array{"blocks.1.out"});
  target.set("minus_input", "no");
  EXPECT_EQ(refusal_after("target", target),
            start + "minus_input: expected bool, got string \"no\"");
}

}  // namespace
}  // namespace facet
