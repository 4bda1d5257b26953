// Latents: tables and figures of a handful of codes over three small sequences.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <cmath>

#include "expect_refusal.h"
#include "memory_codes.h"
#include "replay.h"

using namespace facet;

namespace {

// Two sequences of five letters after one special token each, four latents: 0 is dense, 1 marks L,
// 2 is dead, 3 fires once.
MemoryCodes two_sequences() {
  const Tensor dense = torch::tensor({{1.0f, 0.0f, 0.0f, 0.0f},    // M 1
                                      {1.0f, 2.0f, 0.0f, 0.0f},    // L 2
                                      {1.0f, 3.0f, 0.0f, 0.0f},    // L 3
                                      {1.0f, 0.0f, 0.0f, 0.0f},    // K 4
                                      {1.0f, 1.0f, 0.0f, 0.0f},    // I 5
                                      {2.0f, 0.0f, 0.0f, 0.0f},    // A 1
                                      {1.0f, 4.0f, 0.0f, 0.0f},    // L 2
                                      {1.0f, 0.0f, 0.0f, 0.0f},    // A 3
                                      {1.0f, 0.0f, 0.0f, 0.5f},    // A 4
                                      {1.0f, 0.0f, 0.0f, 0.0f}});  // A 5
  return {dense,
          {0, 0, 0, 0, 0, 1, 1, 1, 1, 1},
          {1, 2, 3, 4, 5, 1, 2, 3, 4, 5},
          {{"P1", "MLLKI", "Insulin OS=Homo sapiens OX=9606"}, {"P2", "ALAAA", "Titin"}}};
}

// Four latents over three dimensions; 2 writes nothing.
Tensor small_decoder() {
  return torch::tensor(
      {{0.5f, 0.0f, 0.0f}, {1.0f, -2.0f, 0.0f}, {0.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 4.0f}});
}

Report run(const CodesReader& codes, Value params, FakeContext& context,
           const Tensor& decoder = small_decoder()) {
  Replay sae(torch::zeros({0, decoder.size(1)}), torch::zeros({0, decoder.size(0)}), decoder);
  context.trained = &sae;
  context.stored = &codes;
  return run_analysis("latents", params, context);
}

}  // namespace

TEST(Latents, describe_every_latent_by_number) {
  FakeContext context;
  run(two_sequences(), Value(Value::Table{{"max_frequency", 0.5}, {"window", 2}}), context);
  EXPECT_EQ(emit_tsv(context.tables.at("latents.tsv")),
            "latent\ttelling\tfrequency\tmean\tmax\tsequences\tresidues\ttop_sequence\t"
            "top_description\ttop_window\tdimensions\n"
            "0\t0.0\t1.0\t1.1\t2.0\t2\tA 40 %, L 30 %, I 10 %\tP2\tTitin\t[ALA]...\t0 (+0.5)\n"
            "1\t0.0\t0.4\t2.5\t4.0\t2\tL 75 %, I 25 %\tP2\tTitin\tA[L]AA...\t1 (-2), 0 (+1)\n"
            "2\t0.0\t0.0\t0.0\t0.0\t0\t\t\t\t\t\n"
            "3\t1.3862943611198906\t0.1\t0.5\t0.5\t1\tA 100 %\tP2\tTitin\t...LA[A]A\t2 (+4)\n");
}

TEST(Latents, list_the_strongest_sequences_of_each_latent) {
  FakeContext context;
  run(two_sequences(),
      Value(Value::Table{{"max_frequency", 0.5}, {"latents", 2}, {"least_sequences", 2}}), context);
  EXPECT_EQ(emit_tsv(context.tables.at("latent_examples.tsv")),
            "latent\trank\tsequence\tdescription\tmax\tletter\twindow\tresidues\n"
            "1\t1\tP2\tTitin\t4.0\t2\tA[L]AAA\tL2\n"
            "1\t2\tP1\tInsulin\t3.0\t3\tM[LL]K[I]\tL2 L3 I5\n"
            "3\t1\tP2\tTitin\t0.5\t4\tALA[A]A\tA4\n");
}

namespace {

std::vector<int64_t> shown(const Report& report) {
  std::vector<int64_t> out;
  for (const auto& row : report.tables.at(0).head.rows()) out.push_back(*row[0].as<int64_t>());
  return out;
}

}  // namespace

TEST(Latents, show_the_most_frequent_first_and_dense_ones_last) {
  FakeContext context;
  const Report report =
      run(two_sequences(), Value(Value::Table{{"max_frequency", 0.5}, {"order", "frequency"}}),
          context);
  EXPECT_EQ(shown(report), (std::vector<int64_t>{1, 3, 0}));
  EXPECT_EQ(report.tables.at(0).rows, 4);
  EXPECT_EQ(report.tables.at(0).title,
            "The most frequent latents with their proteins: highest frequency first, dense ones "
            "(above 0.5 of the rows) last. The file has every latent, by number.");
}

