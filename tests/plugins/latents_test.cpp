// Latents: tables and figures of a handful of codes over three small sequences.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include "expect_refusal.h"
#include "fake_context.h"

using namespace facet;

namespace {

// Codes of dense [n, d_sae], each row of a given sequence and position.
class MemoryCodes : public CodesReader {
 public:
  MemoryCodes(Tensor dense, std::vector<int64_t> sequence, std::vector<int32_t> position,
              std::vector<SequenceInfo> infos)
      : dense_(std::move(dense)), infos_(std::move(infos)) {
    ids_.sequence = torch::tensor(sequence, torch::kInt64);
    ids_.position = torch::tensor(position, torch::kInt32);
  }
  int64_t rows() const override { return dense_.size(0); }
  int64_t d_sae() const override { return dense_.size(1); }
  Codes slice(int64_t begin, int64_t end) const override {
    return Codes::of(dense_.slice(0, begin, end));
  }
  Firing firing(int64_t latent) const override {
    const Tensor column = dense_.select(1, latent);
    const auto [value, row] = column.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
    const int64_t fired = (column > 0).sum().item<int64_t>();
    return {row.slice(0, 0, fired), value.slice(0, 0, fired)};
  }
  Tensor firing_counts() const override { return (dense_ > 0).sum(0); }
  Rows ids() const override { return ids_; }
  const std::vector<SequenceInfo>& sequences() const override { return infos_; }
  int64_t letter_offset() const override { return 1; }
  std::string key() const override { return "memory"; }

 private:
  Tensor dense_;
  Rows ids_;
  std::vector<SequenceInfo> infos_;
};

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

Report run(const CodesReader& codes, Value params, FakeContext& context) {
  context.stored = &codes;
  return run_analysis("latents", params, context);
}

}  // namespace

TEST(Latents, describe_every_latent_by_number) {
  FakeContext context;
  run(two_sequences(), Value(Value::Table{{"max_frequency", 0.5}, {"window", 2}}), context);
  EXPECT_EQ(emit_tsv(context.tables.at("latents.tsv")),
            "latent\tfrequency\tmean\tmax\tsequences\tresidues\ttop_sequence\ttop_description\ttop_"
            "window\n"
            "0\t1.0\t1.1\t2.0\t2\tA 40 %, L 30 %, I 10 %\tP2\tTitin\t[ALA]...\n"
            "1\t0.4\t2.5\t4.0\t2\tL 75 %, I 25 %\tP2\tTitin\tA[L]AA...\n"
            "2\t0.0\t0.0\t0.0\t0\t\t\t\t\n"
            "3\t0.1\t0.5\t0.5\t1\tA 100 %\tP2\tTitin\t...LA[A]A\n");
}

TEST(Latents, list_the_strongest_sequences_of_the_most_active_first) {
  FakeContext context;
  run(two_sequences(), Value(Value::Table{{"max_frequency", 0.5}, {"latents", 2}}), context);
  EXPECT_EQ(emit_tsv(context.tables.at("latent_examples.tsv")),
            "latent\trank\tsequence\tdescription\tmax\tletter\twindow\tresidues\n"
            "1\t1\tP2\tTitin\t4.0\t2\tA[L]AAA\tL2\n"
            "1\t2\tP1\tInsulin\t3.0\t3\tM[LL]K[I]\tL2 L3 I5\n"
            "3\t1\tP2\tTitin\t0.5\t4\tALA[A]A\tA4\n");
}

TEST(Latents, show_the_most_active_first_and_dense_ones_last) {
  FakeContext context;
  const Report report = run(two_sequences(), Value(Value::Table{{"max_frequency", 0.5}}), context);
  std::vector<int64_t> shown;
  for (const auto& row : report.tables.at(0).head.rows()) shown.push_back(*row[0].as<int64_t>());
  EXPECT_EQ(shown, (std::vector<int64_t>{1, 3, 0}));
  EXPECT_EQ(report.tables.at(0).rows, 4);
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
  run(codes, Value(), context);
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
