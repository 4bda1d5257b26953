// SAEs that a training keeps: whole folders, and a best one that survives going back.
#include "run/kept_saes.h"

#include <gtest/gtest.h>

#include "core/activations/small_sae.h"
#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

class NoNormaliser final : public Normaliser {
 public:
  Tensor apply(const Tensor& x, Stats&) const override { return x; }
  Tensor invert(const Tensor& x, const Stats&) const override { return x; }
};

SaeHandle handle_named(const std::string& name) {
  SaeHandle handle;
  handle.name = name;
  handle.normaliser = std::make_unique<NoNormaliser>();
  handle.record.type = "small";
  handle.record.normaliser = "none";
  return handle;
}

int64_t step_in(const fs::path& folder) {
  return parse_json(read_file(folder / "facet.json"), "facet.json").integer("step");
}

}  // namespace

TEST(KeptSaes, lie_in_folders_by_step) {
  const TestFolder folder;
  const SaeHandle plain = handle_named(""), wide = handle_named("wide");
  const auto sae = small_sae();
  RunKeptSaes(folder.path(), "call-5", plain).keep(1000, *sae);
  RunKeptSaes(folder.path(), "call-6-wide", wide).keep(1000, *sae);
  for (const char* name : {"kept/000001000", "kept/wide/000001000"}) {
    EXPECT_EQ(step_in(folder / name), 1000);
    for (const char* file : {"cfg.json", "sae_weights.safetensors"})
      EXPECT_TRUE(fs::exists(folder / name / file)) << name << "/" << file;
  }
}

TEST(KeptSaes, the_best_so_far_is_there_until_no_checkpoint_needs_it) {
  const TestFolder folder;
  const SaeHandle handle = handle_named("");
  const auto sae = small_sae();
  RunKeptSaes kept(folder.path(), "call-5", handle);
  kept.only_best(0);
  kept.keep_best(10, *sae);
  kept.only_best(10);
  kept.keep_best(20, *sae);
  const fs::path bests = folder / "checkpoints/best-call-5";
  EXPECT_TRUE(fs::exists(bests / "000000010"));
  EXPECT_TRUE(fs::exists(bests / "000000020"));
  // A training that goes on from the checkpoint of step 10 and finds nothing better.
  RunKeptSaes resumed(folder.path(), "call-5", handle);
  resumed.finish(10);
  EXPECT_EQ(step_in(folder / "kept/best"), 10);
  EXPECT_FALSE(fs::exists(bests));
  resumed.finish(10);  // an earlier process came so far
  EXPECT_EQ(step_in(folder / "kept/best"), 10);
}

TEST(KeptSaes, leave_nothing_half_written_on_a_full_disk) {
  const TestFolder folder;
  const SaeHandle handle = handle_named("");
  const auto sae = small_sae();
  fail_disk_after(100);
  EXPECT_NE(refusal_of([&] {
              RunKeptSaes(folder.path(), "call-5", handle).keep(7, *sae);
            }).find("cannot write"),
            std::string::npos);
  fail_disk_after(-1);
  EXPECT_TRUE(fs::is_empty(folder / "kept"));
}
