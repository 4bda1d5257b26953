// Normalisers in the weights: codes and reconstructions of raw rows, as SAELens' own numbers, and
// the folder that is exported.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"
#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "plugins/train_case.h"
#include "train/sae_export.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// Of values of order 1: float32 products of 12 numbers in another order.
constexpr double kFoldRounding = 1e-6;

// Rows [n, 1, 12], correlated, off centre, of norms about 20.
Tensor uneven_rows(int64_t n, uint64_t seed) {
  Rng rng(seed, "fold/rows");
  std::vector<float> numbers(static_cast<size_t>(n * 12));
  for (float& number : numbers) number = static_cast<float>(rng.normal());
  const Tensor x = torch::tensor(numbers).view({n, 12});
  const Tensor mixed = x + 0.8 * x.roll(1, 1);
  return (mixed * torch::linspace(1, 6, 12) + torch::linspace(-3, 5, 12)).unsqueeze(1);
}

std::unique_ptr<Normaliser> fitted_to_uneven(const std::string& name) {
  auto normaliser = make_normaliser(architectures(), name, "normalize");
  MemorySource source(uneven_rows(500, 1));
  normaliser->fit(source, 500);
  return normaliser;
}

// Nothing is zero or of norm 1 by accident.
void perturb(Sae& sae) {
  const torch::NoGradGuard no_grad;
  Init init(9);
  for (auto [name, value] : sae.params())
    if (name != "threshold") value.add_(init.uniform_within(value.sizes().vec(), 0.2));
  for (auto [name, value] : sae.params())
    if (name == "threshold") value.copy_(init.uniform_within(value.sizes().vec(), 0.1).abs() + 0.3);
  for (const Buffer& buffer : sae.buffers())
    if (buffer.name == "threshold") Tensor(buffer.value).fill_(0.4);
}

struct Folded {
  Tensor codes, output;  // [n, m], [n, 1, d]
};

Folded coded(Sae& sae, const Normaliser& normaliser, const Tensor& x) {
  const torch::NoGradGuard no_grad;
  Rows rows;
  rows.x = x;
  const Batch batch = make_batch(normaliser, rows);
  const Pass pass = sae.pass(batch, Mode::infer);
  return {pass.codes.dense(), normaliser.invert(pass.output, batch.stats)};
}

double relative(const Tensor& a, const Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

struct FoldCase {
  Value sae;
  bool by_norm = false;  // codes are in the rows' units
};

std::vector<FoldCase> fold_cases() {
  using T = Value::Table;
  return {
      {T{{"type", "relu"}, {"d_sae", 40}}},
      {T{{"type", "relu"}, {"d_sae", 40}, {"centre", false}}},
      {T{{"type", "topk"}, {"d_sae", 40}, {"k", 5}}},
      {T{{"type", "topk"}, {"d_sae", 40}, {"k", 5}, {"infer_k", 3}}},
      {T{{"type", "topk"}, {"d_sae", 40}, {"theta", 0.5}}},
      {T{{"type", "topk"}, {"d_sae", 40}, {"k", 5}, {"select_by_norm", true}}, true},
      {T{{"type", "jumprelu"}, {"d_sae", 40}}},
      {T{{"type", "jumprelu"}, {"d_sae", 40}, {"centre", false}}},
      {T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}}},
      {T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}, {"centre", false}}},
      {T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}, {"encoder_bias", false}}},
      {T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}, {"select_by_norm", true}}, true},
      {T{{"type", "jumprelu"}, {"d_sae", 40}, {"log_threshold", true}, {"threshold", 0.4}}},
      {T{{"type", "gated"}, {"d_sae", 40}}},
      {T{{"type", "gated"}, {"d_sae", 40}, {"centre", false}}},
      {T{{"type", "gated"}, {"d_sae", 40}, {"infer_k", 7}}},
      {T{{"type", "gated_anneal"}, {"d_sae", 40}}},
      {T{{"type", "p_anneal"}, {"d_sae", 40}}},
      {T{{"type", "matryoshka"}, {"d_sae", 40}, {"k", 5}}},
      {T{{"type", "matryoshka"}, {"d_sae", 40}, {"k", 5}, {"select_by_norm", true}}, true},
  };
}

