// Contexts of a live Llama: from texts to RouteSAE's files, with every part of facet between.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include "activations/activation_stream.h"
#include "contexts_golden.h"
#include "core/base/test_folder.h"
#include "data/jsonl.h"
#include "facet/safetensors.h"
#include "fake_context.h"
#include "host_adapters/adapters.h"
#include "memory_codes.h"

using namespace facet;

namespace {

constexpr double kActivations = 1e-3;  // golden.json: tolerance.activation_abs

// The loader's chunks, cut and padded to max_length tokens.
ActivationStream padded_stream(const Value& asked, std::shared_ptr<HostModel> host) {
  DatasetParams data;
  data.type = "jsonl";
  data.words = asked.integer("max_length");
  JsonlParams source;
  source.path = (kContextsGolden / "text.jsonl").string();
  source.id = "";
  StreamParams params;
  params.rows = "all";
  params.pads = true;
  const std::string layer = "layers." + std::to_string(asked.integer("layer"));
  const HostInfo& info = host->info();
  const std::string point = info.points[hookpoint_index(info, layer)].name;
  return ActivationStream(std::move(host), Dataset(std::make_shared<Jsonl>(source), data, "text"),
                          {point}, params);
}

std::shared_ptr<HostModel> padding_llama(int64_t length) {
  return make_host(
      "llama",
      {{"weights", kTinyLlama}, {"context", length}, {"longer", "truncate"}, {"pad", length}});
}

// What RouteSAE's TopK says of rows.x: the k largest of (x - pre_bias) W^T + latent_bias.
MemoryCodes topk_codes(const Rows& rows, int64_t k) {
  const Safetensors sae(kContextsGolden / "sae.safetensors");
  Registry registry;
  add_core_normalisers(registry);
  Stats stats;
  const Tensor x = make_normaliser(registry, "routesae", "normalize")->apply(rows.x, stats);
  const Tensor pre =
      torch::addmm(sae.tensor("sae.latent_bias"), x.select(1, 0) - sae.tensor("sae.pre_bias"),
                   sae.tensor("sae.encoder.weight").t());
  const auto [value, index] = pre.topk(k, 1);
  const auto* sequence = rows.sequence.const_data_ptr<int64_t>();
  const auto* position = rows.position.const_data_ptr<int32_t>();
  return MemoryCodes(torch::zeros_like(pre).scatter(1, index, value),
                     {sequence, sequence + rows.size()}, {position, position + rows.size()}, {})
      .set_tokens(rows.token, rows.flag);
}

// Equal but for numbers, which may differ by the tolerance.
void expect_near(const Value& ours, const Value& theirs, const std::string& where) {
  if (const auto* table = theirs.as<Value::Table>()) {
    ASSERT_EQ(ours.as<Value::Table>()->size(), table->size()) << where;
    for (const auto& [key, member] : *table) expect_near(ours.at(key), member, where + "." + key);
  } else if (const auto* list = theirs.as<Value::Array>()) {
    const auto& own = *ours.as<Value::Array>();
    ASSERT_EQ(own.size(), list->size()) << where;
    for (size_t i = 0; i < list->size(); ++i) expect_near(own[i], (*list)[i], where);
  } else if (const double* number = theirs.as<double>()) {
    EXPECT_NEAR(*ours.as<double>(), *number, kActivations) << where;
  } else {
    EXPECT_EQ(ours, theirs) << where;
  }
}

class ContextsOfLlama : public testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(ContextsOfLlama, read_the_tokens_and_pads_of_RouteSAEs_loader) {
  const Value asked = asked_of(GetParam());
  const Rows rows = padded_stream(asked, padding_llama(asked.integer("max_length")))
                        .open(Order::sequential, 0)
                        ->next(1 << 20);
  const TestFolder folder;
  const Safetensors golden(folder.write("golden.safetensors", unpacked("golden.safetensors")));
  const Tensor ids = golden.tensor(std::string(GetParam()) + ".input_ids");
  const Tensor mask = golden.tensor(std::string(GetParam()) + ".attention_mask");
  EXPECT_TRUE(torch::equal(rows.token, ids.flatten()));
  EXPECT_TRUE(torch::equal(rows.flag.bitwise_and(kPad).eq(0), mask.flatten().ne(0)));
}

TEST_P(ContextsOfLlama, are_both_files_of_RouteSAE) {
  const std::string run = GetParam();
  const Value asked = asked_of(run);
  const auto host = padding_llama(asked.integer("max_length"));
  const Rows rows = padded_stream(asked, host).open(Order::sequential, 0)->next(1 << 20);
  const MemoryCodes codes = topk_codes(rows, asked.integer("k"));
  FakeContext context;
  context.living = host.get();
  context.stored = &codes;
  run_analysis("contexts", Value(routesae_form(asked)), context);
  for (const char* file : {"contexts.json", "top_sequences.json"})
    expect_near(parse_json(context.files.at(file), file),
                parse_json(unpacked(run + "." + file), file), file);
}

INSTANTIATE_TEST_SUITE_P(Contexts, ContextsOfLlama, testing::Values("topk", "topk_short"));
