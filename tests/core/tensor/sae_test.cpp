// Sae and PlainSae: registration, defaults, and the points axis.
#include "facet/sae.h"

#include <gtest/gtest.h>

#include "core/tensor/numbers.h"
#include "expect_refusal.h"
#include "facet/ops.h"
#include "facet/torch.h"

namespace facet {
namespace {

class Small final : public PlainSae {
 public:
  Small() {
    Init init(3);
    w_dec_ = param("W_dec", init.uniform({6, 4}, 1.0));
    w_enc_ = param("W_enc", w_dec_.t());
    count_ = buffer("count", at::zeros({}, at::kLong), Merge::sum);
  }
  Codes encode(const Tensor& x, Mode) override { return Codes::of(x.matmul(w_enc_).relu()); }
  Tensor decode(const Codes& codes) override { return ops::decode(codes, w_dec_, Tensor()); }
  Losses losses(const Pass&, const Step&) override { return {}; }
  void twice() { param("W_dec", at::zeros({1})); }

  Tensor w_dec_, w_enc_, count_;
};

Batch batch_of(const Tensor& x) {
  Batch batch;
  batch.input = x;
  batch.target = x;
  return batch;
}

TEST(SaeTest, a_transposed_parameter_keeps_its_latents_contiguous) {
  const Small sae;
  EXPECT_EQ(sae.w_enc_.sizes(), (std::vector<int64_t>{4, 6}));
  EXPECT_EQ(sae.w_enc_.strides(), (std::vector<int64_t>{1, 4}));
  EXPECT_TRUE(sae.w_enc_.requires_grad() && sae.w_enc_.is_leaf());
  EXPECT_FALSE(sae.w_enc_.is_alias_of(sae.w_dec_));
}

TEST(SaeTest, what_is_registered_is_what_is_returned) {
  const Small sae;
  ASSERT_EQ(sae.params().size(), 2u);
  EXPECT_EQ(sae.params()[1].first, "W_enc");
  EXPECT_TRUE(sae.params()[1].second.is_same(sae.w_enc_));
  ASSERT_EQ(sae.buffers().size(), 1u);
  EXPECT_TRUE(sae.buffers()[0].value.is_same(sae.count_));
  EXPECT_FALSE(sae.count_.requires_grad());
  EXPECT_EQ(sae.d_sae(), 6);
  EXPECT_THROW(Small().twice(), Bug);
}

TEST(SaeTest, gradients_come_in_the_layout_of_the_parameters) {
  Small sae;
  sae.pass(batch_of(random_tensor({5, 1, 4}, "x")), Mode::train).output.sum().backward();
  for (const auto& [name, value] : sae.params())
    EXPECT_EQ(value.grad().strides(), value.strides()) << name;
}

TEST(SaeTest, a_plain_pass_adds_and_drops_the_points_axis) {
  Small sae;
  const Batch batch = batch_of(random_tensor({5, 1, 4}, "x"));
  const Pass pass = sae.pass(batch, Mode::infer);
  EXPECT_EQ(pass.output.sizes(), (std::vector<int64_t>{5, 1, 4}));
  EXPECT_TRUE(pass.notes.at("input").equal(batch.input.select(1, 0)));
  EXPECT_TRUE(pass.target.equal(batch.target));
}

TEST(SaeTest, splicing_replaces_every_row_by_its_reconstruction) {
  Small sae;
  const at::NoGradGuard no_grad;
  const Batch batch = batch_of(random_tensor({5, 1, 4}, "x"));
  const Pass seen = sae.pass(batch, Mode::infer);
  const Spliced spliced = sae.splice(0, batch.input.select(1, 0), seen);
  EXPECT_TRUE(spliced.rows.equal(seen.output.select(1, 0)));
  EXPECT_TRUE(spliced.replaced.equal(at::ones({5}, at::kBool)));
}

TEST(SaeTest, a_plain_sae_refuses_several_hookpoints) {
  EXPECT_EQ(refusal_of([] {
              Small().pass(batch_of(at::zeros({5, 3, 4})), Mode::infer);
            }),
            "sae: this architecture reads one hookpoint: 3 are given");
}

TEST(SaeTest, latents_are_not_started_anew_by_default) {
  EXPECT_EQ(refusal_of([] { Small().revive(at::zeros({1}, at::kLong), Batch()); }),
            "sae: revive: this architecture cannot start latents anew");
}

TEST(SaeTest, an_sae_of_several_hookpoints_must_say_how_it_is_spliced) {
  Pass seen;
  seen.output = at::zeros({5, 2, 4});
  EXPECT_EQ(refusal_of([&] {
              Small().splice(0, at::zeros({5, 4}), seen);
            }),
            "sae: splice: this architecture does not say how one of its 2 hookpoints is replaced");
}

TEST(SaeTest, sums_over_one_rank_are_the_identity) {
  const Group group;
  const Tensor x = random_tensor({3}, "x");
  EXPECT_TRUE(group.sum(x).is_same(x));
  EXPECT_EQ(group.size(), 1);
  EXPECT_EQ(group.rank(), 0);
}

TEST(SaeTest, an_sae_is_where_its_tensors_are_and_without_any_on_the_cpu) {
  struct Bare final : PlainSae {
    Codes encode(const Tensor& x, Mode) override { return Codes::of(x); }
    Tensor decode(const Codes& codes) override { return codes.dense(); }
    Losses losses(const Pass&, const Step&) override { return {}; }
  };
  struct Buffered final : Sae {
    Buffered() { buffer("sum", at::zeros({2}, at::TensorOptions().device(at::kMeta))); }
    Pass pass(const Batch&, Mode) override { return {}; }
    Losses losses(const Pass&, const Step&) override { return {}; }
    Tensor decoder(int64_t) const override { return {}; }
  };
  EXPECT_EQ(Bare().device(), at::Device(at::kCPU));
  EXPECT_EQ(Small().device(), at::Device(at::kCPU));
  EXPECT_EQ(Buffered().device(), at::Device(at::kMeta));
}

// Two ranks with the same rows.
struct Twice final : Group {
  Tensor sum(const Tensor& x) const override { return 2 * x; }
};

TEST(SaeTest, the_mean_squared_error_is_over_rows_and_ranks_and_summed_over_the_width) {
  Pass pass;
  pass.target = at::zeros({4, 2, 3});
  pass.output = at::full({4, 2, 3}, 0.5);
  const Twice twice;
  Step alone, together;
  together.group = &twice;
  EXPECT_EQ(mean_squared_error(pass, alone).item<float>(), 1.5f);
  EXPECT_EQ(mean_squared_error(pass, together).item<float>(), 1.5f);
}

TEST(SaeTest, an_sae_of_one_hookpoint_refuses_other_shapes) {
  EXPECT_EQ(refusal_of([] { check_one_hookpoint("small", {1, 1, 4, 4}); }), "(no refusal)");
  EXPECT_EQ(refusal_of([] {
              check_one_hookpoint("small", {1, 1, 4, 4, true});
            }),
            "sae: small: reconstructs the rows of one hookpoint: is given a target of another");
  EXPECT_EQ(refusal_of([] {
              check_one_hookpoint("small", {2, 1, 4, 8});
            }),
            "sae: small: reconstructs the rows of one hookpoint: is given 2 of width 4 and should "
            "return 1 of width 8");
}

TEST(SaeTest, an_unmentioned_loss_has_weight_one) {
  Coefficients coefficients;
  coefficients.set("l1", 0.25);
  EXPECT_EQ(coefficients.of("l1"), 0.25);
  EXPECT_EQ(coefficients.of("mse"), 1.0);
}

TEST(SaeTest, saelens_has_no_name_for_an_architecture_by_default) {
  EXPECT_TRUE(Small().saelens().empty());
}

TEST(InitTest, rows_have_the_norm_asked_for) {
  const Tensor w = Init(1).uniform({50, 8}, 0.1);
  EXPECT_LT(worst(w.norm(2, {1}), at::full({50}, 0.1)), 1e-6);
  EXPECT_LE(Init(1).uniform_within({1000}, 0.5).abs().max().item<float>(), 0.5f);
}

TEST(InitTest, equal_seeds_draw_equal_bits) {
  EXPECT_TRUE(same_bits(Init(1).uniform({5, 8}, 1), Init(1).uniform({5, 8}, 1)));
  EXPECT_FALSE(same_bits(Init(1).uniform({5, 8}, 1), Init(2).uniform({5, 8}, 1)));
}

}  // namespace
}  // namespace facet
