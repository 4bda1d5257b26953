// What AffineSae gives to every architecture of one hookpoint: tied weights, targets of another
// hookpoint, infer_k and theta; and the selections of abs_topk and groupmax.
#include "expect_refusal.h"
#include "plugins/short_training.h"

namespace facet {
namespace {

constexpr Shape kOne{1, 1, kWidth, kWidth};
constexpr Shape kAcross{1, 1, kWidth, kWidth - 5, true};

Batch batch_across(const Shape& shape = kAcross) {
  Batch batch;
  batch.input = some_rows(1);
  batch.target = batch.input.narrow(2, 0, shape.d_out) * 2 + 1;
  batch.ids.x = batch.input;
  return batch;
}

Batch batch_of_rows(int64_t points = 1) {
  Batch batch;
  batch.input = batch.target = batch.ids.x = some_rows(points);
  return batch;
}

void put(const Sae& sae, const std::string& name, const Tensor& value) {
  const at::NoGradGuard no_grad;
  param_of(sae, name).copy_(value);
}

bool has_param(const Sae& sae, const std::string& name) {
  for (const auto& [known, value] : sae.params())
    if (known == name) return true;
  return false;
}

std::unique_ptr<Sae> made_of(const InferenceForm& form, const Shape& shape) {
  Value section = form.params;
  section.set("type", form.type);
  auto sae = sae_of(section, shape);
  for (const auto& [name, value] : form.tensors) put(*sae, name, value);
  return sae;
}

/// Four latents whose pre-activations are the row itself.
std::unique_ptr<Sae> of_rows_themselves(Value section) {
  section.set("d_sae", 4);
  section.set("aux_coefficient", 0.0);
  auto sae = sae_of(section, {1, 1, 4, 4});
  put(*sae, "W_enc", at::eye(4));
  put(*sae, "W_dec", at::eye(4));
  return sae;
}

Tensor codes_of(Sae& sae, const Tensor& rows, Mode mode = Mode::infer) {
  const at::NoGradGuard no_grad;
  Batch batch;
  batch.input = batch.target = rows.unsqueeze(1);
  return sae.pass(batch, mode).codes.dense();
}

Value topk_of(const char* type, int64_t k) { return Value::Table{{"type", type}, {"k", k}}; }

TEST(AffineForms, tied_weights_are_one_parameter_and_stay_tied) {
  for (const Value& section : {with(relu(), "tied", true), with(topk(), "tied", true),
                               with(jumprelu(), "tied", true), with(batch_topk(), "tied", true),
                               with(gated(), "tied", true), with(matryoshka(), "tied", true)}) {
    SCOPED_TRACE(emit_json(section));
    const auto sae = sae_of(section, kOne);
    EXPECT_FALSE(has_param(*sae, "W_enc"));
    train(*sae, short_training());
    const auto untied = sae_of(with(section, "tied", false), kOne);
    for (const auto& [name, value] : sae->params()) put(*untied, name, value);
    put(*untied, "W_enc", param_of(*sae, "W_dec").t());
    for (size_t i = 0; i < sae->buffers().size(); ++i)
      Tensor(untied->buffers()[i].value).copy_(sae->buffers()[i].value);
    const at::NoGradGuard no_grad;
    const Pass a = sae->pass(batch_of_rows(), Mode::infer);
    const Pass b = untied->pass(batch_of_rows(), Mode::infer);
    EXPECT_TRUE(a.codes.dense().equal(b.codes.dense()));
    EXPECT_TRUE(a.output.equal(b.output));
  }
}

TEST(AffineForms, a_tied_sae_is_exported_untied) {
  const at::NoGradGuard no_grad;
  for (const Value& section : {with(relu(), "tied", true), with(topk(), "tied", true),
                               with(jumprelu(), "tied", true), with(gated(), "tied", true)}) {
    const auto sae = sae_of(section, kOne);
    EXPECT_TRUE(sae->saelens().empty());
    const auto form = sae->inference_form();
    ASSERT_TRUE(form);
    const auto untied = made_of(*form, kOne);
    EXPECT_FALSE(untied->saelens().empty());
    EXPECT_TRUE(sae->pass(batch_of_rows(), Mode::infer)
                    .output.equal(untied->pass(batch_of_rows(), Mode::infer).output));
  }
}

TEST(AffineForms, a_target_of_another_hookpoint_has_its_own_width_and_no_centring) {
  for (const Value& section : {relu(), topk(), jumprelu(), batch_topk(), gated(), matryoshka()}) {
    SCOPED_TRACE(emit_json(section));
    const auto sae = sae_of(section, kAcross);
    EXPECT_EQ(param_of(*sae, "W_enc").sizes(), (at::IntArrayRef{kWidth, kLatents}));
    EXPECT_EQ(param_of(*sae, "W_dec").sizes(), (at::IntArrayRef{kLatents, kAcross.d_out}));
    EXPECT_EQ(param_of(*sae, "b_dec").sizes(), at::IntArrayRef{kAcross.d_out});
    const Batch batch = batch_across();
    const Pass before = sae->pass(batch, Mode::train);
    EXPECT_EQ(before.output.sizes(), batch.target.sizes());
    EXPECT_TRUE(before.target.is_same(batch.target));
    put(*sae, "b_dec", at::full({kAcross.d_out}, 3.0));
    EXPECT_TRUE(sae->pass(batch, Mode::train).codes.dense().equal(before.codes.dense()));
  }
  const Shape even{1, 1, kWidth, kWidth, true};
  const auto across = sae_of(with(topk(), "centre_across", true), even);
  const Tensor before = codes_of(*across, some_rows(1).select(1, 0));
  put(*across, "b_dec", at::full({kWidth}, 0.5));
  EXPECT_FALSE(codes_of(*across, some_rows(1).select(1, 0)).equal(before));
}

TEST(AffineForms, a_skip_leads_past_the_latents) {
  for (const Value& section : {relu(), topk(), gated()}) {
    const auto sae = sae_of(with(section, "skip", true), kAcross);
    const at::NoGradGuard no_grad;
    const Batch batch = batch_across();
    const Tensor before = sae->pass(batch, Mode::infer).output;
    const Tensor skip = at::arange(kAcross.d_out * kWidth).view({kAcross.d_out, kWidth}) * 0.01;
    EXPECT_EQ(param_of(*sae, "W_skip").abs().max().item<double>(), 0);
    put(*sae, "W_skip", skip);
    const Tensor x = batch.input.select(1, 0);
    const Tensor expected = before.select(1, 0) + x.matmul(skip.t());
    EXPECT_TRUE(at::allclose(sae->pass(batch, Mode::infer).output.select(1, 0), expected));
    EXPECT_TRUE(at::allclose(sae->splice(0, x, {}).rows, expected));
  }
}

TEST(AffineForms, a_transcoder_starts_as_sparsifys) {
  const auto sae = sae_of(with(topk(), "compat", "sparsify_transcoder"), kAcross);
  const Batch batch = batch_across();
  sae->start(batch);
  EXPECT_EQ(param_of(*sae, "W_dec").abs().max().item<double>(), 0);
  EXPECT_TRUE(at::allclose(param_of(*sae, "b_dec"), batch.target.select(1, 0).mean(0)));
  const Tensor mean = batch.input.select(1, 0).mean(0);
  EXPECT_TRUE(
      at::allclose(param_of(*sae, "b_enc"), -mean.matmul(param_of(*sae, "W_enc")), 1e-5, 1e-6));
}

TEST(AffineForms, latents_of_a_transcoder_begin_anew_from_input_and_target) {
  const auto sae = sae_of(topk(), kAcross);
  const Batch all = batch_across();
  Batch some;
  some.input = all.input.slice(0, 0, 2);
  some.target = all.target.slice(0, 0, 2);
  sae->revive(at::tensor({3, 7}, at::kLong), some);
  const Tensor x = some.input.select(1, 0)[1], y = some.target.select(1, 0)[1];
  EXPECT_TRUE(at::allclose(param_of(*sae, "W_dec")[7], y / y.norm()));
  const Tensor column = param_of(*sae, "W_enc").select(1, 7);
  EXPECT_TRUE(at::allclose(column / column.norm(), x / x.norm()));
}

TEST(AffineForms, say_saelens_name_of_a_transcoder) {
  const auto name = [](const Value& section) {
    return sae_of(section, kAcross)->saelens().text("architecture");
  };
  EXPECT_EQ(name(relu()), "transcoder");
  EXPECT_EQ(name(with(relu(), "skip", true)), "skip_transcoder");
  EXPECT_EQ(name(jumprelu()), "jumprelu_transcoder");
  EXPECT_EQ(name(with(jumprelu(), "skip", true)), "jumprelu_skip_transcoder");
  EXPECT_TRUE(sae_of(topk(), kAcross)->saelens().empty());
}

TEST(AffineForms, refuse_shapes_that_do_not_fit) {
  EXPECT_EQ(refusal_of([] { sae_of(with(relu(), "skip", true), kOne); }),
            "facet.sae.relu: sae: relu: skip: needs a target of another hookpoint "
            "(activations.target)");
  EXPECT_EQ(refusal_of([] {
              sae_of(topk(), {2, 1, kWidth, kWidth, true});
            }),
            "facet.sae.topk: sae: topk: maps one hookpoint to one: is given 2 and a target of 1");
  EXPECT_EQ(refusal_of([] { sae_of(with(topk(), "tied", true), kAcross); }),
            "facet.sae.topk: sae: topk: tied: needs a target as wide as the input: they are 12 "
            "and 7 wide");
  EXPECT_EQ(refusal_of([] { sae_of(with(topk(), "infer_k", 41), kOne); }),
            "sae.infer_k: 41 exceeds d_sae (40)");
  EXPECT_EQ(
      refusal_of([] { sae_of(with(with(topk(), "tied", true), "decoder_start", "zero"), kOne); }),
      "sae.decoder_start: must be \"encoder\" with tied");
  EXPECT_EQ(refusal_of([] { sae_of(with(topk_of("groupmax", 7), "d_sae", 40), kOne); }),
            "sae.k: is 7, should divide d_sae (40): the latents fall into k groups of equal size");
  EXPECT_EQ(refusal_of([] { sae_of(with(with(topk(), "relu", false), "multi_topk", 4), kOne); }),
            "sae.multi_topk: must be 0 without relu");
  for (const Value& section :
       {relu(), topk(), jumprelu(), batch_topk(), route(), topk_of("abs_topk", 4)})
    EXPECT_EQ(refusal_of([&] {
                sae_of(with(with(with(section, "infer_k", 2), "theta", 0.5), "d_sae", 40),
                       shape_for(section));
              }),
              "sae: infer_k and theta exclude each other");
}

TEST(AffineForms, infer_k_keeps_the_largest_of_any_architecture_ties_to_the_lowest_latent) {
  const Tensor rows = at::tensor({3.f, 1.f, 3.f, 2.f, 1.f, 1.f, 1.f, 1.f}).view({2, 4});
  const Tensor kept = at::tensor({3.f, 0.f, 3.f, 0.f, 1.f, 1.f, 0.f, 0.f}).view({2, 4});
  for (Value section : {relu(), jumprelu(), batch_topk(), topk(), gated()}) {
    SCOPED_TRACE(emit_json(section));
    const auto sae = of_rows_themselves(with(section, "infer_k", 2));
    EXPECT_TRUE(codes_of(*sae, rows).equal(kept));
  }
  EXPECT_TRUE(codes_of(*of_rows_themselves(topk_of("topk", 2)), rows).equal(kept));
}

TEST(AffineForms, theta_keeps_what_is_above_it_in_any_architecture) {
  const Tensor rows = at::tensor({3.f, 1.5f, -3.f, 1.6f}).view({1, 4});
  const Tensor kept = at::tensor({3.f, 0.f, 0.f, 1.6f}).view({1, 4});
  for (Value section : {relu(), jumprelu(), batch_topk(), topk(), gated()}) {
    SCOPED_TRACE(emit_json(section));
    const auto sae = of_rows_themselves(with(section, "theta", 1.5));
    EXPECT_TRUE(codes_of(*sae, rows).equal(kept));
  }
}

TEST(AffineForms, what_infer_k_and_theta_choose_has_a_form_of_its_own) {
  const at::NoGradGuard no_grad;
  for (const auto& [key, value, type] :
       {std::tuple{"infer_k", Value(3), "topk"}, std::tuple{"theta", Value(0.4), "jumprelu"}})
    for (const Value& section : {relu(), jumprelu(), batch_topk()}) {
      const auto sae = sae_of(with(section, key, value), kOne);
      EXPECT_TRUE(sae->saelens().empty());
      const auto form = sae->inference_form();
      ASSERT_TRUE(form);
      EXPECT_EQ(form->type, type);
      const auto other = made_of(*form, kOne);
      const Pass a = sae->pass(batch_of_rows(), Mode::infer);
      const Pass b = other->pass(batch_of_rows(), Mode::infer);
      EXPECT_TRUE(a.codes.latent.equal(b.codes.latent));
      EXPECT_TRUE(at::allclose(a.codes.dense(), b.codes.dense(), 1e-5, 1e-6));
      EXPECT_TRUE(at::allclose(a.output, b.output, 1e-5, 1e-6));
    }
}

TEST(AffineForms, abs_topk_keeps_what_is_furthest_from_0_with_its_sign) {
  const auto sae = of_rows_themselves(topk_of("abs_topk", 2));
  const Tensor rows = at::tensor({3.f, -4.f, 1.f, -2.f, 1.f, -1.f, 1.f, -1.f}).view({2, 4});
  const Tensor kept = at::tensor({3.f, -4.f, 0.f, 0.f, 1.f, -1.f, 0.f, 0.f}).view({2, 4});
  for (const Mode mode : {Mode::train, Mode::infer})
    EXPECT_TRUE(codes_of(*sae, rows, mode).equal(kept));
  EXPECT_EQ(sae->saelens().text("architecture"), "abstopk");
}

TEST(AffineForms, groupmax_keeps_the_largest_of_each_group) {
  const auto sae = of_rows_themselves(topk_of("groupmax", 2));
  const Tensor rows = at::tensor({3.f, 4.f, 1.f, -2.f, 1.f, 1.f, -1.f, -1.f}).view({2, 4});
  const Tensor kept = at::tensor({0.f, 4.f, 1.f, 0.f, 1.f, 0.f, 0.f, 0.f}).view({2, 4});
  for (const Mode mode : {Mode::train, Mode::infer})
    EXPECT_TRUE(codes_of(*sae, rows, mode).equal(kept));
}

// Six activations of 1 share the four places that the 3 and the 2 leave.
TEST(AffineForms, batches_break_ties_to_the_first_rows_and_the_lowest_latents) {
  const Tensor rows = at::tensor({1.f, 3.f, 1.f, 1.f, 1.f, 1.f, 2.f, 1.f}).view({2, 4});
  const Tensor kept = at::tensor({1.f, 3.f, 1.f, 1.f, 1.f, 0.f, 2.f, 0.f}).view({2, 4});
  for (const Value& section : {topk_of("batch_topk", 3),
                               with(topk_of("matryoshka", 3), "widths", Value::Array{Value(2)})}) {
    const auto sae = of_rows_themselves(section);
    EXPECT_TRUE(codes_of(*sae, rows, Mode::train).equal(kept)) << emit_json(section);
  }
}

// k = 1 keeps the 3, of which the error is 2^2 + 1^2; 2 k keeps the 2 as well: 1^2.
TEST(AffineForms, multi_topk_is_the_error_of_more_latents) {
  const auto sae = of_rows_themselves(with(topk_of("topk", 1), "multi_topk", 2));
  Batch batch;
  batch.input = batch.target = at::tensor({3.f, 2.f, 1.f, 0.f}).view({1, 1, 4});
  const Losses losses = sae->losses(sae->pass(batch, Mode::train), {});
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_FLOAT_EQ(losses[0].value.item<float>(), 5);
  EXPECT_EQ(losses[1].name, "multi_topk");
  EXPECT_FLOAT_EQ(losses[1].value.item<float>(), 1.0F / 8);
}

TEST(AffineForms, sparsifys_encoder_learns_nothing_from_multi_topk) {
  for (const bool learns : {true, false}) {
    const auto sae = of_rows_themselves(
        with(with(topk_of("topk", 1), "multi_topk", 2), "multi_topk_encoder", learns));
    put(*sae, "W_dec", at::eye(4) * 0.5);
    Batch batch;
    batch.input = batch.target = at::tensor({3.f, 2.f, 1.f, 0.f}).view({1, 1, 4});
    sae->losses(sae->pass(batch, Mode::train), {})[1].value.backward();
    const Tensor gradient = param_of(*sae, "W_enc").grad();
    EXPECT_EQ(gradient.defined() && gradient.abs().max().item<double>() > 0, learns);
    EXPECT_GT(param_of(*sae, "W_dec").grad().abs().max().item<double>(), 0);
  }
}

}  // namespace
}  // namespace facet
