// facet sae diff: what two SAEs share.
#include <gtest/gtest.h>

#include <algorithm>

#include "trained_toy.h"

TEST(SaeDiff, of_an_sae_with_itself_is_nothing) {
  const TrainedWorkshop here;
  const Outcome outcome = here.facet({"sae", "diff", "sae", "sae", "--out", "pairs.tsv"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "a sae\nb sae\n"
            "made alike, the seed too\n"
            "the nearest latent of the other, by cosine of decoder rows\n"
            "                     a in b    b in a\n"
            "  latents            64        64\n"
            "  mean cosine        1         1\n"
            "  above 0.7          100 %     100 %\n"
            "  above 0.9          100 %     100 %\n"
            "one to one, so that the sum of |cosine| is largest (Hungarian method)\n"
            "  pairs              64\n"
            "  mcc                1         mean |cosine| of the decoder rows of the pairs\n"
            "  above 0.7          100 %\n"
            "  above 0.9          100 %\n"
            "  encoder cosine     1         mean of the pairs\n"
            "  without a partner  a 0       b 0\n"
            "pairs.tsv: 64 pairs\n");
  const std::string pairs = here.read("pairs.tsv");
  EXPECT_EQ(pairs.substr(0, pairs.find('\n')),
            "latent_a\tlatent_b\tcosine_decoder\tcosine_encoder");
  EXPECT_EQ(std::count(pairs.begin(), pairs.end(), '\n'), 65);
}

TEST(SaeDiff, lists_first_how_two_were_made_otherwise) {
  const TrainedWorkshop here;
  const Outcome run = here.facet({"run", "toy.toml", "--quiet", "--set", "sae.seed=8", "--set",
                                  "sae.d_sae=40", "--set", "activations.normalize=mean"});
  ASSERT_EQ(run.err, "");
  const Outcome outcome = here.facet({"sae", "diff", "sae", here.runs("toy").at(0)});
  EXPECT_EQ(outcome.err, "");
  for (const char* line :
       {"\ndifferences, a | b\n", "\n  normaliser         \"none\" | \"mean\"\n",
        "\n  params.d_sae       64 | 40\n", "\n  seed ", "\n  latents            64        40\n",
        "\n  pairs              40\n", "\n  without a partner  a 24      b 0\n"})
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << "\n" << outcome.out;
  EXPECT_EQ(outcome.out.find("params.k "), std::string::npos);
}

TEST(SaeDiff, refuses_what_cannot_be_compared) {
  const TrainedWorkshop here;
  const Outcome run = here.facet({"run", "toy.toml", "--quiet", "--set", "host.d=16"});
  ASSERT_EQ(run.err, "");
  const std::string wide = here.runs("toy").at(0);
  const Outcome width = here.facet({"sae", "diff", "sae", wide});
  EXPECT_EQ(width.exit_code, 1);
  EXPECT_EQ(width.err, "runs/toy/ID/sae: its decoder is 16 wide, should be 32 as that of sae\n");
  const Outcome none = here.facet({"sae", "diff", "sae", "nowhere"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_EQ(none.err.substr(0, 30), "nowhere: not an SAE: has none ");
}
