// The identity of a run: what can change a result changes the id, and nothing else does.
#include "run/identity.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "core/base/test_folder.h"
#include "core/run/small_parts.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

constexpr char kManifest[] =
    "script = \"train.lua\"\nname = \"a\"\nseed = 7\n"
    "[data]\ntype = \"fasta\"\npath = \"x.fasta\"\n"
    "[activations]\nhookpoints = \"layers.1\"\nnormalize = \"layer_norm\"\n"
    "[sae]\ntype = \"topk\"\nd_sae = 64\nk = 4\n"
    "[train]\nsteps = 10\n"
    "[[analysis]]\ntype = \"count\"\ntable = \"tables\"\n";

/// A manifest with its script and inputs in a folder of its own.
class Tree {
 public:
  Tree() {
    add_small_parts(registry);
    folder.write("x.toml", kManifest);
    folder.write("train.lua", "local help = require \"lib.help\"\nlocal f = require('facet')\n");
    folder.write("lib/help.lua", "local deep = require 'deep'\n");
    folder.write("deep.lua", "return 1\n");
    folder.write("unused.lua", "return 2\n");
    folder.write("x.fasta", ">a\nM\n");
    folder.write("tables/t.tsv", "a\tb\n");
  }

  std::string id(const std::vector<std::string>& sets = {}) const {
    Value manifest = load_manifest(folder / "x.toml");
    for (const std::string& set : sets) lay_set(manifest, set);
    InputHash hash(folder / "hashes.json");
    return id_of(identity_of(manifest, folder / "train.lua", registry, plugins, hash));
  }
  /// The id after the first `is` of a file became `becomes`.
  std::string id_with(const std::string& file, const std::string& is,
                      const std::string& becomes) const {
    const std::string before = read_file(folder / file);
    std::string after = before;
    after.replace(after.find(is), is.size(), becomes);
    folder.write(file, after);
    std::string out = id();
    folder.write(file, before);
    return out;
  }

  TestFolder folder;
  Registry registry;
  std::vector<PluginInfo> plugins = {{kSmallPlugin, "1", "hash one", "tag", ""},
                                     {"test.other", "1", "hash two", "tag", ""}};
};

}  // namespace

