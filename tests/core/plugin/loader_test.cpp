// The loader: one broken plugin for each refusal, and what is left of a plugin that failed.
#include "plugin/loader.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

fs::path bad(const std::string& name) { return fs::path(FACET_TEST_BAD_PLUGINS) / (name + ".so"); }

std::string refusal_to_load(const fs::path& file) {
  Registry registry;
  const std::string text = refusal_of([&] { load_plugin(file, registry); });
  EXPECT_TRUE(registry.parts().empty());
  return text;
}

std::string own_tag_with(const std::string& is, const std::string& becomes) {
  std::string tag = build_tag();
  return tag.replace(tag.find(is), is.size(), becomes);
}

std::string built_for(const fs::path& file, const std::string& tag) {
  return file.string() + ": built for\n  " + tag + "\nthis facet is\n  " + build_tag() +
         "\nrebuild the plugin against this facet";
}

TEST(BuildTag, names_everything_that_must_agree) {
  const std::string tag = build_tag();
  EXPECT_TRUE(tag.starts_with("facet " FACET_INTERFACE "/" FACET_SDK_DIGEST "; torch " TORCH_VERSION
                              "; gnu 1"))
      << tag;
  EXPECT_NE(tag.find("; cxx11abi 1; c++20; sanitizer \""), std::string::npos) << tag;
}

TEST(BuildTag, is_read_from_the_file) { EXPECT_EQ(read_build_tag(bad("one_id_a")), build_tag()); }

TEST(Loader, loads_a_plugin_and_says_what_it_is) {
  Registry registry;
  const PluginInfo info = load_plugin(bad("one_id_a"), registry);
  EXPECT_EQ(info.id, "bad.one_id");
  EXPECT_EQ(info.version, "1.0.0");
  EXPECT_EQ(info.source_hash.size(), 64u);
  EXPECT_EQ(info.build_tag, build_tag());
  EXPECT_EQ(info.file, bad("one_id_a"));
  EXPECT_EQ(registry.analysis("one_id_a").plugin, "bad.one_id");
}

TEST(Loader, loads_one_file_once_and_into_each_registry) {
  Registry first, second;
  load_plugin(bad("one_id_a"), first);
  load_plugin(bad("one_id_a"), first);
  load_plugin(bad("one_id_a"), second);
  EXPECT_EQ(first.parts().size(), 1u);
  EXPECT_EQ(second.parts().size(), 1u);
}

TEST(LoaderRefuses, another_torch_before_it_is_loaded) {
  EXPECT_EQ(refusal_to_load(bad("other_torch")),
            built_for(bad("other_torch"), own_tag_with("torch " TORCH_VERSION, "torch 2.9.1")));
}

TEST(LoaderRefuses, another_compiler_before_it_is_loaded) {
  EXPECT_EQ(refusal_to_load(bad("other_compiler")),
            built_for(bad("other_compiler"), own_tag_with("cxx11abi 1", "cxx11abi 0")));
}

TEST(LoaderRefuses, another_facet_before_it_is_loaded) {
  EXPECT_EQ(refusal_to_load(bad("other_facet")),
            built_for(bad("other_facet"), own_tag_with(FACET_SDK_DIGEST, "00000000")));
}

TEST(LoaderRefuses, a_file_that_is_no_plugin) {
  const TemporaryFolder folder;
  const fs::path text = folder.write("text.so", "just words\n");
  EXPECT_EQ(refusal_to_load(text), text.string() + ": not a facet plugin");
  const fs::path empty = folder.write("empty.so", "");
  EXPECT_EQ(refusal_to_load(empty), empty.string() + ": not a facet plugin");
}

TEST(LoaderRefuses, a_file_that_is_not_there) {
  EXPECT_EQ(refusal_to_load("nowhere/my.so"),
            "nowhere/my.so: cannot read: No such file or directory");
}

TEST(LoaderRefuses, a_text_that_carries_the_tag) {
  const TemporaryFolder folder;
  const fs::path text = folder.write("text.so", std::string("facet-build-tag:") + build_tag());
  EXPECT_EQ(refusal_to_load(text), text.string() + ": not a facet plugin: no shared library");
}

TEST(LoaderRefuses, a_plugin_cut_short_anywhere_after_its_tag) {
  const TemporaryFolder folder;
  const std::string whole = read_file(bad("one_id_a"));
  const size_t after_tag = whole.find(build_tag()) + std::string(build_tag()).size() + 1;
  for (const size_t size : {after_tag, (after_tag + whole.size()) / 2, whole.size() - 1}) {
    const fs::path cut = folder.write("cut.so", whole.substr(0, size));
    EXPECT_EQ(refusal_to_load(cut), cut.string() +
                                        ": not a facet plugin: cut short: " + std::to_string(size) +
                                        " bytes, should be " + std::to_string(whole.size()));
  }
}

