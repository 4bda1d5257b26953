// GO pairwise against a Python peer's distances between terms of the real ontology.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "base/files.h"
#include "fake_context.h"

using namespace facet;

namespace {

namespace fs = std::filesystem;

// Of weights, harmonic means and means; integers must be equal.
constexpr double kPairwiseRelative = 1e-12;

fs::path pairwise_golden(const std::string& name) {
  return fs::path(FACET_TEST_DATA) / "go_pairwise" / name;
}

std::string real_obo() {
  return (fs::path(FACET_TEST_SOURCE) / "experiments/data/go-basic.obo.zst").string();
}

using Cells = std::vector<std::map<std::string, std::string>>;

// Rows of a TSV by the names of its columns.
Cells cells_by_name(const std::string& text) {
  const auto split = [](const std::string& line) {
    std::vector<std::string> out;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, '\t');) out.push_back(cell);
    return out;
  };
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = split(line);
  Cells out;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    out.emplace_back();
    for (size_t i = 0; i < cells.size(); ++i) out.back()[names[i]] = cells[i];
  }
  return out;
}

bool is_float(const std::string& text) {
  return text.find_first_not_of("0123456789.e-+") == std::string::npos &&
         text.find('.') != std::string::npos;
}

// Everything that the golden row says, in the other row, too.
void expect_row(const std::map<std::string, std::string>& row,
                const std::map<std::string, std::string>& golden) {
  for (const auto& [name, value] : golden) {
    ASSERT_TRUE(row.contains(name)) << name;
    if (!is_float(value))
      EXPECT_EQ(row.at(name), value) << name;
    else
      EXPECT_NEAR(std::stod(row.at(name)), std::stod(value),
                  kPairwiseRelative * std::abs(std::stod(value)))
          << name;
  }
}

FakeContext run_real(Value params) {
  FakeContext context;
  params.set("obo", real_obo());
  params.set("resamples", 0);
  run_analysis("go_pairwise", params, context);
  return context;
}

Value of_golden_terms() {
  return Value::Table{{"terms", pairwise_golden("goe_per_feature.tsv").string()},
                      {"baseline_terms", 2}};
}

}  // namespace

TEST(GoPairwiseGolden, has_every_pair_of_four_latents) {
  FakeContext context = run_real(of_golden_terms());
  const Cells golden = cells_by_name(read_file(pairwise_golden("pairwise.tsv")));
  const Cells rows = cells_by_name(context.files.at("pairwise_all.tsv"));
  ASSERT_EQ(golden.size(), 237u);
  ASSERT_EQ(rows.size(), golden.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE("row " + std::to_string(i + 1));
    expect_row(rows[i], golden[i]);
  }
}

TEST(GoPairwiseGolden, has_the_same_numbers_in_the_form_rep_saes) {
  Value params = of_golden_terms();
  params.set("form", "rep_saes");
  FakeContext context = run_real(params);
  Cells golden = cells_by_name(read_file(pairwise_golden("pairwise.tsv")));
  const Cells rows = cells_by_name(context.files.at("pairwise_all.tsv"));
  ASSERT_EQ(rows.size(), golden.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    for (const char* corrected :
         {"LCA candidates", "Shortest Path Edges", "Weighted Shortest Path Edges", "LCA Level",
          "Term 1 Depth", "Term 2 Depth", "Term 1 Level", "Term 2 Level", "SPL via LCA Edges"}) {
      golden[i].erase(corrected);
      EXPECT_FALSE(rows[i].contains(corrected)) << corrected;
    }
    expect_row(rows[i], golden[i]);
    const std::string& path = rows[i].at("Shortest Path");
    EXPECT_TRUE(path.starts_with(rows[i].at("Term 1"))) << path;
    EXPECT_TRUE(path.ends_with(rows[i].at("Term 2"))) << path;
    EXPECT_EQ(std::to_string(std::count(path.begin(), path.end(), '|') + 1),
              rows[i].at("Shortest Path Length"));
  }
}

