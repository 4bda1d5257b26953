// The annotations for editors name every verb of a run, every field and method of a handle, and no
// others.
#include "lua/annotations.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "lua/handle_kinds.h"
#include "run/kernel.h"
#include "toy_run.h"

namespace {

using Names = std::set<std::string>;

const std::string kSaid = kTrained + "local said = sae:encode(rows:take(3), { all = true })\n";

std::string annotations() {
  facet::Kernel kernel;
  facet::load_kernel(kernel, {FACET_TEST_PLUGINS});
  return facet::lua_annotations(kernel.registry);
}

// Every first group of the pattern.
Names matches(const std::string& text, const std::string& pattern) {
  Names out;
  const std::regex each(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), each), end; it != end; ++it)
    out.insert((*it)[1]);
  return out;
}

// What a script is told when it asks for a field that is not there.
Names named_by_refusal(const Workshop& here, const std::string& script) {
  const std::string err = here.script(script).err;
  const std::string line = err.substr(0, err.find('\n'));
  const size_t list = line.find("should be one of ");
  EXPECT_NE(list, std::string::npos) << err;
  return matches(line.substr(list + 17), "([a-z_0-9]+)");
}

}  // namespace

TEST(Annotations, name_every_verb_of_the_run) {
  const ToyWorkshop here;
  Names known = named_by_refusal(here, kHost + "print(run.zzz)\n");
  for (const char* field : {"id", "folder", "seed"}) EXPECT_EQ(known.erase(field), 1u) << field;
  EXPECT_EQ(matches(annotations(), "\nfunction run:([a-z_]+)\\(keys\\) end"), known);
}

TEST(Annotations, name_every_field_and_method_of_every_handle) {
  const ToyWorkshop here;
  const std::string codes = kTrained + "local codes = run:encode { sae = sae, on = rows }\n";
  const std::map<std::string, std::string> scripts = {
      {"host", kHost + "print(host.zzz)\n"},
      {"data", kHost + "print(data.zzz)\n"},
      {"activations", kRows + "print(rows.zzz)\n"},
      {"sae", kSae + "print(sae.zzz)\n"},
      {"codes", codes + "print(codes.zzz)\n"},
      {"block", kRows + "print(rows:take(3).zzz)\n"},
      {"block_codes", kSaid + "print(said.codes.zzz)\n"},
      {"matrix", kSaid + "print(said.pre_activations.zzz)\n"},
      {"bound", kTrained + "print(sae:bind(host).zzz)\n"}};
  ASSERT_EQ(facet::lua::handle_kinds().size(), scripts.size());
  for (const auto& kind : facet::lua::handle_kinds()) {
    Names names;
    for (const auto& field : kind.fields) names.insert(field.name);
    for (const auto& method : kind.methods) names.insert(method.name);
    EXPECT_EQ(names, named_by_refusal(here, scripts.at(kind.name))) << kind.name;
  }
}

TEST(Annotations, have_a_class_for_each_part_and_use_no_class_that_they_do_not_have) {
  const std::string text = annotations();
  const Names classes = matches(text, "---@class (facet[A-Za-z_.0-9]*)");
  EXPECT_TRUE(classes.contains("facet.args.sae.topk"));
  EXPECT_TRUE(classes.contains("facet.args.host.toy"));
  EXPECT_TRUE(classes.contains("facet.args.baseline.topk"));
  for (const std::string& used : matches(text, "(facet\\.(?:args\\.|[A-Z])[A-Za-z_.0-9]*)"))
    EXPECT_TRUE(classes.contains(used)) << used;
}
