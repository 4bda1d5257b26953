// The conformance suite finds each fault it looks for, and nothing in a part without faults.
#include "plugin/conformance.h"

#include <gtest/gtest.h>

#include "facet/torch.h"

#include <iostream>

using namespace facet;

namespace {

enum class Fault {
  none = 1,
  throws,
  wrong_decoder,
  infinite_loss,
  no_gradient,
  no_gradient_at_all,
  learns_in_finish,
  wrong_gradient,
  unseeded,
  explodes,
  forgets,
  trains_in_secret,
  holds_back,
  says_it_holds_back,
  bends,
  never_smooth,
  keeps_too_many,
  keeps_too_many_on_average,
  folds_in_words_only,
  half_folds,
  looks_at_the_batch,
  changes_when_asked,
  prints,
};

struct FaultyParams {
  int64_t d_sae = 0;
  int64_t k = 4;
  std::string flavour;
};

Schema<FaultyParams> faulty_schema() {
  return Schema<FaultyParams>()
      .field("d_sae", &FaultyParams::d_sae, "Number of latents.", required, at_least(1))
      .field("flavour", &FaultyParams::flavour, "Which of two.", required,
             one_of({"sweet", "sour"}));
}

Schema<FaultyParams> faulty_schema_with_k(const std::string& help) {
  return faulty_schema().field("k", &FaultyParams::k, help);
}

// A ReLU SAE with one fault.
template <Fault kFault>
class Faulty final : public PlainSae {
 public:
  Faulty(const FaultyParams& p, const Shape& shape, Init& init)
      : w_dec_(param("W_dec", init.uniform({p.d_sae, shape.d_out}, 1.0))),
        w_enc_(param("W_enc", w_dec_.detach().t().contiguous())),
        b_enc_(param("b_enc", torch::zeros({p.d_sae}))),
        b_dec_(param("b_dec", torch::zeros({shape.d_out}))),
        asked_(buffer("asked", torch::zeros({}))) {
    if (kFault == Fault::throws) throw std::runtime_error("out of cheese");
    const torch::NoGradGuard no_gradients;
    if (kFault == Fault::unseeded) w_dec_.copy_(torch::rand_like(w_dec_));
  }

  Codes encode(const Tensor& x, Mode mode) override {
    if (kFault == Fault::prints) std::cout << "coding" << std::endl;
    const Tensor bias = kFault == Fault::no_gradient ? b_enc_.detach() : b_enc_;
    Tensor dense = (torch::matmul(x, w_enc_) + bias).relu();  // [rows, d_sae]
    if (mode == Mode::train) seen_ += 1;
    if (mode == Mode::train && kFault == Fault::trains_in_secret) dense = dense * (1 + 0.1 * seen_);
    if (mode == Mode::infer && kFault == Fault::forgets) dense = dense * seen_;
    if (mode == Mode::infer && kFault == Fault::looks_at_the_batch)
      dense = dense * (dense > dense.mean());
    if (mode == Mode::infer && kFault == Fault::changes_when_asked) asked_.add_(1);
    return Codes::of(dense);
  }

  Tensor decode(const Codes& codes) override {
    const Tensor weight = kFault == Fault::wrong_gradient ? 2 * w_dec_ - w_dec_.detach() : w_dec_;
    return torch::matmul(codes.dense(), weight) + b_dec_;
  }

  Losses losses(const Pass& pass, const Step&) override {
    const Tensor mse = (pass.output - pass.target).square().sum(-1).mean();
    if (kFault == Fault::holds_back || kFault == Fault::says_it_holds_back)
      return {{"mse", mse}, {"weight", w_dec_.square().sum() * w_dec_.detach().sum()}};
    // A kink at every number of b_enc, which begins at 0.
    if (kFault == Fault::bends) return {{"mse", mse}, {"bend", b_enc_.abs().sum()}};
    // Each sign changes with 1e-3, the step of the differences in float32.
    constexpr double kFlips = 3.14159265e3;
    if (kFault == Fault::never_smooth)
      return {{"jumps", mse + (w_dec_ * kFlips).sin().sign().sum() +
                            (w_enc_ * kFlips).sin().sign().sum() +
                            (b_enc_ * kFlips + 1).sin().sign().sum() +
                            (b_dec_ * kFlips + 1).sin().sign().sum()}};
    if (kFault == Fault::no_gradient_at_all || kFault == Fault::learns_in_finish)
      return {{"mse", mse.detach()}};
    return {{"mse", kFault == Fault::infinite_loss ? mse / 0 : mse}};
  }

