// The estimate of a run: what made-up machines can hold, and what is said when they cannot.
#include "run/estimate.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace facet;

namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

Plan small_plan() {
  Plan plan;
  plan.host = "esm2";
  plan.parameters = 1e6;
  plan.host_width = plan.d_in = 128;
  plan.depth = 0.5;
  plan.batch_tokens = 8192;
  plan.buffer_rows = 65536;
  plan.d_sae = 1024;
  plan.active = 16;
  plan.batch = 2048;
  plan.train_rows = 1e6;
  plan.data_rows = 9e5;
  plan.encoded = 0.05;
  return plan;
}

Machine large_machine() {
  Machine machine;
  machine.memory = 8 * kGiB;
  machine.program = 0.25 * kGiB;
  machine.disk = 100 * kGiB;
  machine.flops = 1e11;
  return machine;
}

double amount_of(const std::vector<Need>& needs, const std::string& what) {
  for (const Need& need : needs)
    if (need.what == what) return need.amount;
  ADD_FAILURE() << "nothing is said of " << what;
  return -1;
}

}  // namespace

TEST(Estimate, counts_the_bytes_of_each_thing) {
  const Estimate needs = estimate(small_plan(), large_machine(), "x.toml");
  EXPECT_EQ(amount_of(needs.memory, "host weights"), 4e6);
  EXPECT_EQ(amount_of(needs.memory, "shuffle buffer"), 3.0 * 65536 * 128 * 4);
  EXPECT_EQ(amount_of(needs.memory, "SAE and Adam"), 16.0 * (2 * 128 * 1024 + 1024 + 128));
  EXPECT_EQ(amount_of(needs.memory, "sorting codes"), 0.05 * 9e5 * 16 * 28);
  EXPECT_TRUE(needs.device.empty());
  EXPECT_EQ(needs.problems, std::vector<std::string>());
}

TEST(Estimate, counts_the_time_of_host_and_sae) {
  const Machine machine = large_machine();
  const Plan plan = small_plan();
  const Estimate live = estimate(plan, machine, "x.toml");
  Plan stored = plan;
  stored.store_on_disk = true;
  stored.train_rows = 10 * plan.data_rows;
  const Estimate disk = estimate(stored, machine, "x.toml");
  const double a_token = amount_of(live.time, "host, to train") / plan.train_rows;
  // A store runs the host once over the data, however long the training is.
  EXPECT_NEAR(amount_of(disk.time, "host, to train"), a_token * plan.data_rows, 1e-9);
  Machine fast = machine;
  fast.flops *= 10;
  EXPECT_NEAR(amount_of(estimate(plan, fast, "").time, "SAE, to train") * 10,
              amount_of(live.time, "SAE, to train"), 1e-9);
}

TEST(Estimate, refuses_what_the_memory_cannot_hold_with_the_keys_that_would_help) {
  Plan plan = small_plan();
  plan.d_sae = 1 << 24;
  plan.buffer_rows = 1e8;
  const std::vector<std::string> problems = estimate(plan, large_machine(), "x.toml").problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0],
            "x.toml: memory: about 464 GiB are needed, should be at most the 8.2 GiB that can be "
            "had\nlower train.batch (256 GiB), activations.buffer_rows (143 GiB), sae.d_sae (64 "
            "GiB)");
}

TEST(Estimate, asks_the_gpu_for_what_lies_there) {
  Plan plan = small_plan();
  Machine machine = large_machine();
  machine.device = 4 * kGiB;
  EXPECT_TRUE(estimate(plan, machine, "x.toml").problems.empty());
  plan.parameters = 3e9;
  EXPECT_EQ(estimate(plan, machine, "x.toml").problems,
            std::vector<std::string>(
                {"x.toml: memory of the GPU: about 11 GiB are needed, should be at most the 4.0 "
                 "GiB that can be had\nlower host.weights (11 GiB)"}));
}

TEST(Estimate, refuses_a_store_that_the_disk_cannot_hold) {
  Plan plan = small_plan();
  plan.data_rows = 1e9;
  plan.encoded = 0;
  EXPECT_TRUE(estimate(plan, large_machine(), "x.toml").problems.empty());
  plan.store_on_disk = true;
  EXPECT_EQ(estimate(plan, large_machine(), "x.toml").problems,
            std::vector<std::string>(
                {"x.toml: disk: about 500 GiB are needed, should be at most the 100 GiB that can "
                 "be had\nlower data.limit (500 GiB), or set activations.store = \"live\""}));
}

TEST(Estimate, says_what_is_unknown) {
  Plan plan = small_plan();
  plan.parameters = 0;
  plan.d_sae = 0;
  const Machine machine = large_machine();
  const std::string text = describe(estimate(plan, machine, "x.toml"), machine);
  EXPECT_NE(text.find("  host weights         unknown        esm2 does not say how many\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  SAE and Adam         unknown        its width is not in the manifest\n"),
            std::string::npos)
      << text;
}

TEST(Estimate, is_a_table_for_eyes) {
  const Machine machine = large_machine();
  EXPECT_EQ(describe(estimate(small_plan(), machine, "x.toml"), machine),
            "estimated, not measured:\n"
            "memory: about 442 MiB, 8.2 GiB can be had\n"
            "  facet itself         256 MiB\n"
            "  host weights         3.8 MiB        1 million numbers of esm2\n"
            "  host batch           60 MiB         8192 tokens of width 128\n"
            "  shuffle buffer       96 MiB         65536 rows of width 128, three copies\n"
            "  SAE and Adam         4.0 MiB        1024 latents on rows of width 128, four copies\n"
            "  SAE batch            22 MiB         2048 rows\n"
            "  sorting codes        19 MiB         45000 rows with 16 latents\n"
            "disk: about 22 MiB, 100 GiB can be had\n"
            "  codes store          15 MiB         45000 rows with 16 latents\n"
            "  SAE and checkpoints  7.0 MiB\n"
            "time: about 42 s at 100 GFLOP/s of this machine\n"
            "  host, to train       25 s           1 million rows\n"
            "  SAE, to train        16 s           1 million rows\n"
            "  codes                1.4 s          45000 rows\n");
}

TEST(MachineText, names_bytes_and_times) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(12.4 * kGiB), "12 GiB");
  EXPECT_EQ(time_text(0.2), "less than 1 s");
  EXPECT_EQ(time_text(40), "40 s");
  EXPECT_EQ(time_text(150), "2.5 min");
  EXPECT_EQ(time_text(7200), "2.0 h");
  EXPECT_EQ(time_text(86400.0 * 30), "30 days");
}

TEST(MachineFigures, are_those_of_this_machine) {
  const Machine machine = measure_machine("/nowhere/at/all", "cpu");
  EXPECT_GT(machine.memory, 0);
  EXPECT_GT(machine.program, 0);
  EXPECT_GT(machine.disk, 0);
  EXPECT_TRUE(std::isfinite(machine.flops) && machine.flops > 0);
  EXPECT_EQ(machine.device, 0);
  EXPECT_EQ(existing_folder("/nowhere/at/all"), "/");
}
