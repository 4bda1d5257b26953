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

TEST(BadPlugins, each_broken_promise_is_found_and_named) {
  static auto* registry = new Registry;
  load_plugin(std::filesystem::path(FACET_TEST_BAD_PLUGINS) / "broken_promises.so", *registry);
  const std::string said = describe(check_plugin(*registry, "org.example.broken-promises"));
  EXPECT_EQ(said.find("sae sound: shapes: fail"), std::string::npos);
  std::string failures;
  for (size_t begin = 0, end; (end = said.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (const std::string line = said.substr(begin, end - begin);
        line.find(": fail: ") != std::string::npos)
      failures += line + "\n";
  for (const char* line :
       {"sae undocumented: documented: fail: no help text: k\n",
        "sae resume: resumed it trains alike: fail: W_dec differs after 10 steps from 5 and 5: "
        "something that matters is neither a parameter nor a buffer\n",
        "sae sparsity: keeps its promise of sparsity: fail: k is 4, and a row has 5 latents\n",
        "sae fold: a normaliser folds into it: fail: ",
        "sae buffer: saved and loaded it codes alike: fail: other codes: something that matters is "
        "neither a parameter nor a buffer\n",
        "sae shape: shapes: fail: codes.d_sae: is 32, should be 16\n",
        "sae slope: gradients of the losses agree with finite differences: fail: size along "
        "W_dec["})
    EXPECT_NE(failures.find(line), std::string::npos) << line << "\n" << failures;
  EXPECT_EQ(failures.find("sae sound"), std::string::npos) << failures;
}