  void finish() override {
    if (kFault == Fault::learns_in_finish) w_dec_.mul_(0.5);
  }

  bool fold(const RowMap& map) override {
    if (kFault == Fault::folds_in_words_only) return true;
    if (kFault != Fault::half_folds && kFault != Fault::none) return false;
    const bool whole = ops::fold_rows(map, {w_enc_, b_enc_, w_dec_, b_dec_, false});
    if (kFault == Fault::half_folds) return false;
    return whole;
  }
  std::vector<std::string> estimated() const override {
    if (kFault == Fault::says_it_holds_back) return {"weight"};
    return {};
  }

  Tensor decoder(int64_t point) const override {
    return kFault == Fault::wrong_decoder ? w_dec_.slice(1, 0, 3) : PlainSae::decoder(point);
  }

  void after_step() override {
    const torch::NoGradGuard no_gradients;
    if (kFault == Fault::explodes) w_dec_.mul_(1e20);
  }

 private:
  Tensor w_dec_, w_enc_, b_enc_, b_dec_, asked_;
  double seen_ = 0;
};

template <Fault kFault>
Findings findings_of() {
  Registry registry;
  registry.set_plugin("org.example.faulty");
  const bool each = kFault == Fault::keeps_too_many;
  const bool promises = each || kFault == Fault::keeps_too_many_on_average;
  registry.add_sae<Faulty<kFault>>(
      "faulty", "A ReLU SAE with one fault.",
      promises ? faulty_schema_with_k(each ? "Latents of a row." : "Latents of a row, on average.")
               : faulty_schema());
  return check_sae(registry.sae("faulty"));
}

const Finding& finding(const Findings& findings, const std::string& property) {
  for (const Finding& f : findings)
    if (f.property == property) return f;
  throw Bug("no finding on " + property);
}

template <Fault kFault>
void expect_found(const std::string& property, const std::string& detail) {
  const Findings findings = findings_of<kFault>();
  EXPECT_FALSE(conforms(findings)) << property;
  EXPECT_EQ(finding(findings, property).verdict, Verdict::fail) << describe(findings);
  EXPECT_EQ(finding(findings, property).detail, detail);
}

}  // namespace

TEST(Conformance, finds_nothing_in_an_sae_without_faults) {
  EXPECT_EQ(describe(findings_of<Fault::none>()),
            "sae faulty: documented: pass\n"
            "sae faulty: constructs: pass\n"
            "sae faulty: shapes: pass\n"
            "sae faulty: finite loss: pass\n"
            "sae faulty: gradient reaches every parameter: pass\n"
            "sae faulty: gradient of W_dec agrees with finite differences: pass\n"
            "sae faulty: gradients of the losses agree with finite differences: pass\n"
            "sae faulty: same seed same bits: pass\n"
            "sae faulty: survives training: pass\n"
            "sae faulty: saved and loaded it codes alike: pass\n"
            "sae faulty: resumed it trains alike: pass\n"
            "sae faulty: keeps its promise of sparsity: skipped: it has no field k\n"
            "sae faulty: a normaliser folds into it: pass\n"
            "sae faulty: infer codes each row alone: pass\n"
            "sae faulty: infer changes nothing: pass\n"
            "sae faulty: prints nothing: pass\n");
}

TEST(Conformance, finds_an_sae_that_cannot_be_made) {
  expect_found<Fault::throws>("constructs", "org.example.faulty: out of cheese");
}

TEST(Conformance, finds_wrong_shapes) {
  expect_found<Fault::wrong_decoder>("shapes", "decoder(0): is [32, 3], should be [32, 16]");
}

TEST(Conformance, finds_a_loss_that_is_not_finite) {
  expect_found<Fault::infinite_loss>("finite loss",
                                     "loss \"mse\" is not finite with 0 of 32 latents dead");
}

TEST(Conformance, finds_a_parameter_that_no_gradient_reaches) {
  expect_found<Fault::no_gradient>("gradient reaches every parameter", "no gradient: b_enc");
}

