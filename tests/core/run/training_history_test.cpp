// The history of a training, from the lines of events.jsonl.
#include "run/training_history.h"

#include <gtest/gtest.h>

using namespace facet;

namespace {

constexpr char kEventLines[] =
    R"({"event":"run","level":"info","message":"train.step","time":"t"}
{"dead":0.25,"event":"train.step","l0":4.0,"level":"metric","loss":2.5,"lr":0.1,"mse":2.0,"rows":16,"step":1,"time":"t"}
{"dead":0.5,"event":"train.step","l0":1.0,"level":"metric","loss":9.0,"lr":0.1,"rows":16,"sae":"wide","step":1,"time":"t"}
{"auxk":null,"dead":0,"event":"train.step","l0":3.0,"level":"metric","loss":0.1,"lr":0.1,"mse":1.0,"rows":32,"step":2,"time":"t"}
{"event":"train.eval","level":"metric","nmse":0.5,"l0":3.5,"fvu":null,"step":2,"time":"t"}
)";

}  // namespace

TEST(TrainingHistory, has_a_row_for_each_step_of_its_sae) {
  const std::string text = emit_tsv(training_history(kEventLines, ""));
  EXPECT_EQ(text,
            "step\trows\tloss\tauxk\tmse\tl0\tdead\tlr\teval_nmse\teval_fvu\t"
            "eval_explained_variance\teval_mse\teval_cosine\teval_l2_ratio\t"
            "eval_relative_reconstruction_bias\teval_l0\teval_l0_nonzero\teval_sparsity\teval_l1\t"
            "eval_dead\n"
            "1\t16\t2.5\t\t2.0\t4.0\t0.25\t0.1\t\t\t\t\t\t\t\t\t\t\t\t\n"
            "2\t32\t0.1\t\t1.0\t3.0\t0\t0.1\t0.5\t\t\t\t\t\t\t3.5\t\t\t\t\n");
  EXPECT_EQ(emit_tsv(training_history(kEventLines, "wide")),
            "step\trows\tloss\tl0\tdead\tlr\n1\t16\t9.0\t1.0\t0.5\t0.1\n");
  EXPECT_TRUE(training_history(kEventLines, "none").rows().empty());
  EXPECT_TRUE(training_history("", "").rows().empty());
}

TEST(TrainingHistory, is_drawn_with_what_was_held_out_beside_it) {
  const std::vector<Plot> plots = history_plots(training_history(kEventLines, ""));
  ASSERT_EQ(plots.size(), 4u);
  EXPECT_EQ(plots[0].y_label, "loss");
  EXPECT_TRUE(plots[0].log_y);
  EXPECT_EQ(plots[0].series.size(), 1u);
  EXPECT_EQ(plots[0].series[0].y, (std::vector<double>{2.5, 0.1}));
  ASSERT_EQ(plots[1].series.size(), 2u);
  EXPECT_EQ(plots[1].series[1].x, (std::vector<double>{2}));
  EXPECT_EQ(plots[1].series[1].y, (std::vector<double>{3.5}));
  EXPECT_EQ(plots[2].series[0].y, (std::vector<double>{0.25, 0}));
  EXPECT_EQ(plots[3].series[0].y, (std::vector<double>{0.5}));
  for (const Plot& plot : plots) EXPECT_EQ(plot.x_label, "step");
  EXPECT_EQ(history_plots(training_history(kEventLines, "wide")).size(), 3u);
}

TEST(TrainingHistory, of_an_sae_with_a_name_has_a_folder_of_its_own) {
  EXPECT_EQ(history_file(""), "artefacts/training_history");
  EXPECT_EQ(history_file("wide"), "artefacts/wide/training_history");
  EXPECT_EQ(history_title("wide"), "Loss, L0 and dead latents over the training of wide.");
}
