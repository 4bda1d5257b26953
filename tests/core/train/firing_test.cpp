// Firing: what counts as firing.
#include "train/firing.h"

#include <facet/torch.h>
#include <gtest/gtest.h>

#include "train/trainer.h"

namespace facet {
namespace {

TEST(Firing, latents_fire_as_train_says) {
  Codes codes;
  codes.start = torch::tensor({0, 2, 4}, torch::kLong);
  codes.latent = torch::tensor({0, 1, 2, 3}, torch::kInt);
  codes.value = torch::tensor({0.5f, -0.5f, 0.0f, 2.0f});
  codes.d_sae = 5;
  TrainParams params;
  params.dead_after_rows = 1;
  const auto dead = [&](const std::string& fired_if, double fired_above) {
    params.fired_if = fired_if;
    params.fired_above = fired_above;
    Firing firing(5, params, 10, "cpu");
    firing.add(codes, Group());
    return firing.dead();
  };
  EXPECT_TRUE(dead("above", 0).equal(torch::tensor({false, true, true, false, true})));
  EXPECT_TRUE(dead("above", 1).equal(torch::tensor({true, true, true, false, true})));
  EXPECT_TRUE(dead("nonzero", 0).equal(torch::tensor({false, false, true, false, true})));
  EXPECT_TRUE(dead("selected", 0).equal(torch::tensor({false, false, false, false, true})));
}

}  // namespace
}  // namespace facet