TEST(Conformance, finds_a_loss_without_gradient_in_an_sae_that_learns_no_other_way) {
  expect_found<Fault::no_gradient_at_all>(
      "gradient reaches every parameter",
      "no gradient: W_dec, W_enc, b_dec, b_enc, and neither pass nor finish changes them");
}

TEST(Conformance, asks_no_gradient_of_an_sae_that_learns_in_finish) {
  const Findings findings = findings_of<Fault::learns_in_finish>();
  EXPECT_TRUE(conforms(findings)) << describe(findings);
  const Finding& found = finding(findings, "gradient reaches every parameter");
  EXPECT_EQ(found.verdict, Verdict::skipped);
  EXPECT_EQ(found.detail, "the loss has no gradient: pass and finish find the parameters");
}

TEST(Conformance, finds_a_gradient_that_is_no_slope) {
  const Finding found = finding(findings_of<Fault::wrong_gradient>(),
                                "gradient of W_dec agrees with finite differences");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_EQ(found.detail.rfind("slope ", 0), 0u) << found.detail;
}

TEST(Conformance, finds_a_loss_whose_gradient_is_no_slope) {
  const Finding found = finding(findings_of<Fault::holds_back>(),
                                "gradients of the losses agree with finite differences");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_EQ(found.detail.rfind("weight along W_dec[", 0), 0u) << found.detail;
  EXPECT_NE(found.detail.find(" by differences, "), std::string::npos) << found.detail;
  EXPECT_NE(found.detail.find(" by gradient"), std::string::npos) << found.detail;
  const Findings said = findings_of<Fault::says_it_holds_back>();
  EXPECT_TRUE(conforms(said)) << describe(said);
}

TEST(Conformance, lists_kinks_and_does_not_call_them_wrong) {
  const Findings findings = findings_of<Fault::bends>();
  EXPECT_TRUE(conforms(findings)) << describe(findings);
  const Finding& found = finding(findings, "gradients of the losses agree with finite differences");
  EXPECT_EQ(found.verdict, Verdict::pass);
  EXPECT_EQ(found.detail.rfind("kinks: bend along b_enc[", 0), 0u) << found.detail;
}

TEST(Conformance, finds_a_loss_that_is_smooth_nowhere) {
  const Finding found = finding(findings_of<Fault::never_smooth>(),
                                "gradients of the losses agree with finite differences");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_EQ(found.detail.rfind("kinks almost everywhere: jumps along ", 0), 0u) << found.detail;
}

TEST(Conformance, finds_state_of_the_training_that_is_not_saved) {
  expect_found<Fault::trains_in_secret>(
      "resumed it trains alike",
      "W_dec differs after 10 steps from 5 and 5: something that matters is neither a parameter "
      "nor a buffer");
}

TEST(Conformance, finds_more_latents_than_k_says) {
  const Finding each =
      finding(findings_of<Fault::keeps_too_many>(), "keeps its promise of sparsity");
  EXPECT_EQ(each.verdict, Verdict::fail);
  EXPECT_EQ(each.detail.rfind("k is 4, and a row has ", 0), 0u) << each.detail;
  const Finding mean =
      finding(findings_of<Fault::keeps_too_many_on_average>(), "keeps its promise of sparsity");
  EXPECT_EQ(mean.verdict, Verdict::fail);
  EXPECT_EQ(mean.detail.rfind("k is 4, and a row has 1", 0), 0u) << mean.detail;
  EXPECT_NE(mean.detail.find(" latents on average"), std::string::npos) << mean.detail;
}

TEST(Conformance, finds_a_normaliser_that_is_not_in_the_weights) {
  expect_found<Fault::folds_in_words_only>("a normaliser folds into it",
                                           "other latents are active once it is folded in");
  expect_found<Fault::half_folds>("a normaliser folds into it",
                                  "says that it cannot, and changed W_dec");
}

TEST(Conformance, finds_weights_that_do_not_come_from_the_seed) {
  expect_found<Fault::unseeded>("same seed same bits",
                                "W_dec differs after training twice from one seed");
}

TEST(Conformance, finds_training_that_explodes) {
  const Finding found = finding(findings_of<Fault::explodes>(), "survives training");
  EXPECT_EQ(found.verdict, Verdict::fail) << found.detail;
}

