// facet doctor: what it sees, and what it calls wrong.
#include <gtest/gtest.h>

#include "toy_run.h"

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST(Doctor, says_what_it_sees_and_that_nothing_is_wrong) {
  const Workshop here;
  const Outcome outcome = here.facet({"doctor"}, {{"HF_TOKEN", "hf_secret"}});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  for (const char* line :
       {"      facet         0.", "\n      build         facet 1/", "\n      LibTorch      2.11.",
        "\n      CUDA          ", "\n      GPU kernels   ", "\n      CPU           ",
        "\n      threads       1 of computation", "\n      memory        ",
        "\n      plugins       ", "facet.sae.topk 0.1.0: sae abs_topk, sae groupmax, sae topk\n",
        "\n      runs          HERE/runs: can be written, ",
        "\n      environment   OMP_NUM_THREADS = 1\n", "\n      environment   HF_TOKEN is set\n",
        "\nnothing is wrong\n"})
    EXPECT_TRUE(has(outcome.out, line)) << line << "\n" << outcome.out;
  EXPECT_FALSE(has(outcome.out, "hf_secret"));
  EXPECT_FALSE(has(outcome.out, "wrong "));
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "runs"));
}

TEST(Doctor, names_each_plugin_that_is_refused_and_loads_the_others) {
  const Workshop here;
  here.write("plugins/text.so", "no library");
  const std::string no_entry = FACET_TEST_BAD_PLUGINS "/no_entry.so";
  const Outcome outcome = here.facet({"doctor", "--plugin-path", "plugins", "--plugin-path",
                                      no_entry, "--plugin-path", "nowhere"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(has(outcome.out, "wrong               plugins/text.so: not a facet plugin\n"));
  EXPECT_TRUE(has(outcome.out, "\nwrong               " + no_entry + ": "));
  EXPECT_TRUE(has(outcome.out,
                  "\nwrong plugins       nowhere: cannot read plugin folder: No such file or "
                  "directory\n"));
  EXPECT_TRUE(has(outcome.out, "facet.sae.topk 0.1.0: sae abs_topk, sae groupmax, sae topk\n"));
  EXPECT_FALSE(has(outcome.out, "nothing is wrong"));
}

TEST(Doctor, finds_a_device_that_is_not_there_and_a_runs_folder_that_is_none) {
  const Workshop here;
  here.write("file", "");
  const Outcome outcome = here.facet({"doctor", "--device", "gpu", "--runs", "file/runs"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(
      has(outcome.out, "\nwrong device        --device: \"gpu\", should be cpu, cuda or cuda:N\n"));
  EXPECT_TRUE(has(outcome.out,
                  "\nwrong runs          HERE/file/runs: is no folder: HERE/file is a "
                  "file\n"))
      << outcome.out;
  const Outcome full = here.facet({"doctor"}, {{"FACET_DISK_FULL_AFTER", "0"}});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_TRUE(has(full.out,
                  "wrong environment   FACET_DISK_FULL_AFTER is set: for tests, writing "
                  "will fail\n"));
}
