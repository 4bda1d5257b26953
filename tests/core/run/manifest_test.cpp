// TOML files as trees of values that know their places, and the frozen copy of a manifest.
#include "run/manifest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/test_folder.h"
#include "core/run/small_parts.h"
#include "expect_refusal.h"
#include "schema/toml_text.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

std::string refusal_of_manifest(const std::string& text) {
  const TestFolder folder;
  const fs::path file = folder.write("x.toml", text);
  const std::string refusal = refusal_of([&] { load_manifest(file); });
  const std::string front = file.string();
  EXPECT_TRUE(refusal.starts_with(front)) << refusal;
  return refusal.substr(std::min(front.size(), refusal.size()));
}

}  // namespace

TEST(LoadManifest, places_plain_values_at_their_keys_and_tables_at_their_heads) {
  const TestFolder folder;
  const fs::path file = folder.write("x.toml",
                                     "facet = 1\n"
                                     "[sae]\n"
                                     "type  = \"topk\"\n"
                                     "  k   = 16\n"
                                     "[data]\n"
                                     "split = { eval = 0.05 }\n"
                                     "[[analysis]]\n"
                                     "[[analysis]]\n"
                                     "alpha = 1e-3\n");
  const Value manifest = load_manifest(file);
  const std::string name = file.string();
  EXPECT_EQ(manifest.origin.text(), name);
  EXPECT_EQ(manifest.origin.folder, folder.path().string());
  EXPECT_EQ(manifest.at("facet").origin.text(), name + ":1:1");
  EXPECT_EQ(manifest.at("sae").origin.text(), name + ":2:1");
  EXPECT_EQ(manifest.at("sae").at("k").origin.text(), name + ":4:3");
  EXPECT_EQ(manifest.at("sae").at("k").origin.folder, folder.path().string());
  EXPECT_EQ(manifest.at("data").at("split").origin.text(), name + ":6:9");
  EXPECT_EQ(manifest.at("data").at("split").at("eval").origin.text(), name + ":6:11");
  EXPECT_EQ(manifest.array("analysis")[1].origin.text(), name + ":8:1");
  EXPECT_EQ(manifest.array("analysis")[1].at("alpha").origin.text(), name + ":9:1");
}

TEST(LoadManifest, reads_every_type_of_toml) {
  const TestFolder folder;
  const Value v = load_manifest(
      folder.write("x.toml",
                   "a = 50_000_000\nb = 3e-4\nc = true\nd = 'x'\ne = [1, 'y', [2.5]]\n"
                   "f = inf\ng = { h.i = 1 }\n\"j k\" = 0x10\n"));
  EXPECT_EQ(v, Value(Value::Table{{"a", 50000000},
                                  {"b", 3e-4},
                                  {"c", true},
                                  {"d", "x"},
                                  {"e", Value::Array{1, "y", Value::Array{2.5}}},
                                  {"f", std::numeric_limits<double>::infinity()},
                                  {"g", Value::Table{{"h", Value::Table{{"i", 1}}}}},
                                  {"j k", 16}}));
}

TEST(LoadManifest, refuses_what_is_no_toml_with_line_and_column) {
  EXPECT_EQ(refusal_of_manifest("facet = 1\nseed = = 2\n"),
            ":2:8: not valid TOML: Error while parsing value: could not determine value type");
  EXPECT_EQ(refusal_of_manifest("[sae]\nk = 1\nk = 2\n"),
            ":3:5: not valid TOML: Error while parsing key-value pair: cannot redefine existing "
            "integer 'k'");
  EXPECT_EQ(refusal_of_manifest("[sae\n"),
            ":1:5: not valid TOML: Error while parsing table header: expected ']', saw '\\n'");
  EXPECT_EQ(refusal_of_manifest("name = \"open\n"),
            ":1:13: not valid TOML: Error while parsing string: unescaped control characters other "
            "than TAB (U+0009) are explicitly prohibited");
  EXPECT_EQ(refusal_of_manifest("seed = 99999999999999999999\n"),
            ":1:28: not valid TOML: Error while parsing decimal integer: '99999999999999999999' is "
            "not representable in 64 bits");
}