// Eight sequences of one row. 0 fires weakly in two, 1 strongly in two, 2 strongly in four, 3 in
// one, 4 in seven (dense), 5 as 0 but with a decoder row four times as long.
TEST(Latents, show_the_most_telling_first_then_those_of_few_sequences_then_dense_ones) {
  Tensor dense = torch::zeros({8, 6});
  dense.select(1, 0).slice(0, 0, 2).fill_(1);
  dense.select(1, 1).slice(0, 2, 4).fill_(3);
  dense.select(1, 2).slice(0, 0, 4).fill_(3);
  dense.select(1, 3).slice(0, 4, 5).fill_(9);
  dense.select(1, 4).slice(0, 1, 8).fill_(9);
  dense.select(1, 5).slice(0, 6, 8).fill_(1);
  Tensor decoder = torch::ones({6, 1});
  decoder[5] = 4;
  const MemoryCodes codes(dense, {0, 1, 2, 3, 4, 5, 6, 7}, {0, 0, 0, 0, 0, 0, 0, 0}, {});
  FakeContext context;
  const Value params = Value::Table{{"max_frequency", 0.6}, {"least_sequences", 2}};
  const Report report = run(codes, params, context, decoder);
  EXPECT_EQ(report.tables.at(0).title,
            "The most telling latents with their proteins: those that fire in few sequences, and "
            "strongly there, first; those of fewer than 2 sequences and then dense ones (above 0.6 "
            "of the rows) last. The file has every latent, by number.");
  EXPECT_EQ(shown(report), (std::vector<int64_t>{5, 1, 2, 0, 3, 4}));
  const auto& rows = context.tables.at("latents.tsv").rows();
  EXPECT_DOUBLE_EQ(*rows[1][1].as<double>(), 3 * std::log(4.0));
  EXPECT_DOUBLE_EQ(*rows[5][1].as<double>(), 4 * std::log(4.0));
}

TEST(Latents, of_pooled_codes_mark_no_residues) {
  const MemoryCodes codes(torch::tensor({{1.0f, 0.0f}, {2.0f, 3.0f}}), {0, 1}, {0, 0},
                          {{"P1", "MLLKI", "Insulin"}, {"P2", "ALAAA", "Titin"}}, "mean");
  FakeContext context;
  const Value params = Value::Table{{"max_frequency", 1.0}, {"least_sequences", 2}};
  run(codes, params, context, torch::ones({2, 1}));
  EXPECT_EQ(emit_tsv(context.tables.at("latents.tsv")),
            "latent\ttelling\tfrequency\tmean\tmax\tsequences\ttop_sequence\ttop_description\t"
            "dimensions\n"
            "0\t0.0\t1.0\t1.5\t2.0\t2\tP2\tTitin\t0 (+1)\n"
            "1\t2.0794415416798357\t0.5\t3.0\t3.0\t1\tP2\tTitin\t0 (+1)\n");
  EXPECT_EQ(emit_tsv(context.tables.at("latent_examples.tsv")),
            "latent\trank\tsequence\tdescription\tmax\n"
            "0\t1\tP2\tTitin\t2.0\n"
            "0\t2\tP1\tInsulin\t1.0\n"
            "1\t1\tP2\tTitin\t3.0\n");
}

TEST(Latents, list_as_many_dimensions_as_asked) {
  FakeContext context;
  run(two_sequences(), Value(Value::Table{{"dimensions", 1}}), context);
  EXPECT_EQ(*context.tables.at("latents.tsv").rows()[1].back().as<std::string>(), "1 (-2)");
}

TEST(Latents, count_live_and_dense_latents) {
  FakeContext context;
  const Report report = run(two_sequences(), Value(Value::Table{{"max_frequency", 0.5}}), context);
  const std::pair<const char*, double> figures[] = {{"rows", 10},   {"sequences", 2},
                                                    {"latents", 4}, {"live", 3},
                                                    {"dense", 1},   {"median_frequency", 0.4}};
  for (const auto& [name, value] : figures) EXPECT_DOUBLE_EQ(number(report, name), value) << name;
}

TEST(Latents, keep_only_as_many_examples_as_asked) {
  FakeContext context;
  run(two_sequences(), Value(Value::Table{{"examples", 1}}), context);
  for (const auto& row : context.tables.at("latent_examples.tsv").rows())
    EXPECT_EQ(*row[1].as<int64_t>(), 1);
}

TEST(Latents, work_on_rows_without_a_text) {
  FakeContext context;
  const MemoryCodes codes(torch::tensor({{1.0f}, {2.0f}}), {0, 1}, {0, 0}, {});
  run(codes, Value(), context, torch::ones({1, 1}));
  EXPECT_EQ(emit_tsv(context.tables.at("latent_examples.tsv")),
            "latent\trank\tsequence\tdescription\tmax\tletter\twindow\tresidues\n"
            "0\t1\tsequence 1\t\t2.0\t0\t\ttoken:0\n"
            "0\t2\tsequence 0\t\t1.0\t0\t\ttoken:0\n");
}

TEST(Latents, refuse_a_store_without_rows) {
  FakeContext context;
  const MemoryCodes codes(torch::zeros({0, 3}), {}, {}, {});
  EXPECT_EQ(refusal_of([&] { run(codes, Value(), context); }),
            "latents: there are no rows to look at");
}
