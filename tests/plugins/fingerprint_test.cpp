// A folder's fingerprint: it agrees where nothing changed, and refuses what did.
#include "train/fingerprint.h"

#include <facet/safetensors.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "expect_refusal.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "train/sae_export.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

class FingerprintFolder : public testing::Test {
 protected:
  FingerprintFolder() { fs::remove_all(base_); }
  ~FingerprintFolder() override { fs::remove_all(base_); }

  // A folder as a training leaves it, of rows [32, points, 12].
  void save(const Value& section, const std::string& normalize, int64_t points = 1) {
    const torch::NoGradGuard no_grad;
    Init init(3);
    const Tensor rows = init.uniform_within({32, points, 12}, 3.0) + 1.0;
    const Shape stream{points, points, 12, 12};
    const auto sae = sae_of(section, stream);
    for (auto [name, value] : sae->params())
      value.add_(init.uniform_within(value.sizes().vec(), 0.3));
    const auto normaliser = make_normaliser(architectures(), normalize, "normalize");
    MemorySource source(rows.clone());
    normaliser->fit(source, 32);
    const NormaliserChoice choice = choose_normaliser(architectures(), normalize, "normalize");
    SaeRecord record;
    record.type = section.text("type");
    record.params = section;
    record.params.as<Value::Table>()->erase("type");
    record.shape = sae->shape(stream);
    record.hookpoints = {"blocks.0.out"};
    record.normaliser = choice.type;
    record.normaliser_params = choice.params.resolved;
    record.normaliser_state = normaliser->state();
    const auto fingerprint = fingerprint_of(*sae, *normaliser, rows);
    ASSERT_TRUE(fingerprint);
    save_sae(base_, *sae, *normaliser, record, fingerprint);
  }
  std::string refusal() {
    return refusal_of([&] { load_sae(base_, architectures()); });
  }
  Value said() const { return parse_json(read_file(base_ / "facet.json"), "facet.json"); }
  void say(const Value& value) { write_file(base_ / "facet.json", emit_json(value)); }
  // Changes one tensor of the weights.
  void change(const std::string& name, double factor) {
    const Safetensors there(base_ / "sae_weights.safetensors");
    NamedTensors tensors;
    for (const std::string& one : there.names())
      tensors.emplace_back(one, there.tensor(one) * (one == name ? factor : 1.0));
    save_safetensors(base_ / "sae_weights.safetensors", tensors);
  }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_print_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string end_ = ": the weights, facet.json or this build changed";
};

const Value kTopK = Value::Table{{"type", "topk"}, {"d_sae", 40}, {"k", 5}};

TEST_F(FingerprintFolder, agrees_with_what_was_saved) {
  using T = Value::Table;
  save(kTopK, "layer_norm");
  EXPECT_EQ(refusal(), "(no refusal)");
  EXPECT_EQ(said().at("fingerprint").integer("rows"), 32);
  EXPECT_LE(said().at("fingerprint").number("l0"), 5);
  EXPECT_EQ(load_sae(base_, architectures()).fingerprint_rows.sizes(),
            (std::vector<int64_t>{32, 1, 12}));
  save(T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}}, "whitening");  // it has a buffer
  EXPECT_EQ(refusal(), "(no refusal)");
  save(T{{"type", "route"}, {"d_sae", 40}, {"k", 5}}, "mean", 3);
  EXPECT_EQ(refusal(), "(no refusal)");
  EXPECT_EQ(load_sae(base_, architectures()).fingerprint_rows.sizes(),
            (std::vector<int64_t>{32, 3, 12}));
}

TEST_F(FingerprintFolder, refuses_weights_that_changed) {
  save(kTopK, "layer_norm");
  const double nmse = said().at("fingerprint").number("nmse");
  change("W_dec", 0.5);
  const std::string text = refusal();
  const std::string start = base_.string() + ": fingerprint: NMSE of its own rows is ";
  EXPECT_EQ(text.substr(0, start.size()), start);
  EXPECT_NE(text.find(", should be " + for_eyes(nmse) + end_), std::string::npos) << text;
  save(kTopK, "layer_norm");
  change("b_enc", -3.0);
  EXPECT_EQ(refusal().substr(0, base_.string().size() + 13), base_.string() + ": fingerprint");
}