TEST(LoadManifest, refuses_dates) {
  EXPECT_EQ(refusal_of_manifest("facet = 1\nday = 2024-01-31\n"),
            ":2:7: dates and times have no meaning here");
}

TEST(LoadManifest, refuses_a_file_that_is_not_there) {
  const TestFolder folder;
  EXPECT_EQ(refusal_of([&] { load_manifest(folder / "none.toml"); }),
            (folder / "none.toml").string() + ": cannot read: No such file or directory");
}

TEST(LoadManifest, reads_back_what_emit_toml_wrote) {
  const TestFolder folder;
  const Value manifest(Value::Table{
      {"seed", INT64_MIN},
      {"lr", 1.0 / 3},
      {"large", 1e22},
      {"whole", 2.0},
      {"minus", -std::numeric_limits<double>::infinity()},
      {"text", "tab\t quote\" back\\ nl\n é \x01 \x7f"},
      {"odd key.\"x\"", 1},
      {"list", Value::Array{1, 2.5, "x", Value::Array{}, Value::Table{{"a", 1}}}},
      {"sae", Value::Table{{"k", 16}, {"empty", Value::Table{}}}},
      {"data", Value::Table{{"split", Value::Table{{"eval", 0.05}}}}},
      {"analysis", Value::Array{Value::Table{{"type", "a"}, {"sub", Value::Table{{"x", true}}}},
                                Value::Table{{"type", "b"}}}}});
  EXPECT_EQ(load_manifest(folder.write("x.toml", emit_toml(manifest))), manifest);
}

TEST(FrozenManifest, keeps_the_folder_that_relative_paths_belong_to) {
  const TestFolder folder, run;
  Registry registry;
  add_small_parts(registry);
  folder.write("x.fasta", ">a\nM\n");
  const Value manifest = load_manifest(
      folder.write("x.toml", "seed = 1\n[data]\ntype = \"fasta\"\npath = \"x.fasta\"\n"));
  const std::string text = frozen_manifest(manifest, manifest.origin.folder, registry);
  EXPECT_EQ(text, "# facet: frozen; relative paths belong to " + folder.path().string() +
                      "\nseed = 1\n\n[data]\npath = \"x.fasta\"\ntype = \"fasta\"\n");
  const Value again = load_manifest(run.write("manifest.toml", text));
  EXPECT_EQ(again, manifest);
  EXPECT_EQ(again.origin.folder, folder.path().string());
  EXPECT_EQ(again.at("data").at("path").origin.folder, folder.path().string());
  EXPECT_EQ(frozen_manifest(again, again.origin.folder, registry), text);
}

TEST(FrozenManifest, makes_paths_absolute_that_were_written_elsewhere) {
  const TestFolder folder, other;
  Registry registry;
  add_small_parts(registry);
  other.write("y.fasta", "");
  fs::create_directory(other / "old");
  Value manifest = load_manifest(folder.write(
      "x.toml",
      "[data]\ntype = \"fasta\"\n[sae]\nfrom = \"old\"\n[[analysis]]\ntype = \"count\"\n"));
  const auto set_from = [&](const std::string& section, const std::string& key, Value v) {
    v.origin.folder = other.path().string();
    manifest.as<Value::Table>()->at(section).set(key, v);
  };
  set_from("data", "path", "y.fasta");
  set_from("data", "sha256", "y.fasta");  // a text, and no path
  set_from("sae", "from", "old");
  EXPECT_EQ(frozen_manifest(manifest, folder.path(), registry),
            "# facet: frozen; relative paths belong to " + folder.path().string() +
                "\n\n[[analysis]]\ntype = \"count\"\n\n[data]\npath = \"" +
                (other / "y.fasta").string() +
                "\"\nsha256 = \"y.fasta\"\ntype = \"fasta\"\n\n[sae]\nfrom = \"" +
                (other / "old").string() + "\"\n");
}
