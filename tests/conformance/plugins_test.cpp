// The conformance suite over every plugin that was built.
#include <gtest/gtest.h>

#include <algorithm>

#include "plugin/conformance.h"
#include "plugin/loader.h"

using namespace facet;

TEST(BuiltPlugins, conform) {
  static auto* registry = new Registry;  // plugins stay for ever, and so does what they registered
  for (const PluginInfo& plugin : load_plugins({FACET_TEST_PLUGINS}, *registry)) {
    const Findings findings = check_plugin(*registry, plugin.id);
    EXPECT_FALSE(findings.empty()) << plugin.id;
    EXPECT_TRUE(conforms(findings)) << describe(findings);
    for (const Finding& finding : findings)
      if (finding.verdict == Verdict::skipped) std::cout << describe({finding});
  }
}