TEST_F(FingerprintFolder, refuses_a_normaliser_or_parameters_that_changed) {
  save(kTopK, "mean");
  Value changed = said();
  Value& mean = changed.as<Value::Table>()->at("normaliser_state");
  for (Value& row : *mean.as<Value::Table>()->at("mean").as<Value::Array>())
    for (Value& number : *row.as<Value::Array>()) number = *number.as<double>() * 2;
  say(changed);
  const std::string nmse = base_.string() + ": fingerprint: NMSE of its own rows is ";
  EXPECT_EQ(refusal().substr(0, nmse.size()), nmse);
  save(kTopK, "mean");
  changed = said();
  changed.as<Value::Table>()->at("params").set("k", 4);
  say(changed);
  EXPECT_EQ(refusal().substr(0, nmse.size()), nmse);
}

TEST_F(FingerprintFolder, refuses_a_folder_whose_files_are_of_two_saes) {
  save(kTopK, "layer_norm");
  const std::string of_one = read_file(base_ / "fingerprint.safetensors");
  fs::remove(base_ / "fingerprint.safetensors");
  EXPECT_EQ(refusal(), (base_ / "fingerprint.safetensors").string() +
                           ": cannot read: No such file or directory");
  save(Value::Table{{"type", "topk"}, {"d_sae", 40}, {"k", 3}}, "layer_norm");
  EXPECT_EQ(refusal(), "(no refusal)");
  write_file(base_ / "fingerprint.safetensors", of_one);  // the same rows, other codes
  EXPECT_EQ(refusal(), "(no refusal)") << "what facet.json says of the codes is what counts";
  Value changed = said();
  changed.as<Value::Table>()->at("fingerprint").set("codes", "0");
  say(changed);
  const std::string text = refusal(), start = base_.string() + ": fingerprint: ";
  EXPECT_EQ(text.substr(0, start.size()), start);
  EXPECT_NE(text.find(" % of its codes of its own rows are as they were, should be 99 %" + end_),
            std::string::npos)
      << text;
}

TEST_F(FingerprintFolder, refuses_another_number_of_latents) {
  save(kTopK, "none");
  Value changed = said();
  Value& fingerprint = changed.as<Value::Table>()->at("fingerprint");
  fingerprint.set("codes", "0");
  fingerprint.set("l0", 7.0);
  say(changed);
  const std::string text = refusal();
  EXPECT_NE(text.find(": fingerprint: L0 of its own rows is "), std::string::npos) << text;
  EXPECT_NE(text.find(", should be 7" + end_), std::string::npos) << text;
}

TEST_F(FingerprintFolder, last_bits_may_differ) {
  save(kTopK, "layer_norm");
  Value changed = said();
  Value& fingerprint = changed.as<Value::Table>()->at("fingerprint");
  fingerprint.set("codes", "of another machine");
  fingerprint.set("nmse", fingerprint.number("nmse") * 1.0005);
  say(changed);
  EXPECT_EQ(refusal(), "(no refusal)");
}

TEST_F(FingerprintFolder, an_exported_folder_has_its_own_and_older_ones_need_none) {
  save(kTopK, "mean");
  const fs::path out = base_.string() + "_out";
  fs::remove_all(out);
  export_sae(base_, out, architectures());
  EXPECT_EQ(refusal_of([&] { load_sae(out, architectures()); }), "(no refusal)");
  EXPECT_TRUE(fs::exists(out / "fingerprint.safetensors"));
  fs::remove_all(out);
  Value older = said();
  older.as<Value::Table>()->erase("fingerprint");
  say(older);
  fs::remove(base_ / "fingerprint.safetensors");
  EXPECT_EQ(refusal(), "(no refusal)");
  EXPECT_FALSE(load_sae(base_, architectures()).fingerprint_rows.defined());
}

}  // namespace
}  // namespace facet
