// Evaluation while training: no architecture's training is changed by it.
#include <facet/rng.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "plugins/architectures.h"
#include "plugins/fake_context.h"
#include "train/trainer.h"

namespace facet {
namespace {

Tensor drawn_rows(const std::string& purpose) {
  Rng rng(3, purpose);
  const Tensor x = at::empty({96, 1, 12});
  float* to = x.data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) to[i] = static_cast<float>(rng.normal()) + 0.3f;
  return x;
}

// Params and buffers after 12 steps with an evaluation after every `eval_every`.
std::vector<Tensor> trained_while(const std::string& type, int64_t eval_every, int& evaluations) {
  const auto sae = sae_of(Value::Table{{"type", type}, {"d_sae", 40}}, {1, 1, 12, 12});
  MemorySource source(drawn_rows("train"));
  const auto normaliser = make_normaliser(architectures(), Value(), "normalize");
  TrainParams params;
  params.steps = 12;
  params.batch = 24;
  params.lr = 0.01;
  params.eval_every = eval_every;
  TrainHooks hooks;
  hooks.held_out = [&]() -> std::unique_ptr<ActivationSource> {
    ++evaluations;
    return std::make_unique<MemorySource>(drawn_rows("held out"));
  };
  fit(*sae, *normaliser, source, params, hooks);
  std::vector<Tensor> out;
  for (const auto& [name, value] : sae->params()) out.push_back(value.detach());
  for (const Buffer& buffer : sae->buffers()) out.push_back(buffer.value);
  return out;
}

}  // namespace

TEST(Evaluation, changes_no_bit_of_any_architecture) {
  for (const char* type : {"topk", "relu", "jumprelu", "batch_topk"}) {
    int none = 0, each = 0;
    const auto alone = trained_while(type, 0, none), watched = trained_while(type, 1, each);
    EXPECT_EQ(none, 0);
    EXPECT_EQ(each, 12);
    ASSERT_EQ(alone.size(), watched.size());
    for (size_t i = 0; i < alone.size(); ++i)
      EXPECT_TRUE(torch::equal(alone[i], watched[i])) << type << " " << i;
  }
}

}  // namespace facet
