// The schedule: how the learning rate and the weight of sparsity go over the steps.
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "train/trainer.h"

namespace facet {
namespace {

TEST(Schedule, the_learning_rate_rises_stays_and_falls) {
  TrainParams params;
  params.warmup = 0.2;
  params.decay = 0.4;
  std::vector<double> factors;
  for (int64_t step = 0; step < 10; ++step) factors.push_back(lr_factor(params, step, 10));
  EXPECT_EQ(factors, (std::vector<double>{0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25}));
  params.warmup = params.decay = 0;
  EXPECT_EQ(lr_factor(params, 0, 10), 1);
  EXPECT_EQ(lr_factor(params, 9, 10), 1);
}

TEST(Schedule, the_learning_rate_rises_from_zero_where_a_peer_does) {
  TrainParams params;
  params.warmup = 0.2;
  params.decay = 0;
  params.warmup_from = "zero";
  std::vector<double> factors;
  for (int64_t step = 0; step < 4; ++step) factors.push_back(lr_factor(params, step, 10));
  EXPECT_EQ(factors, (std::vector<double>{0, 0.5, 1, 1}));
  params.sparsity_warmup = 0.4;
  EXPECT_EQ(sparsity_factor(params, 0, 10), 0);
  EXPECT_EQ(sparsity_factor(params, 3, 10), 0.75);
  EXPECT_EQ(sparsity_factor(params, 9, 10), 1);
  EXPECT_FALSE(warmed_up(params, 4, 10));
  EXPECT_TRUE(warmed_up(params, 5, 10));
}

TEST(Schedule, the_learning_rate_falls_along_cosines) {
  TrainParams params;
  params.warmup = params.decay = 0;
  params.schedule = "cosine";
  params.lr_end = 0.2;
  EXPECT_EQ(lr_factor(params, 0, 8), 1);
  EXPECT_NEAR(lr_factor(params, 4, 8), 0.6, 1e-12);
  EXPECT_NEAR(lr_factor(params, 2, 8), 0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2, 1e-12);
  params.lr_cycles = 2;
  EXPECT_EQ(lr_factor(params, 4, 8), 1);
  EXPECT_NEAR(lr_factor(params, 2, 8), 0.6, 1e-12);
  params.lr_cycles = 1;
  params.decay = 0.5;  // the fall begins at lr_end
  EXPECT_NEAR(lr_factor(params, 4, 8), 0.2, 1e-12);
  EXPECT_NEAR(lr_factor(params, 6, 8), 0.1, 1e-12);
}

TEST(Schedule, muon_gives_vectors_a_warm_up_of_their_own) {
  TrainParams params;
  params.warmup = 0;
  params.decay = 1;
  params.vector_warmup = 0.2;
  EXPECT_EQ(lr_factor(params, 0, 20), 1);
  EXPECT_EQ(vector_lr_factor(params, 0, 20), 0);
  EXPECT_EQ(vector_lr_factor(params, 2, 20), 0.5);
  EXPECT_EQ(vector_lr_factor(params, 4, 20), 1);
  EXPECT_EQ(vector_lr_factor(params, 12, 20), 0.5);
}

TEST(Schedule, the_learning_rate_may_follow_the_number_of_latents) {
  TrainParams params;
  EXPECT_EQ(lr_scale(params, 65536), 1);
  params.lr_scale = "latents";
  EXPECT_EQ(lr_scale(params, 16384), 1);
  EXPECT_EQ(lr_scale(params, 65536), 0.5);
}

}  // namespace
}  // namespace facet