TEST(Conformance, finds_state_that_is_not_saved) {
  expect_found<Fault::forgets>(
      "saved and loaded it codes alike",
      "other codes: something that matters is neither a parameter nor a buffer");
}

TEST(Conformance, finds_codes_that_depend_on_the_batch) {
  expect_found<Fault::looks_at_the_batch>("infer codes each row alone",
                                          "row 0 has other codes in a batch of 16 than alone");
}

TEST(Conformance, finds_state_that_changes_in_infer) {
  expect_found<Fault::changes_when_asked>("infer changes nothing", "asked changed");
}

TEST(Conformance, finds_a_part_that_prints) {
  const Finding found = finding(findings_of<Fault::prints>(), "prints nothing");
  EXPECT_EQ(found.verdict, Verdict::fail);
  EXPECT_EQ(found.detail.rfind("wrote \"coding", 0), 0u) << found.detail;
}

namespace {

struct AnyParamsOf {
  std::string weights;
  int64_t cells = 0;
};

class Idle final : public Analysis {
 public:
  explicit Idle(const AnyParamsOf&) {}
  Needs needs() const override { return {}; }
  Report run(Context&) override { return {}; }
};

Findings findings_of_idle(const Schema<AnyParamsOf>& schema) {
  Registry registry;
  registry.set_plugin("org.example.idle");
  registry.add_analysis<Idle>("idle", "Does nothing.", schema);
  return check_plugin(registry, "org.example.idle");
}

}  // namespace

TEST(Conformance, skips_loudly_what_needs_a_file) {
  const Findings findings = findings_of_idle(Schema<AnyParamsOf>().field(
      "weights", &AnyParamsOf::weights, "A folder.", required, input_path));
  EXPECT_TRUE(conforms(findings));
  EXPECT_EQ(describe(findings),
            "analysis idle: documented: pass\n"
            "analysis idle: constructs: skipped: not checked: needs weights, a file or folder\n"
            "analysis idle: prints nothing: pass\n");
}

TEST(Conformance, names_the_field_that_no_value_suits) {
  const Findings findings = findings_of_idle(Schema<AnyParamsOf>().field(
      "cells", &AnyParamsOf::cells, "Cells.", required, at_least(123456)));
  EXPECT_EQ(findings.at(1).detail, "no parameters to try it with: analysis.cells: required");
  EXPECT_FALSE(conforms(findings));
}

TEST(Conformance, finds_a_field_without_help) {
  const Findings findings =
      findings_of_idle(Schema<AnyParamsOf>().field("cells", &AnyParamsOf::cells, ""));
  EXPECT_EQ(findings.at(0).detail, "no help text: cells");
}

namespace {

struct NoParams {};

enum class Rowwise { none = 1, long_features, restless };

// Answers as nothing, or as rows with a dictionary twice too long, or with other bits every time.
template <Rowwise kFault>
class FaultyData final : public Data {
 public:
  explicit FaultyData(const NoParams&) {}
  const RowMaker* rows() const override { return kFault == Rowwise::none ? nullptr : &maker_; }

 private:
  struct Maker final : RowMaker {
    int64_t rows() const override { return 100; }
    int64_t width() const override { return 4; }
    Tensor make(int64_t, int64_t n) const override {
      if (kFault == Rowwise::restless) ++calls;
      return torch::full({n, 4}, calls, torch::kFloat32);
    }
    Tensor dictionary() const override { return 2 * torch::eye(4); }
    mutable int calls = 0;
  };
  Maker maker_;
};

template <Rowwise kFault>
std::string last_but_one_detail() {
  Registry registry;
  registry.set_plugin("org.example.faulty");
  registry.add_data<FaultyData<kFault>>("faulty", "Data with one fault.", Schema<NoParams>());
  const Findings findings = check_data(registry.data("faulty"));
  return findings.at(findings.size() - 2).detail;
}

}  // namespace

TEST(Conformance, finds_data_that_is_none) {
  EXPECT_EQ(last_but_one_detail<Rowwise::none>(), "answers as neither");
  EXPECT_EQ(last_but_one_detail<Rowwise::long_features>(),
            "the dictionary's rows are not of norm 1");
  EXPECT_EQ(last_but_one_detail<Rowwise::restless>(),
            "the same rows have other bits the second time");
}
