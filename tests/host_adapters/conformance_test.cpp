// Adapters that need weights pass the conformance suite with the weights of the tests.
#include "plugin/conformance.h"
#include "host_adapters/adapters.h"

namespace facet {
namespace {

/// The part "esm2" as if its weights were the tiny model by default.
HostPart tiny_part(Value::Table params) {
  HostPart part = adapters().host("esm2");
  for (FieldDoc& field : part.schema.fields) field.required = false;
  params["weights"] = kTiny;
  part.schema.parse = [params, parse = part.schema.parse](const std::string& where, const Value&,
                                                          Demand demand,
                                                          std::vector<std::string>& problems) {
    return parse(where, Value(params), demand, problems);
  };
  return part;
}

TEST(AdapterConformance, of_esm2_is_whole) {
  const Findings findings = check_host(tiny_part({}));
  EXPECT_EQ(findings.size(), 16u) << describe(findings);
  for (const Finding& finding : findings)
    EXPECT_EQ(finding.verdict, Verdict::pass) << describe({finding});
}

TEST(AdapterConformance, of_esm2_is_whole_without_specials_and_token_dropout) {
  const HostPart part =
      tiny_part({{"specials", "none"}, {"token_dropout", "off"}, {"inv_freq", "stored"}});
  for (const Finding& finding : check_host(part))
    EXPECT_EQ(finding.verdict, Verdict::pass) << describe({finding});
}

}  // namespace
}  // namespace facet