TEST(Identity, is_twelve_hex_digits_and_the_same_in_every_folder) {
  const Tree one, other;
  EXPECT_EQ(one.id().size(), 12u);
  EXPECT_EQ(one.id().find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(one.id(), one.id());
  EXPECT_EQ(one.id(), other.id());
}

TEST(Identity, changes_with_every_value_that_can_change_a_result) {
  const Tree place;
  const std::string id = place.id();
  for (const char* set : {"sae.k=5", "seed=8", "train.batch=100", "data.limit=1", "sae.name=b",
                          "sae.seed=1", "analysis.1.alpha=0.1", "activations.rows=all"})
    EXPECT_NE(place.id({set}), id) << set;
}

TEST(Identity, stays_when_a_set_says_what_the_manifest_says) {
  const Tree place;
  EXPECT_EQ(place.id({"sae.k=4"}), place.id());
}

TEST(Identity, stays_with_what_is_outside_it) {
  const Tree place;
  const std::string id = place.id();
  for (const char* set : {"name=b", "notes=n", "train.log_every=1", "train.checkpoint_every=5",
                          "analysis.1.log_every=9", "activations.name=x"})
    EXPECT_EQ(place.id({set}), id) << set;
}

TEST(Identity, sees_how_often_is_evaluated_only_where_the_best_is_chosen_by_it) {
  const Tree place;
  const std::string id = place.id(), best = "train.best=nmse";
  for (const char* set : {"train.eval_every=5", "train.eval_batches=2", "tensorboard=true"})
    EXPECT_EQ(place.id({set}), id) << set;
  EXPECT_NE(place.id({best}), id);
  EXPECT_EQ(place.id({best, "tensorboard=true"}), place.id({best}));
  for (const char* set : {"train.eval_every=5", "train.eval_batches=2", "train.patience=2"})
    EXPECT_NE(place.id({best, set}), place.id({best})) << set;
  EXPECT_NE(place.id({"train.keep_at=[3]"}), id);
}

TEST(Identity, sees_contents_of_inputs_and_not_their_paths) {
  const Tree place;
  const std::string id = place.id();
  EXPECT_NE(place.id_with("x.fasta", "M", "L"), id);
  EXPECT_NE(place.id_with("tables/t.tsv", "b", "c"), id);
  EXPECT_EQ(place.id(), id);
  fs::rename(place.folder / "x.fasta", place.folder / "y.fasta");
  EXPECT_EQ(place.id_with("x.toml", "x.fasta", "y.fasta"), id);
  EXPECT_EQ(place.id({"data.path=" + (place.folder / "y.fasta").string()}), id);
}

TEST(Identity, sees_the_contents_of_the_file_that_data_leaves_out) {
  const Tree place;
  place.folder.write("out.fasta", ">b\nM\n");
  place.folder.write("same.fasta", ">b\nM\n");
  place.folder.write("more.fasta", ">b\nM\n>c\nK\n");
  const std::string id = place.id({"data.exclude=" + (place.folder / "out.fasta").string()});
  EXPECT_NE(id, place.id());
  EXPECT_EQ(id, place.id({"data.exclude=" + (place.folder / "same.fasta").string()}));
  EXPECT_NE(id, place.id({"data.exclude=" + (place.folder / "more.fasta").string()}));
}

TEST(Identity, sees_the_script_and_the_files_it_requires_however_deep) {
  const Tree place;
  const std::string id = place.id();
  EXPECT_NE(place.id_with("train.lua", "local f", "local g"), id);
  EXPECT_NE(place.id_with("lib/help.lua", "local deep", "local Deep"), id);
  EXPECT_NE(place.id_with("deep.lua", "1", "2"), id);
  EXPECT_EQ(place.id_with("unused.lua", "2", "3"), id);
}

TEST(Identity, does_not_see_the_comments_of_a_manifest) {
  const Tree place;
  EXPECT_EQ(place.id_with("x.toml", "seed = 7", "# Why?\nseed   = 7  # lucky"), place.id());
}

TEST(Identity, sees_the_sources_of_the_plugins_that_the_manifest_names) {
  Tree place;
  const std::string id = place.id();
  place.plugins[1].source_hash = "hash three";
  EXPECT_EQ(place.id(), id);
  place.plugins[0].version = "2";
  EXPECT_EQ(place.id(), id);
  place.plugins[0].source_hash = "hash four";
  EXPECT_NE(place.id(), id);
}

TEST(Identity, sees_the_plugin_of_a_normaliser) {
  struct Nothing {
    int64_t x = 0;
  };
  struct Same final : Normaliser {
    explicit Same(const Nothing&) {}
    Tensor apply(const Tensor& x, Stats&) const override { return x; }
    Tensor invert(const Tensor& x, const Stats&) const override { return x; }
  };
  Tree place;
  place.registry.set_plugin("test.other");
  place.registry.add_normaliser<Same>("same", "Leaves rows alone.",
                                      Schema<Nothing>().field("x", &Nothing::x, "Nothing."));
  for (const char* set :
       {"activations.normalize=same", "activations.normalize={ type = 'same' }"}) {
    place.plugins[1].source_hash = "hash two";
    const std::string id = place.id({set});
    place.plugins[1].source_hash = "hash three";
    EXPECT_NE(place.id({set}), id) << set;
  }
}

TEST(Identity, of_a_loaded_sae_is_its_contents) {
  const Tree place;
  place.folder.write("old/cfg.json", "{}");
  const std::string id = place.id({"sae={ from = '" + (place.folder / "old").string() + "' }"});
  fs::rename(place.folder / "old", place.folder / "older");
  EXPECT_EQ(place.id({"sae={ from = '" + (place.folder / "older").string() + "' }"}), id);
  place.folder.write("older/cfg.json", "{ }");
  EXPECT_NE(place.id({"sae={ from = '" + (place.folder / "older").string() + "' }"}), id);
  EXPECT_NE(place.id({"sae={ from = '0a1b2c' }"}), place.id({"sae={ from = '0a1b2d' }"}));
}

TEST(Identity, of_a_script_by_itself_sees_what_is_set_although_only_the_script_knows_the_type) {
  const Tree place;
  const auto id_with = [&](const std::string& set) {
    Value manifest{Value::Table()};
    if (!set.empty()) lay_set(manifest, set);
    InputHash hash(place.folder / "hashes.json");
    return id_of(
        identity_of(manifest, place.folder / "train.lua", place.registry, place.plugins, hash));
  };
  EXPECT_NE(id_with("sae.k=8"), id_with("sae.k=16"));
  EXPECT_NE(id_with("sae.k=8"), id_with(""));
}

TEST(ScriptDigests, are_named_relative_to_the_script) {
  const Tree place;
  const auto digests = script_digests(place.folder / "train.lua");
  ASSERT_EQ(digests.size(), 3u);
  EXPECT_EQ(digests.at("train.lua"), sha256(read_file(place.folder / "train.lua")));
  EXPECT_TRUE(digests.contains("lib/help.lua"));
  EXPECT_TRUE(digests.contains("deep.lua"));
}

TEST(ScriptDigests, are_the_same_from_the_script_s_own_folder) {
  const Tree place;
  const fs::path before = fs::current_path();
  const auto expected = script_digests(place.folder / "train.lua");
  fs::current_path(place.folder.path());
  const auto digests = script_digests("train.lua");
  fs::current_path(before);
  EXPECT_EQ(digests, expected);
}
