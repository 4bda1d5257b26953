// Adapters that need weights pass the conformance suite with the weights of the tests.
#include "plugin/conformance.h"

#include <set>

#include "host_adapters/adapters.h"

namespace facet {
namespace {

/// A part as if its weights were those of a tiny model by default.
HostPart with_weights(const std::string& type, const std::string& weights, Value::Table params) {
  HostPart part = adapters().host(type);
  for (FieldDoc& field : part.schema.fields) field.required = false;
  params["weights"] = weights;
  part.schema.parse = [params, parse = part.schema.parse](const std::string& where, const Value&,
                                                          Demand demand,
                                                          std::vector<std::string>& problems) {
    return parse(where, Value(params), demand, problems);
  };
  return part;
}
HostPart tiny_part(Value::Table params) { return with_weights("esm2", kTiny, std::move(params)); }

/// Everything holds but for what the host does not offer.
void expect_whole(const Findings& findings, const std::set<std::string>& skipped) {
  for (const Finding& finding : findings)
    EXPECT_EQ(finding.verdict,
              skipped.contains(finding.property) ? Verdict::skipped : Verdict::pass)
        << describe({finding});
}

TEST(AdapterConformance, of_esm2_is_whole) {
  const Findings findings = check_host(tiny_part({}));
  EXPECT_EQ(findings.size(), 19u) << describe(findings);
  expect_whole(findings, {"decoding token by token gives the logits of the whole"});
}

TEST(AdapterConformance, of_esm2_is_whole_without_specials_and_token_dropout) {
  const HostPart part =
      tiny_part({{"specials", "none"}, {"token_dropout", "off"}, {"inv_freq", "stored"}});
  expect_whole(check_host(part), {"decoding token by token gives the logits of the whole"});
}

TEST(AdapterConformance, of_llama_is_whole) {
  for (const Value::Table& params :
       {Value::Table{}, {{"bos", "off"}, {"longer", "truncate"}}, {{"context", 16}}})
    expect_whole(check_host(with_weights("llama", kTinyLlama, params)), {});
}

}  // namespace
}  // namespace facet