TEST(Fold, raw_rows_are_coded_and_reconstructed_as_normalised_ones_were) {
  const Tensor x = uneven_rows(200, 2);
  const auto none = make_normaliser(architectures(), "none", "normalize");
  for (const FoldCase& one : fold_cases())
    for (const char* name : {"none", "mean", "expected_average", "whitening"}) {
      if (one.by_norm && std::string(name) == "whitening") continue;
      SCOPED_TRACE(emit_json(one.sae) + " " + name);
      const auto sae = sae_of(one.sae, {1, 1, 12, 12});
      perturb(*sae);
      const auto normaliser = fitted_to_uneven(name);
      const Folded before = coded(*sae, *normaliser, x);
      ASSERT_GT(before.codes.gt(0).sum().item<int64_t>(), 200);
      ASSERT_TRUE(normaliser->fold(*sae));
      const Folded after = coded(*sae, *none, x);
      EXPECT_TRUE(torch::equal(before.codes.gt(0), after.codes.gt(0)));
      EXPECT_LE(relative(after.output, before.output), kFoldRounding);
      const auto map = normaliser->row_map();
      const double unit = one.by_norm && map ? map->scale[0].item<double>() : 1.0;
      EXPECT_LE(relative(after.codes * unit, before.codes), kFoldRounding);
    }
}

