// The registry: unique names, and advice for wrong ones.
#include <gtest/gtest.h>

#include "expect_refusal.h"
#include "facet/plugin.h"

namespace facet {
namespace {

struct PlainParams {
  int64_t size = 3;
};

Schema<PlainParams> schema() {
  return Schema<PlainParams>().field("size", &PlainParams::size, "Size.", at_least(1));
}

class Plain final : public Analysis {
 public:
  explicit Plain(const PlainParams& p) : size_(p.size) {}
  Needs needs() const override { return {.host = size_ == 7}; }
  Report run(Context&) override { return {}; }

 private:
  int64_t size_;
};

void add(Registry& registry, const std::string& name) {
  registry.add_analysis<Plain>(name, "Plain.", schema());
}

TEST(Registry, makes_a_part_from_its_parsed_parameters) {
  Registry registry;
  add(registry, "plain");
  const AnalysisPart& part = registry.analysis("plain");
  std::vector<std::string> problems;
  const AnyParams params =
      part.schema.parse("analysis", Value(Value::Table{{"size", 7}}), Demand::whole, problems);
  EXPECT_TRUE(part.make(params)->needs().host);
  EXPECT_EQ(part.plugin, "facet");
  EXPECT_EQ(part.help, "Plain.");
  EXPECT_EQ(part.kind, "analysis");
}

TEST(Registry, lists_parts_by_kind_and_name) {
  Registry registry;
  add(registry, "b");
  add(registry, "a");
  ASSERT_EQ(registry.parts().size(), 2u);
  EXPECT_EQ(registry.parts()[0]->name, "a");
  EXPECT_EQ(&registry.part("analysis", "b"), registry.parts()[1]);
}

TEST(Registry, refuses_two_parts_of_one_kind_and_name) {
  Registry registry;
  registry.set_plugin("facet.analysis.plain");
  add(registry, "plain");
  registry.set_plugin("org.example.plain");
  EXPECT_EQ(refusal_of([&] { add(registry, "plain"); }),
            "org.example.plain: analysis \"plain\" is already registered by facet.analysis.plain");
}

TEST(Registry, suggests_the_nearest_name) {
  Registry registry;
  add(registry, "metrics");
  EXPECT_EQ(refusal_of([&] { registry.analysis("metrisc", "topk.toml:3:8"); }),
            "topk.toml:3:8: no analysis \"metrisc\" (did you mean \"metrics\"?)");
}

TEST(Registry, lists_the_names_when_none_is_near) {
  Registry registry;
  add(registry, "metrics");
  add(registry, "latents");
  EXPECT_EQ(refusal_of([&] { registry.analysis("go_enrichment"); }),
            "no analysis \"go_enrichment\" (known: latents, metrics)");
}

TEST(Registry, says_when_no_plugin_has_one) {
  const Registry registry;
  EXPECT_EQ(refusal_of([&] { registry.sae("topk", "topk.toml:3:8"); }),
            "topk.toml:3:8: no sae \"topk\" (no plugin with one is loaded)");
}

TEST(Registry, refuses_an_unknown_kind) {
  const Registry registry;
  EXPECT_EQ(refusal_of([&] { registry.part("analsis", "metrics"); }),
            "no kind of part \"analsis\" (did you mean \"analysis\"?)");
}

}  // namespace
}  // namespace facet