TEST(GoPairwiseGolden, has_the_means_of_each_latent) {
  FakeContext context = run_real(of_golden_terms());
  std::map<std::string, std::map<std::string, std::string>> rows;
  for (const auto& row : cells_by_name(context.files.at("pairwise_means.tsv")))
    rows[row.at("Feature") + row.at("Namespace")] = row;
  const Value golden =
      parse_json(read_file(pairwise_golden("pairwise_means.json")), "pairwise_means.json");
  EXPECT_GT(golden.array("per_feature_means").size(), 8u);
  for (const Value& mean : golden.array("per_feature_means")) {
    const auto& row = rows.at(std::to_string(mean.integer("Feature")) + mean.text("Namespace"));
    EXPECT_EQ(row.at("pairs"), std::to_string(mean.integer("pairs")));
    for (const char* name : {"LCA Depth", "Shortest Path Length", "Weighted LCA Depth",
                             "Weighted Shortest Path Length", "Shortest Path Edges"})
      EXPECT_NEAR(std::stod(row.at(name)), mean.number(name), kPairwiseRelative * mean.number(name))
          << name;
  }
}

// The golden draws are given: here they are the terms of one latent.
TEST(GoPairwiseGolden, has_lengths_and_depths_of_the_golden_baselines) {
  const Value golden = parse_json(read_file(pairwise_golden("baseline.json")), "baseline.json");
  std::string table = "latent\tGO\tp_uncorrected\tp_bonferroni\n";
  for (const auto& [space, of] : *golden.as<Value::Table>())
    for (const Value& term : of.array("terms"))
      table += "0\t" + *term.as<std::string>() + "\t1e-9\t0.01\n";
  FakeContext context;
  context.files["go_terms.tsv"] = table;
  run_analysis("go_pairwise",
               Value::Table{{"obo", real_obo()}, {"max_terms", 0}, {"baseline_terms", 2}}, context);
  for (const auto& [space, of] : *golden.as<Value::Table>()) {
    std::vector<int64_t> lengths(of.array("SPL nodes histogram").size(), 0);
    std::vector<int64_t> depths(of.array("LCA depth histogram").size(), 0);
    int64_t pairs = 0;
    double length = 0, depth = 0;
    for (const auto& row : cells_by_name(context.files.at("pairwise_all.tsv"))) {
      if (row.at("Namespace") != space) continue;
      ++pairs;
      ++lengths.at(std::stoul(row.at("Shortest Path Length")));
      ++depths.at(std::stoul(row.at("LCA Depth")));
      length += std::stod(row.at("Shortest Path Length"));
      depth += std::stod(row.at("LCA Depth"));
    }
    const auto n = static_cast<double>(pairs);
    EXPECT_EQ(pairs, of.integer("pairs"));
    EXPECT_NEAR(length / n, of.number("mean SPL nodes"), 1e-12);
    EXPECT_NEAR(depth / n, of.number("mean LCA depth"), 1e-12);
    for (size_t i = 0; i < lengths.size(); ++i)
      EXPECT_EQ(Value(lengths[i]), of.array("SPL nodes histogram")[i]) << space << " " << i;
    for (size_t i = 0; i < depths.size(); ++i)
      EXPECT_EQ(Value(depths[i]), of.array("LCA depth histogram")[i]) << space << " " << i;
  }
}