TEST(Fold, leaves_an_sae_as_it_was_where_weights_cannot_do_it) {
  using T = Value::Table;
  const Value by_norm =
      T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}, {"select_by_norm", true}};
  const Value no_bias = T{
      {"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}, {"centre", false}, {"encoder_bias", false}};
  const Value plain = T{{"type", "relu"}, {"d_sae", 40}};
  const std::pair<Value, const char*> cases[] = {
      {by_norm, "whitening"},
      {no_bias, "mean"},
      {plain, "layer_norm"},
      {plain, "constant_norm"},
      {T{{"type", "gated"}, {"d_sae", 40}, {"tied", true}}, "mean"},
      {T{{"type", "gated"}, {"d_sae", 40}, {"centre", false}, {"encoder_bias", false}}, "mean"}};
  for (const auto& [section, name] : cases) {
    const auto sae = sae_of(section, {1, 1, 12, 12});
    perturb(*sae);
    std::vector<Tensor> before;
    for (const auto& [key, value] : sae->params()) before.push_back(value.detach().clone());
    EXPECT_FALSE(fitted_to_uneven(name)->fold(*sae)) << name;
    for (size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(torch::equal(before[i], sae->params()[i].second)) << name;
  }
  const auto sae = sae_of(plain, {1, 1, 12, 12});
  EXPECT_FALSE(make_normaliser(architectures(), "mean", "normalize")->fold(*sae)) << "not fitted";
}

TrainCase golden_case(const std::string& name) {
  for (const TrainCase& one : train_cases())
    if (one.name() == name) return one;
  throw Bug("no golden case " + name);
}

// The SAE of a SAELens case after its 20 steps.
std::unique_ptr<Sae> after_training(const TrainCase& one, const Safetensors& golden) {
  std::string why;
  const auto setup = setup_of(one, why);
  FACET_ASSERT(setup, why);
  const Tensor w_dec = golden.tensor("step20.W_dec");
  auto sae = sae_of(setup->sae, {1, 1, w_dec.size(1), w_dec.size(1)});
  const torch::NoGradGuard no_grad;
  for (const PeerTensor& tensor : setup->params)
    param_of(*sae, tensor.name).copy_(golden.tensor("step20." + tensor.peer));
  return sae;
}

TEST(FoldGolden, the_scale_goes_into_the_weights_as_in_saelens) {
  const TrainCase one = golden_case("saelens_standard_scaler");
  const Safetensors golden(one.folder / "golden.safetensors");
  const Tensor seen = Safetensors(one.folder / "batches.safetensors").tensor("norm_batches");
  MemorySource source(seen.reshape({-1, 1, seen.size(-1)}).clone());
  const auto normaliser = make_normaliser(architectures(), "expected_average", "normalize");
  normaliser->fit(source, 200);
  EXPECT_NEAR(normaliser->row_map()->scale[0].item<double>(),
              golden.tensor("scaling_factor").item<double>(), kFoldRounding);
  Value section = Value::Table{{"type", "relu"}, {"compat", "saelens"}, {"d_sae", 98}};
  const auto sae = sae_of(section, {1, 1, 30, 30});
  const torch::NoGradGuard no_grad;
  for (auto [name, value] : sae->params()) value.copy_(golden.tensor("step20." + name));
  ASSERT_TRUE(normaliser->fold(*sae));
  for (const auto& [name, value] : sae->params())
    EXPECT_LE(relative(value, golden.tensor("folded." + name)), kFoldRounding) << name;
}

TEST(FoldGolden, what_inference_needs_is_what_saelens_exports) {
  const torch::NoGradGuard no_grad;
  for (const char* name : {"saelens_batchtopk", "saelens_topk_aux", "saelens_matryoshka"}) {
    const TrainCase one = golden_case(name);
    const Safetensors golden(one.folder / "golden.safetensors");
    const auto sae = after_training(one, golden);
    for (const Buffer& buffer : sae->buffers())
      if (buffer.name == "threshold")
        Tensor(buffer.value).copy_(golden.tensor("trace.topk_threshold")[19]);
    const auto form = sae->inference_form();
    ASSERT_TRUE(form) << name;
    for (const auto& [key, value] : form->tensors)
      EXPECT_LE(relative(value, golden.tensor("inference_export." + key)), kFoldRounding)
          << name << " " << key;
    EXPECT_EQ(golden.has("inference_export.threshold"), form->type == "jumprelu") << name;
  }
}

class Export : public testing::Test {
 protected:
  Export() { fs::remove_all(base_); }
  ~Export() override { fs::remove_all(base_); }

  // Writes the SAE as a training would; what it codes and reconstructs of x [n, 1, d].
  Folded save(const Value& section, const std::string& normalize, const Tensor& x) {
    Value params = section;
    const std::string type = params.text("type");
    params.as<Value::Table>()->erase("type");
    std::vector<std::string> problems;
    const auto sae = sae_of(section, {1, 1, 12, 12});
    perturb(*sae);
    const auto normaliser = fitted_to_uneven(normalize);
    const NormaliserChoice choice = choose_normaliser(architectures(), normalize, "normalize");
    SaeRecord record;
    record.type = type;
    record.params =
        architectures().sae(type).schema.parse("sae", params, Demand::whole, problems).resolved;
    record.shape = {1, 1, 12, 12};
    record.hookpoints = {"blocks.0.out"};
    record.rows = "content";
    record.normaliser = choice.type;
    record.normaliser_params = choice.params.resolved;
    record.normaliser_state = normaliser->state();
    save_sae(base_ / "sae", *sae, *normaliser, record);
    return coded(*sae, *normaliser, x);
  }

  // Exports it; what the exported SAE codes and reconstructs.
  Folded exported(const Tensor& x) {
    outcome_ = export_sae(base_ / "sae", base_ / "out", architectures());
    const LoadedSae back = load_sae(base_ / "out", architectures());
    return coded(*back.sae, *back.normaliser, x);
  }
  Value config() const { return parse_json(read_file(base_ / "out/cfg.json"), "cfg.json"); }

  fs::path base_ =
      fs::temp_directory_path() / ("facet_export_" + std::to_string(::getpid()) + "_" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  ExportOutcome outcome_;
};

TEST_F(Export, an_exported_sae_is_for_raw_rows_and_saelens_loads_it) {
  using T = Value::Table;
  const Tensor x = uneven_rows(200, 3);
  struct Case {
    Value sae;
    const char* normalize;
    const char* architecture;
  } cases[] = {
      {T{{"type", "relu"}, {"d_sae", 40}}, "expected_average", "standard"},
      {T{{"type", "topk"}, {"d_sae", 40}, {"k", 5}}, "mean", "topk"},
      {T{{"type", "topk"}, {"d_sae", 40}, {"k", 5}, {"select_by_norm", true}}, "whitening", "topk"},
      {T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}}, "expected_average", "jumprelu"},
      {T{{"type", "matryoshka"}, {"d_sae", 40}, {"k", 5}}, "expected_average", "jumprelu"},
      {T{{"type", "gated"}, {"d_sae", 40}}, "whitening", "gated"},
      {T{{"type", "gated_anneal"}, {"d_sae", 40}}, "mean", "gated"},
      {T{{"type", "p_anneal"}, {"d_sae", 40}}, "mean", "standard"},
      {T{{"type", "jumprelu"}, {"d_sae", 40}, {"log_threshold", true}, {"threshold", 0.4}},
       "expected_average", "jumprelu"},
      {T{{"type", "batch_topk"}, {"d_sae", 40}, {"k", 5}, {"select_by_norm", true}}, "whitening",
       "jumprelu"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(emit_json(one.sae));
    fs::remove_all(base_);
    const Folded before = save(one.sae, one.normalize, x), after = exported(x);
    EXPECT_TRUE(torch::equal(before.codes.gt(0), after.codes.gt(0)));
    EXPECT_LE(relative(after.output, before.output), kFoldRounding);
    EXPECT_LE(relative(after.codes, before.codes), kFoldRounding);
    EXPECT_EQ(outcome_.normaliser, one.normalize);
    EXPECT_EQ(outcome_.type,
              config().text("architecture") == "jumprelu" ? "jumprelu" : one.sae.text("type"));
    EXPECT_EQ(outcome_.stays, "");
    EXPECT_TRUE(outcome_.saelens);
    EXPECT_EQ(config().text("architecture"), one.architecture);
    EXPECT_EQ(config().text("normalize_activations"), "none");
  }
}

TEST_F(Export, a_normaliser_that_no_weights_can_stand_for_stays_and_is_named) {
  using T = Value::Table;
  const Tensor x = uneven_rows(50, 3);
  struct Case {
    Value sae;
    const char* normalize;
    const char* stays;
    bool saelens;
    const char* written;
  } cases[] = {
      {T{{"type", "relu"}, {"d_sae", 40}}, "saelens",
       "it looks at each row by itself, which no weights do", true, "layer_norm"},
      {T{{"type", "relu"}, {"d_sae", 40}}, "constant_norm",
       "it looks at each row by itself, which no weights do", true, "constant_norm_rescale"},
      {T{{"type", "relu"}, {"d_sae", 40}}, "rep_saes",
       "it looks at each row by itself, which no weights do", false, "facet/layer_norm"},
      {T{{"type", "topk"}, {"d_sae", 40}, {"k", 5}, {"centre", false}, {"encoder_bias", false}},
       "mean", "the weights of topk cannot take it in", false, "facet/mean"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.normalize);
    fs::remove_all(base_);
    const Folded before = save(one.sae, one.normalize, x), after = exported(x);
    EXPECT_TRUE(torch::equal(before.codes, after.codes));
    EXPECT_TRUE(torch::equal(before.output, after.output));
    EXPECT_EQ(outcome_.stays, one.stays);
    EXPECT_EQ(outcome_.saelens, one.saelens);
    EXPECT_EQ(config().text("normalize_activations"), one.written);
  }
}

TEST_F(Export, refuses_to_write_over_anything) {
  save(Value::Table{{"type", "relu"}, {"d_sae", 40}}, "mean", uneven_rows(5, 3));
  EXPECT_EQ(refusal_of([&] { export_sae(base_ / "sae", base_ / "sae", architectures()); }),
            (base_ / "sae").string() + ": is there already, should be a new folder");
}

}  // namespace
}  // namespace facet
