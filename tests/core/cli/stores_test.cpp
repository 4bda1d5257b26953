// Rows on disk, pooled rows and codes, and SAEs that are given rows of another kind.
#include <gtest/gtest.h>

#include <sys/file.h>

#include "toy_run.h"

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kDisk = {"run", "toy.toml", "--quiet", "--set",
                                        "activations.store=disk"};

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The bytes under a folder of the workshop, but for lock files.
std::map<std::string, std::string> bytes(const Workshop& here, const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(here.folder() / folder))
    if (entry.is_regular_file() && entry.path().extension() != ".lock")
      out[fs::relative(entry.path(), here.folder() / folder)] = here.read(entry.path());
  return out;
}

// By name: the bytes themselves say nothing to a reader.
void expect_equal(const std::map<std::string, std::string>& is,
                  const std::map<std::string, std::string>& should_be) {
  EXPECT_EQ(is.size(), should_be.size());
  for (const auto& [name, content] : should_be)
    EXPECT_TRUE(is.contains(name) && is.at(name) == content) << name;
}

std::map<std::string, std::string> weights_and_tables(const Workshop& here) {
  const std::string run = here.runs("toy").at(0).string();
  auto out = bytes(here, run + "/sae");
  out.merge(bytes(here, run + "/artefacts"));
  return out;
}

// What a script that ends in these lines says on stderr, without the stack.
std::string problems(const Workshop& here, const std::string& text) {
  const Outcome outcome = here.script(text);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out;
  return outcome.err.substr(0, outcome.err.find("stack traceback"));
}

}  // namespace

TEST(Store, gives_the_bits_of_the_live_stream_under_the_same_id) {
  const ToyWorkshop live, disk;
  EXPECT_EQ(live.facet({"run", "toy.toml", "--quiet"}).err, "");
  EXPECT_EQ(disk.facet(kDisk).err, "");
  EXPECT_EQ(live.runs("toy").at(0), disk.runs("toy").at(0));
  expect_equal(weights_and_tables(live), weights_and_tables(disk));
  expect_equal(bytes(live, "store/codes"), bytes(disk, "store/codes"));
  EXPECT_FALSE(fs::exists(live.folder() / "store/activations"));
  EXPECT_EQ(bytes(disk, "store/activations").size(), 4u);  // two streams: a shard and a record
}

TEST(Store, serves_a_run_that_was_stopped_live) {
  const ToyWorkshop plain, here;
  EXPECT_EQ(plain.facet({"run", "toy.toml", "--quiet"}).exit_code, 0);
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet", "--stop-after", "3"}).exit_code, 75);
  EXPECT_EQ(here.facet(with(kDisk, {"--stop-after", "4"})).exit_code, 75);
  EXPECT_EQ(here.facet({"run", "toy.toml", "--quiet", "--stop-after", "2"}).exit_code, 75);
  EXPECT_EQ(here.facet(kDisk).err, "");
  expect_equal(weights_and_tables(here), weights_and_tables(plain));
}

TEST(Store, is_shared_between_runs_and_row_policies) {
  const ToyWorkshop here;
  here.edit_manifest("batch     = 16", "batch     = 4");
  EXPECT_EQ(here.facet(kDisk).exit_code, 0);
  const auto before = bytes(here, "store/activations");
  EXPECT_EQ(here.facet(with(kDisk,
                            {"--set", "seed=4", "--set", "activations.rows=all", "--set",
                             "activations.pool=mean", "--set", "activations.normalize=layer_norm"}))
                .err,
            "");
  EXPECT_EQ(here.runs("toy").size(), 2u);
  expect_equal(bytes(here, "store/activations"), before);
  EXPECT_EQ(here.facet(with(kDisk, {"--set", "host.seed=4"})).err, "");
  EXPECT_EQ(bytes(here, "store/activations").size(), 2 * before.size());
}

