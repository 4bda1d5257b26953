// What the command line asked of a run: where runs go, and on which device.
#include "run/kernel.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

TEST(RunsFolder, is_the_one_asked_for_then_that_of_the_environment_then_beside_the_caller) {
  ::unsetenv("FACET_RUNS");
  RunRequest request;
  EXPECT_EQ(runs_folder(request), fs::current_path() / "runs");
  ::setenv("FACET_RUNS", "/data/runs", 1);
  EXPECT_EQ(runs_folder(request), "/data/runs");
  request.runs = "mine/../here";
  EXPECT_EQ(runs_folder(request), fs::current_path() / "here");
  ::unsetenv("FACET_RUNS");
}

TEST(PrepareDevice, refuses_devices_that_do_not_exist) {
  for (const char* device : {"tpu", "", "cudaa", "cuda0"}) {
    RunRequest request;
    request.device = device;
    EXPECT_EQ(refusal_of([&] { prepare_device(request); }),
              std::string("--device: \"") + device + "\", should be cpu, cuda or cuda:N");
  }
}