namespace {

using ByBin = std::map<std::string, std::vector<double>>;  // "[2, 3)" -> lengths

std::string bin_of(double depth) {
  const auto from = static_cast<int64_t>(std::floor(depth));
  return "[" + std::to_string(from) + ", " + std::to_string(from + 1) + ")";
}

ByBin lengths_by_bin(const Cells& rows, const std::string& column,
                     const std::function<bool(const std::map<std::string, std::string>&)>& keep) {
  ByBin out;
  for (const auto& row : rows)
    if (keep(row)) out[bin_of(std::stod(row.at("LCA Depth")))].push_back(std::stod(row.at(column)));
  return out;
}

// Checks the tests of one baseline against the rows they are said to be of.
void expect_bins(const Cells& bins, const std::string& baseline, ByBin real, ByBin random,
                 bool across_bins) {
  PValues tests;
  for (const auto& row : bins)
    if (row.at("Baseline") == baseline && row.at("p") != "nan")
      tests.p.push_back(std::stod(row.at("p")));
  std::sort(tests.p.begin(), tests.p.end());
  tests.p.erase(std::unique(tests.p.begin(), tests.p.end()), tests.p.end());
  for (const double p : tests.p) {
    tests.times.push_back(0);
    for (const auto& row : bins)
      tests.times.back() +=
          row.at("Baseline") == baseline && row.at("p") != "nan" && std::stod(row.at("p")) == p;
  }
  const std::vector<double> corrected_p = corrected("fdr_bh", tests, 0.05);
  size_t seen = 0;
  for (const auto& row : bins) {
    if (row.at("Baseline") != baseline) continue;
    ++seen;
    const auto& ours = real[row.at("LCA Depth")];
    const auto& theirs = random[row.at("LCA Depth")];
    EXPECT_EQ(row.at("n"), std::to_string(ours.size()));
    EXPECT_EQ(row.at("n random"), std::to_string(theirs.size()));
    const WelchTest test = welch_test(ours, theirs);
    if (std::isnan(test.p)) {
      EXPECT_EQ(row.at("p"), "nan");
      continue;
    }
    EXPECT_NEAR(std::stod(row.at("t")), test.t, 1e-9 * std::abs(test.t));
    EXPECT_NEAR(std::stod(row.at("p")), test.p, 1e-9 * test.p);
    const size_t at =
        std::lower_bound(tests.p.begin(), tests.p.end(), std::stod(row.at("p"))) - tests.p.begin();
    const double q = across_bins ? corrected_p[at] : std::stod(row.at("p"));
    EXPECT_EQ(std::stod(row.at("q")), q);
    EXPECT_EQ(row.contains("stars") ? row.at("stars") : "", q <= 0.0001  ? "***"
                                                            : q <= 0.001 ? "**"
                                                            : q <= 0.05  ? "*"
                                                                         : "");
  }
  EXPECT_GT(seen, 4u);
}

}  // namespace

TEST(GoPairwiseGolden, compares_pairs_with_random_pairs_and_corrects_over_the_bins) {
  Value params = of_golden_terms();
  params.set("baseline_terms", 40);
  FakeContext context = run_real(params);
  const Cells pairs = cells_by_name(context.files.at("pairwise_all.tsv"));
  const Cells random = cells_by_name(context.files.at("pairwise_random.tsv"));
  const std::string length = "Shortest Path Edges";
  for (const auto& [scope, space] :
       {std::pair<const char*, const char*>{"all", ""}, {"bp", "biological_process"}})
    for (const char* baseline : {"constrained", "entire"}) {
      SCOPED_TRACE(std::string(scope) + " " + baseline);
      const auto in_scope = [space = std::string(space)](const auto& row) {
        return space.empty() || row.at("Namespace") == space;
      };
      expect_bins(cells_by_name(context.files.at(std::string("pairwise_bins_") + scope + ".tsv")),
                  baseline, lengths_by_bin(pairs, length, in_scope),
                  lengths_by_bin(random, length,
                                 [&](const auto& row) {
                                   return in_scope(row) && row.at("Baseline") == baseline;
                                 }),
                  true);
    }
}

TEST(GoPairwiseGolden, compares_means_with_random_pairs_in_the_form_rep_saes) {
  Value params = of_golden_terms();
  params.set("baseline_terms", 40);
  params.set("form", "rep_saes");
  FakeContext context = run_real(params);
  const Cells means = cells_by_name(context.files.at("pairwise_means.tsv"));
  const std::string length = "Shortest Path Length";
  const ByBin real = lengths_by_bin(
      means, length, [](const auto& row) { return row.at("Namespace") == "biological_process"; });
  const ByBin random =
      lengths_by_bin(cells_by_name(context.files.at("random_analyses_bp_constrained_dag.tsv")),
                     length, [](const auto&) { return true; });
  expect_bins(cells_by_name(context.files.at("pairwise_bins_bp.tsv")), "constrained", real, random,
              false);
  EXPECT_EQ(cells_by_name(context.files.at("random_analyses_mf_entire_dag.tsv")).size(),
            40u * 39 / 2);
  EXPECT_EQ(cells_by_name(context.files.at("random_analyses_cc_constrained_dag.tsv")).size(),
            24u * 23 / 2);  // the table names no more of this namespace
  size_t split = 0;
  for (const char* scope : {"bp", "mf", "cc"})
    split +=
        cells_by_name(context.files.at(std::string("pairwise_analyses_") + scope + ".tsv")).size();
  EXPECT_EQ(split, 237u);
}