TEST(Store, is_waited_for_while_another_process_builds_it) {
  const ToyWorkshop here;
  EXPECT_EQ(here.facet(kDisk).exit_code, 0);
  const auto wanted = bytes(here, "store/activations");
  const fs::path record =
      fs::directory_iterator(here.folder() / "runs/toy")->path() / "record.json";
  EXPECT_NE(here.read(record).find("\"activations\": \"store/activations/"), std::string::npos);
  fs::remove_all(here.folder() / "runs");
  std::vector<int> locks;
  for (const auto& entry : fs::directory_iterator(here.folder() / "store/activations"))
    if (entry.path().extension() == ".lock") {
      here.write(fs::relative(entry.path(), here.folder()), "process 123 on here since noon");
      locks.push_back(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
      ASSERT_EQ(::flock(locks.back(), LOCK_EX | LOCK_NB), 0);
    } else {
      fs::remove_all(entry.path());
    }
  Child child = here.start({"run", "toy.toml", "--set", "activations.store=disk"});
  const std::string waits =
      "activations: waiting for process 123 on here since noon, which builds the same rows\n";
  EXPECT_TRUE(here.waits_for(".err", waits));
  child.send(SIGINT);
  const Outcome stopped = here.end(child);
  EXPECT_EQ(stopped.exit_code, 75);
  EXPECT_NE(stopped.err.find("activations: stopped while waiting for process 123 on here since "
                             "noon; run the same command again to go on\n"),
            std::string::npos)
      << stopped.err;
  EXPECT_FALSE(fs::exists(here.folder() / "store/activations/shards"));
  Child again = here.start({"run", "toy.toml", "--set", "activations.store=disk"});
  EXPECT_TRUE(here.waits_for(".err", waits));
  for (const int lock : locks) ::close(lock);
  EXPECT_EQ(here.end(again).exit_code, 0);
  expect_equal(bytes(here, "store/activations"), wanted);
}

TEST(Store, on_a_full_disk_is_gone_on_with_later) {
  const ToyWorkshop plain, here;
  EXPECT_EQ(plain.facet(kDisk).exit_code, 0);
  bool shard = false;
  for (const char* room : {"20000", "30000"}) {
    const Outcome full = here.facet(kDisk, {{"FACET_DISK_FULL_AFTER", room}});
    EXPECT_EQ(full.exit_code, 1);
    EXPECT_NE(full.err.find(": cannot write: No space left on device\n"), std::string::npos)
        << full.err;
    shard = shard || full.err.find(
                         "/shards/00000.safetensors: cannot write: No space left on device\n"
                         "what is finished stays: make room, then run the same command again\n") !=
                         std::string::npos;
  }
  EXPECT_TRUE(shard);
  EXPECT_EQ(here.facet(kDisk).err, "");
  for (const char* kind : {"store/activations", "store/codes"})
    expect_equal(bytes(here, kind), bytes(plain, kind));
}

TEST(Store, is_refused_for_rows_that_are_made) {
  const ToyWorkshop here;
  const std::string made =
      "local run = require(\"facet\").run { name = \"made\" }\n"
      "local data = run:data { type = \"synthetic\", d = 8, features = 16, active = 2.0, rows = "
      "100 }\n";
  EXPECT_EQ(problems(here, made + "run:activations { data = data, store = \"disk\" }\n"),
            "script.lua:3: activations.store: is \"disk\", should be \"live\": this data makes "
            "rows by itself\n");
  EXPECT_EQ(
      problems(here, made + "local rows = run:activations { data = data }\n"
                            "local sae = run:sae { type = \"topk\", on = rows, d_sae = 16, k = "
                            "2 }\n"
                            "run:encode { sae = sae, on = rows, pool = \"max\" }\n"),
      "script.lua:5: encode.pool: is \"max\", should be \"none\": rows that the data makes "
      "by itself have no sequences\n");
}

TEST(Pooled, codes_have_a_row_for_each_sequence) {
  const ToyWorkshop here;
  const Outcome outcome =
      here.script(kTrained +
                  "for _, pool in ipairs { \"none\", \"mean\", \"max\" } do\n"
                  "  print(run:encode { sae = sae, on = rows, pool = pool }.rows)\n"
                  "end\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "150\n5\n5\n");
}

TEST(Pooled, rows_are_not_pooled_again) {
  const ToyWorkshop here;
  EXPECT_EQ(
      problems(here, kHost + "local rows = run:activations { host = host, data = data.train,\n"
                             "  hookpoints = \"layers.1\", pool = \"mean\" }\n"
                             "local sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = "
                             "4 }\n"
                             "print(run:encode { sae = sae, on = rows }.rows)\n"
                             "run:encode { sae = sae, on = rows, pool = \"mean\" }\n"),
      "script.lua:9: encode.pool: is \"mean\", should be \"none\": these rows are pooled "
      "already (activations.pool)\n");
}

TEST(Provenance, of_an_sae_and_other_rows_is_refused_by_every_verb) {
  const ToyWorkshop here;
  const std::string two =
      kTrained +
      "local other = run:activations { host = run:host { type = \"toy\", seed = 9 },\n"
      "  data = data.train, hookpoints = \"layers.2\", rows = \"all\", pool = \"max\" }\n";
  const auto differences = [](const std::string& where) {
    return where +
           ": host weights: trained on toy d=32 blocks=2 heads=4 seed=0, `on` has toy d=32 "
           "blocks=2 heads=4 seed=9\n" +
           where + ": hookpoints: trained on blocks.0.out, `on` has final_norm.out\n" + where +
           ": rows: trained on content, `on` has all\n" + where +
           ": pool: trained on none, `on` has max\n";
  };
  EXPECT_EQ(problems(here, two + "run:encode { sae = sae, on = other }\n"),
            differences("script.lua:10: encode.sae"));
  EXPECT_EQ(problems(here, two + "run:analyze { type = \"metrics\", sae = sae, on = other }\n"),
            differences("script.lua:10: analysis.sae"));
  EXPECT_EQ(problems(here, kSae + two.substr(kTrained.size()) +
                               "run:train { sae = sae, on = other, steps = 1, batch = 4 }\n"),
            differences("script.lua:9: train.sae"));
}

TEST(Provenance, of_rows_of_another_host_or_width_is_refused) {
  const ToyWorkshop here;
  EXPECT_EQ(
      problems(here, kTrained +
                         "local wide = run:activations { host = run:host { type = \"toy\", d = 64 "
                         "},\n"
                         "  data = data.train, hookpoints = \"layers.1\" }\n"
                         "run:encode { sae = sae, on = wide }\n"),
      "script.lua:10: encode.sae: host weights: trained on toy d=32 blocks=2 heads=4 seed=0, `on` "
      "has toy d=64 blocks=2 heads=4 seed=0\n"
      "script.lua:10: encode.sae: d_in: trained on 32, `on` has 64\n");
  EXPECT_EQ(problems(here, kTrained + "local made = run:activations { data = run:data { type = "
                                      "\"synthetic\", d = 32,\n"
                                      "  features = 64, active = 2.0, rows = 100 } }\n"
                                      "run:encode { sae = sae, on = made }\n"),
            "script.lua:10: encode.sae: host: trained on toy, `on` has none\n"
            "script.lua:10: encode.sae: host weights: trained on toy d=32 blocks=2 heads=4 seed=0, "
            "`on` has none\n"
            "script.lua:10: encode.sae: hookpoints: trained on blocks.0.out, `on` has none\n");
}

TEST(Provenance, of_codes_with_another_sae_or_host_is_refused) {
  const ToyWorkshop here;
  const std::string codes =
      kTrained +
      "local codes = run:encode { sae = sae, on = rows }\n"
      "local other = run:sae { type = \"topk\", on = rows, d_sae = 64, k = 5, name = \"other\" }\n";
  EXPECT_EQ(problems(here, codes + "run:analyze { type = \"metrics\", sae = other, on = codes }\n"),
            "script.lua:10: analysis.sae: is another SAE than the one that gave these codes\n");
  EXPECT_EQ(
      problems(here, codes + "run:analyze { type = \"metrics\", on = codes, host = run:host { "
                             "type = \"toy\", seed = 9 } }\n"),
      "script.lua:10: analysis.host: has weights toy d=32 blocks=2 heads=4 seed=9, `on` is "
      "of toy d=32 blocks=2 heads=4 seed=0\n");
}
