// A protein has the same rows alone and in any batch, in any order.
#include <facet/rng.h>

#include "data/dataset.h"
#include "host_adapters/adapters.h"

namespace facet {
namespace {

// Length of a row's difference, relative to the row: only the order of summation in matrix products
// differs between batches, in float32.
constexpr double kSameRows = 1e-5;
constexpr int64_t kRows = 64 * (16 + 79) / 2 + 64 * 2;  // with specials
const std::vector<std::string> kPoints = {"layers.3", "blocks.4.mlp.out", "layers.6"};

/// The beginnings of 64 human proteins, of 16 to 79 residues.
const std::vector<std::string>& proteins() {
  static const std::vector<std::string> texts = [] {
    Registry registry;
    add_core_data(registry);
    const DataPart& part = registry.data("fasta");
    std::vector<std::string> problems, out;
    const AnyParams params = part.schema.parse(
        "data",
        Value(Value::Table{{"path", FACET_TEST_SOURCE "/experiments/data/human_2000.fasta.gz"}}),
        Demand::whole, problems);
    const auto data = part.make(params);
    const auto reader = data->open();
    for (Record record; out.size() < 64 && reader->next(record);)
      out.push_back(record.text.substr(0, 16 + out.size()));
    return out;
  }();
  return texts;
}

HostModel& mini() {
  static const auto host =
      make_host("esm2", {{"weights", FACET_TEST_SOURCE "/experiments/models/esm2_mini"}});
  return *host;
}

using RowsOfProteins = std::vector<std::map<std::string, Tensor>>;

/// The rows of every protein, computed in this order in batches of so many.
RowsOfProteins in_batches(const std::vector<int64_t>& order, size_t size) {
  RowsOfProteins out(order.size());
  for (size_t first = 0; first < order.size(); first += size) {
    const size_t last = std::min(first + size, order.size());
    std::vector<std::string> texts;
    for (size_t i = first; i < last; ++i)
      texts.push_back(proteins()[static_cast<size_t>(order[i])]);
    const Seen seen = pass(mini(), mini().tokenize(texts), kPoints);
    for (size_t i = first; i < last; ++i)
      for (const auto& [point, rows] : seen.rows)
        out[static_cast<size_t>(order[i])][point] =
            rows.x.index({rows.sequence == static_cast<int64_t>(i - first)});
  }
  return out;
}

const std::vector<int64_t>& file_order() {
  static const std::vector<int64_t> order = [] {
    std::vector<int64_t> out;
    for (int64_t i = 0; i < 64; ++i) out.push_back(i);
    return out;
  }();
  return order;
}
const RowsOfProteins& alone() {
  static const RowsOfProteins rows = in_batches(file_order(), 1);
  return rows;
}

void expect_same_rows(const RowsOfProteins& rows) {
  ASSERT_EQ(rows.size(), alone().size());
  std::vector<Tensor> apart;
  for (size_t i = 0; i < rows.size(); ++i)
    for (const std::string& point : kPoints)
      apart.push_back(rows_apart(rows[i].at(point), alone()[i].at(point)));
  EXPECT_EQ(torch::cat(apart).size(0), 3 * kRows);
  EXPECT_LT(torch::cat(apart).max().item<double>(), kSameRows);
}

TEST(Batches, of_8_proteins_give_the_rows_of_each_alone) {
  expect_same_rows(in_batches(file_order(), 8));
}

TEST(Batches, of_64_proteins_give_the_rows_of_each_alone) {
  expect_same_rows(in_batches(file_order(), 64));
}

TEST(Batches, in_another_order_give_the_same_rows) {
  for (const int64_t shuffle : {1, 2})
    expect_same_rows(
        in_batches(Rng(0, "test/order " + std::to_string(shuffle)).permutation(64), 8));
}

}  // namespace
}  // namespace facet