TEST(LoaderRefuses, a_plugin_without_an_entry) {
  EXPECT_EQ(refusal_to_load(bad("no_entry")),
            bad("no_entry").string() + ": not a facet plugin: it exports no facet_plugin");
}

TEST(LoaderRefuses, a_plugin_with_a_missing_symbol) {
  EXPECT_EQ(refusal_to_load(bad("missing_symbol")),
            bad("missing_symbol").string() + ": cannot load: undefined symbol: gone_from_libtorch");
}

TEST(LoaderRefuses, a_plugin_that_registers_nothing) {
  EXPECT_EQ(refusal_to_load(bad("registers_nothing")), "bad.registers_nothing: registers no part");
}

TEST(LoaderRefuses, a_fill_that_throws) {
  EXPECT_EQ(
      refusal_to_load(bad("fill_throws_user_error")),
      "bad.fill_throws_user_error: first problem\nbad.fill_throws_user_error: second problem");
  EXPECT_EQ(refusal_to_load(bad("fill_throws_runtime_error")),
            "bad.fill_throws_runtime_error: no luck");
  EXPECT_EQ(refusal_to_load(bad("fill_throws_torch_error")),
            "bad.fill_throws_torch_error: shapes disagree");
}

TEST(LoaderRefuses, a_second_plugin_with_the_same_part) {
  Registry registry;
  load_plugin(bad("one_name_a"), registry);
  EXPECT_EQ(refusal_of([&] { load_plugin(bad("one_name_b"), registry); }),
            "bad.one_name.b: analysis \"shared\" is already registered by bad.one_name.a");
  EXPECT_EQ(registry.parts().size(), 2u);
  EXPECT_EQ(registry.analysis("shared").plugin, "bad.one_name.a");
}

TEST(LoaderRefuses, a_second_plugin_with_the_same_id) {
  Registry registry;
  load_plugin(bad("one_id_a"), registry);
  EXPECT_EQ(refusal_of([&] { load_plugin(bad("one_id_b"), registry); }),
            bad("one_id_b").string() + ": plugin \"bad.one_id\" is already loaded from " +
                fs::canonical(bad("one_id_a")).string());
}

TEST(LoadedPlugin, has_its_id_in_front_when_a_constructor_throws) {
  Registry registry;
  load_plugin(bad("constructor_throws"), registry);
  const AnalysisPart& part = registry.analysis("thrower");
  std::vector<std::string> problems;
  const AnyParams params = part.schema.parse("analysis", Value(), Demand::whole, problems);
  EXPECT_EQ(refusal_of([&] { part.make(params); }), "bad.constructor_throws: cannot be made");
}

TEST(PluginFolder, is_loaded_in_sorted_order_and_once) {
  const TemporaryFolder folder;
  folder.copy(bad("one_name_b"));
  folder.copy(bad("one_id_a"));
  folder.write("notes.txt", "no plugin\n");
  Registry registry;
  const std::vector<PluginInfo> loaded =
      load_plugins({folder.path(), folder.path() / "."}, registry);
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].id, "bad.one_id");
  EXPECT_EQ(loaded[1].id, "bad.one_name.b");
}

TEST(PluginFolder, reports_the_problems_of_all_files_together) {
  const TemporaryFolder folder;
  folder.copy(bad("fill_throws_runtime_error"));
  folder.copy(bad("one_id_a"));
  const fs::path text = folder.write("text.so", "just words\n");
  Registry registry;
  EXPECT_EQ(
      refusal_of([&] {
        load_plugins({folder.path(), "nowhere"}, registry);
      }),
      "bad.fill_throws_runtime_error: no luck\n" + text.string() +
          ": not a facet plugin\nnowhere: cannot read plugin folder: No such file or directory");
  EXPECT_EQ(registry.parts().size(), 1u);
}

TEST(PluginFolders, are_the_given_ones_then_the_environments) {
  setenv("FACET_PLUGIN_PATH", "/a::b/c", 1);
  const std::vector<fs::path> folders = plugin_folders({"given"});
  unsetenv("FACET_PLUGIN_PATH");
  ASSERT_GE(folders.size(), 3u);
  EXPECT_EQ(folders[0], "given");
  EXPECT_EQ(folders[1], "/a");
  EXPECT_EQ(folders[2], "b/c");
}

}  // namespace
}  // namespace facet
