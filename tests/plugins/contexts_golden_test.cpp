// Contexts against RouteSAE's two files, letter by letter (tests/golden/contexts).
#include <gtest/gtest.h>

#include "facet/torch.h"

#include "byte_host.h"
#include "contexts_golden.h"
#include "core/base/test_folder.h"
#include "facet/safetensors.h"
#include "fake_context.h"
#include "memory_codes.h"

using namespace facet;

namespace {

ByteHost golden_host() {
  const Value list = parse_json(unpacked("tokens.json"), "tokens.json");
  std::vector<std::string> tokens;
  for (const Value& token : *list.as<Value::Array>()) tokens.push_back(*token.as<std::string>());
  return ByteHost(std::move(tokens));
}

// The codes of all tokens of a run, pads too.
MemoryCodes golden_codes(const std::string& run) {
  const TestFolder folder;
  const Safetensors golden(folder.write("golden.safetensors", unpacked("golden.safetensors")));
  const Tensor ids = golden.tensor(run + ".input_ids");  // [sequences, length]
  const int64_t length = ids.size(1);
  const Tensor index = golden.tensor(run + ".active_index").to(torch::kInt64);  // [nnz, 3]
  const Tensor dense = torch::zeros({ids.numel(), index.select(1, 2).max().item<int64_t>() + 1});
  dense.index_put_({index.select(1, 0) * length + index.select(1, 1), index.select(1, 2)},
                   golden.tensor(run + ".active_value"));
  std::vector<int64_t> sequence;
  std::vector<int32_t> position;
  for (int64_t i = 0; i < ids.numel(); ++i) {
    sequence.push_back(i / length);
    position.push_back(static_cast<int32_t>(i % length));
  }
  const Tensor pad = golden.tensor(run + ".attention_mask").eq(0).flatten();
  return MemoryCodes(dense, sequence, position, {})
      .set_tokens(ids.flatten().clone(), pad.to(torch::kUInt8) * kPad);
}

class ContextsGolden : public testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(ContextsGolden, are_both_files_of_RouteSAE) {
  const std::string run = GetParam();
  const Value asked = asked_of(run);
  ByteHost host = golden_host();
  const MemoryCodes codes = golden_codes(run);
  FakeContext context;
  context.living = &host;
  context.stored = &codes;
  const Report report = run_analysis("contexts", Value(routesae_form(asked)), context);
  EXPECT_EQ(context.files.at("contexts.json"), unpacked(run + ".contexts.json"));
  EXPECT_EQ(context.files.at("top_sequences.json"), unpacked(run + ".top_sequences.json"));
  for (const auto& [ours, theirs] : {std::pair("total_latents", "total_latents"),
                                     {"classes", "classes"},
                                     {"contexts", "contexts"},
                                     {"above", "activations_above_threshold"}})
    EXPECT_EQ(number(report, ours), asked.number(theirs)) << ours;
}

INSTANTIATE_TEST_SUITE_P(Contexts, ContextsGolden, testing::Values("topk", "topk_short"));
