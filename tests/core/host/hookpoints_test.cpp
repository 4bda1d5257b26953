// Selecting hookpoints by name, alias, glob, range and middle_half.
#include "host/hookpoints.h"

#include <gtest/gtest.h>

#include "core/host/small_info.h"
#include "expect_refusal.h"

namespace facet {
namespace {

std::string chosen(const Value& selector) {
  std::string out;
  for (const std::string& name :
       select_hookpoints(small_info(), selector, "activations.hookpoints"))
    out += name + " ";
  return out;
}

TEST(Hookpoints, are_selected_by_each_kind_of_selector) {
  const std::pair<Value, std::string> cases[] = {
      {"blocks.1.out", "blocks.1.out "},
      {"layers.2", "blocks.1.out "},
      {"layers.4", "final_norm.out "},
      {"*mlp*", "blocks.0.mlp.out blocks.1.mlp.out blocks.2.mlp.out blocks.3.mlp.out "},
      {"blocks.?.in", "blocks.0.in blocks.1.in blocks.2.in blocks.3.in "},
      {"layers.{0..2}", "embeddings blocks.0.out blocks.1.out "},
      {"blocks.{2..3}.mlp.out", "blocks.2.mlp.out blocks.3.mlp.out "},
      {"blocks.{1..1}.*", "blocks.1.in blocks.1.mlp.out blocks.1.out "},
      {"middle_half", "blocks.0.out blocks.1.out blocks.2.out "},
  };
  for (const auto& [selector, names] : cases)
    EXPECT_EQ(chosen(selector), names) << emit_json(selector);
}

// Hidden states n/4 to 3n/4 of n, both ends included, whatever remains of the division.
TEST(Hookpoints, of_the_middle_half_are_those_of_routesae) {
  const std::pair<int, std::pair<int, int>> cases[] = {{4, {1, 3}}, {5, {1, 3}},  {6, {1, 4}},
                                                       {7, {1, 5}}, {12, {3, 9}}, {16, {4, 12}}};
  for (const auto& [blocks, layers] : cases) {
    std::vector<std::string> wanted;
    for (int layer = layers.first; layer <= layers.second; ++layer)
      wanted.push_back("blocks." + std::to_string(layer - 1) + ".out");
    EXPECT_EQ(select_hookpoints(small_info(blocks), "middle_half", "activations.hookpoints"),
              wanted)
        << blocks;
  }
}

TEST(Hookpoints, have_a_next_one_of_their_kind) {
  const std::pair<std::string, std::string> cases[] = {{"embeddings", "blocks.0.out"},
                                                       {"blocks.0.out", "blocks.1.out"},
                                                       {"blocks.3.out", "final_norm.out"},
                                                       {"blocks.1.mlp.out", "blocks.2.mlp.out"},
                                                       {"blocks.2.in", "blocks.3.in"}};
  for (const auto& [point, next] : cases)
    EXPECT_EQ(next_hookpoints(small_info(), {point}, ""), std::vector<std::string>{next});
  for (const char* last : {"blocks.3.mlp.out", "final_norm.out"})
    EXPECT_EQ(refusal_of([&] {
                next_hookpoints(small_info(), {"embeddings", last}, "target: ");
              }),
              "target: small: \"" + std::string(last) +
                  "\" has no hookpoint of its kind one layer on; name one");
}

TEST(Hookpoints, of_a_list_come_once_and_in_the_order_of_the_forward_pass) {
  EXPECT_EQ(chosen(Value::Array{"layers.3", "embeddings", "blocks.2.out", "layers.{0..1}"}),
            "embeddings blocks.0.out blocks.2.out ");
}

TEST(Hookpoints, that_match_nothing_are_refused_with_the_place_and_the_nearest_name) {
  const std::string where = "x.toml:3:1: activations.hookpoints: ";
  const std::pair<Value, std::string> cases[] = {
      {"block.1.out", "small: no hookpoint \"block.1.out\" (did you mean \"blocks.1.out\"?)"},
      {"*attn*", "small: no hookpoint matches \"*attn*\""},
      {"layers.{3..9}", "small: no hookpoint \"layers.5\" (did you mean \"layers.0\"?)"},
      {"layers.{3-9}", "\"layers.{3-9}\" is no range, should be like \"layers.{4..12}\""},
      {"layers.{9..3}", "\"layers.{9..3}\" is no range, should be like \"layers.{4..12}\""},
      {3, "expected string or list of string, got integer 3"},
      {Value::Array{}, "names no hookpoint, should name at least one"},
  };
  for (auto [selector, says] : cases) {
    selector.origin = {"x.toml", 3, 1, ""};
    EXPECT_EQ(refusal_of([&] { chosen(selector); }), where + says);
  }
}

}  // namespace
}  // namespace facet
