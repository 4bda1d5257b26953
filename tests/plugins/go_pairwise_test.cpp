// GO pairwise on a small ontology: distances, tables of terms, baselines, figures and refusals.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "expect_refusal.h"
#include "fake_context.h"

using namespace facet;

namespace {

namespace fs = std::filesystem;

std::string go_id(int number) {
  std::string digits = std::to_string(number);
  return "GO:" + std::string(7 - digits.size(), '0') + digits;
}

std::string stanza(int number, const std::vector<int>& parents, const std::string& space = "",
                   const std::string& more = "") {
  std::string out = "\n[Term]\nid: " + go_id(number) + "\nname: term " + std::to_string(number) +
                    "\nnamespace: " + (space.empty() ? "biological_process" : space) + "\n" + more;
  for (const int parent : parents) out += "is_a: " + go_id(parent) + " ! parent\n";
  return out;
}

// 1 is the root; 4 and 5 stand below both 2 and 3; 12 and 14 are two below it, on two sides, and
// have the child 15; 8 stands alone.
std::string small_obo() {
  return "format-version: 1.2\ndata-version: releases/small\n" + stanza(1, {}) + stanza(2, {1}) +
         stanza(3, {1}) + stanza(4, {2, 3}) + stanza(5, {2, 3}) +
         stanza(6, {2}, "", "alt_id: GO:0000099\n") + stanza(8, {}) + stanza(11, {1}) +
         stanza(12, {11}) + stanza(13, {1}) + stanza(14, {13}) + stanza(15, {12, 14}) +
         stanza(20, {}, "molecular_function") + stanza(21, {20}, "molecular_function") +
         stanza(22, {20}, "molecular_function") +
         stanza(30, {}, "biological_process", "is_obsolete: true\n");
}

// Files that vanish with the test.
class PairwiseFiles {
 public:
  PairwiseFiles()
      : folder_(fs::temp_directory_path() / ("facet_go_pairwise_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    obo = add("small.obo", small_obo());
  }
  ~PairwiseFiles() { fs::remove_all(folder_); }
  std::string add(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string folder() const { return folder_.string(); }
  std::string obo;

 private:
  fs::path folder_;
};

class NoticeSink : public EventSink {
 public:
  void emit(const Event& event) override {
    if (event.level == Level::info || event.level == Level::warning)
      notices.push_back(event.fields.text("message"));
  }
  std::vector<std::string> notices;
};

class PairwiseContext : public FakeContext {
 public:
  NoticeSink said;
  EventSink& events() override { return said; }
};

// go_terms.tsv with (latent, term, p).
std::string go_terms(const std::vector<std::tuple<int, int, std::string>>& rows) {
  std::string out = "latent\tGO\tname\tp_uncorrected\tp_fdr_bh\n";
  for (const auto& [latent, term, p] : rows)
    out += std::to_string(latent) + "\t" + go_id(term) + "\tany\t1e-300\t" + p + "\n";
  return out;
}

Report run_pairwise(const PairwiseFiles& files, PairwiseContext& context,
                    Value params = Value(Value::Table())) {
  params.set("obo", files.obo);
  return run_analysis("go_pairwise", params, context);
}

std::vector<std::string> column_of(const Table& table, const std::string& name) {
  std::vector<std::string> out;
  for (size_t i = 0; i < table.columns().size(); ++i)
    if (table.columns()[i].name == name)
      for (const auto& row : table.rows()) out.push_back(for_eyes(row[i]));
  return out;
}

Table all_pairs(const PairwiseContext& context) {
  return parse_tsv(context.files.at("pairwise_all.tsv"), "pairwise_all.tsv");
}

using Strings = std::vector<std::string>;

}  // namespace

TEST(GoPairwise, lists_all_lowest_common_ancestors_and_takes_the_smallest_id) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] = go_terms({{7, 5, "0.0001"}, {7, 4, "0"}});
  run_pairwise(files, context);
  const Table pairs = all_pairs(context);
  EXPECT_EQ(column_of(pairs, "Term 1"), Strings{go_id(5)});
  EXPECT_EQ(column_of(pairs, "LCA candidates"), Strings{go_id(2) + "|" + go_id(3)});
  EXPECT_EQ(column_of(pairs, "LCA"), Strings{go_id(2)});
  EXPECT_EQ(column_of(pairs, "LCA Depth"), Strings{"1"});
  EXPECT_EQ(column_of(pairs, "Shortest Path Edges"), Strings{"2"});
  EXPECT_EQ(column_of(pairs, "Harmonic pvalue"), Strings{for_eyes(2 / (1.0 / 4 + 1.0 / 50))});
}

TEST(GoPairwise, goes_through_a_common_child_where_that_is_shorter) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] = go_terms({{0, 14, "0.01"}, {0, 12, "0.01"}, {0, 11, "0.01"}});
  run_pairwise(files, context);
  const Table pairs = all_pairs(context);
  EXPECT_EQ(column_of(pairs, "Shortest Path Edges"), (Strings{"2", "3", "1"}));
  EXPECT_EQ(column_of(pairs, "SPL via LCA Edges"), (Strings{"4", "3", "1"}));
  EXPECT_EQ(column_of(pairs, "1 to LCA dist"), (Strings{"3", "3", "2"}));  // terms, ends included
  EXPECT_EQ(column_of(pairs, "2 to LCA dist"), (Strings{"3", "2", "1"}));

  PairwiseContext seed;
  seed.files = context.files;
  run_pairwise(files, seed, Value::Table{{"form", "rep_saes"}});
  EXPECT_EQ(column_of(all_pairs(seed), "Shortest Path")[0],
            go_id(14) + "|" + go_id(15) + "|" + go_id(12));
}

TEST(GoPairwise, counts_what_it_leaves_out) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] = go_terms({{3, 2, "0.01"},
                                            {3, 77, "0.01"},
                                            {3, 30, "0.01"},
                                            {3, 4, "0.05"},
                                            {3, 6, "0.02"},
                                            {3, 99, "0.001"},
                                            {3, 8, "0.01"},
                                            {3, 21, "0.01"}});
  const Report report = run_pairwise(files, context);
  EXPECT_EQ(context.said.notices,
            (Strings{"table of terms: terms that the OBO file has not: 1 left out (such as "
                     "GO:0000077 of latent 3)",
                     "table of terms: terms that are obsolete in the OBO file: 1 left out (such as "
                     "GO:0000030 of latent 3)",
                     "table of terms: terms whose p is not below alpha: 1 left out (such as "
                     "GO:0000004 of latent 3)",
                     "table of terms: terms that stand twice for their latent: 1 left out (such as "
                     "GO:0000099 of latent 3)",
                     "2 pairs of a latent's terms and 14 of random terms left out: is_a gives them "
                     "no path or no common ancestor"}));
  EXPECT_EQ(number(report, "unknown_terms"), 2);
  EXPECT_EQ(number(report, "pairs"), 1);
  const Table pairs = all_pairs(context);
  EXPECT_EQ(column_of(pairs, "Term 2"), Strings{go_id(6)});  // of 0.02 and 0.001 the smaller
  EXPECT_EQ(column_of(pairs, "Harmonic pvalue"), Strings{for_eyes(2 / (1.0 / 2 + 1.0 / 3))});
}

TEST(GoPairwise, pairs_the_terms_of_smallest_p_in_their_order) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] =
      go_terms({{0, 2, "0.02"}, {0, 3, "0.01"}, {0, 4, "0.02"}, {0, 5, "0.001"}});
  run_pairwise(files, context, Value::Table{{"max_terms", 3}});
  EXPECT_EQ(column_of(all_pairs(context), "Term 1"), (Strings{go_id(2), go_id(2), go_id(3)}));
  EXPECT_EQ(column_of(all_pairs(context), "Term 2"), (Strings{go_id(3), go_id(5), go_id(5)}));
  EXPECT_EQ(context.said.notices[0],
            "table of terms: terms beyond max_terms: 1 left out (such as GO:0000004 of latent 0)");

  PairwiseContext seed;
  seed.files = context.files;
  Value::Array many;
  run_pairwise(files, seed, Value::Table{{"form", "rep_saes"}});
  EXPECT_EQ(all_pairs(seed).rows().size(), 6u);
}

TEST(GoPairwise, leaves_purified_terms_to_the_form_of_rep_saes) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] =
      "latent\tGO\tenrichment\tp_uncorrected\tp_holm\n0\tGO:0000002\te\t0\t0.01\n"
      "0\tGO:0000003\tp\t0\t0.01\n0\tGO:0000004\te\t0\t0.01\n";
  run_pairwise(files, context, Value::Table());
  EXPECT_EQ(column_of(all_pairs(context), "Term 2"), Strings{go_id(4)});
  EXPECT_EQ(context.said.notices[0],
            "table of terms: terms that are purified, not enriched: 1 left out (such as GO:0000003 "
            "of latent 0)");
  PairwiseContext seed;
  seed.files = context.files;
  run_pairwise(files, seed, Value::Table{{"form", "rep_saes"}});
  EXPECT_EQ(all_pairs(seed).rows().size(), 3u);
}

TEST(GoPairwise, reads_the_tables_that_rep_saes_writes) {
  PairwiseFiles files;
  const std::string head = ",Feature,Term,Name,pvalues\n";
  const std::string one =
      head + "0,12,GO:0000002,\"a, \"\"b\"\"\",1.5e-05\r\n1,12,GO:0000003,b,0.0\n";
  const std::string other = head + "0,9,GO:0000004,x,1e-400\n1,9,GO:0000005,y,2.5E-03\n";
  files.add("goe/feature12_goe.csv", one);
  files.add("goe/feature9_goe.csv", other);
  files.add("goe/feature3_goe.csv", head);
  files.add("goe/notes.txt", "no table");
  PairwiseContext context;
  run_pairwise(files, context, Value::Table{{"terms", files.folder() + "/goe"}});
  EXPECT_EQ(column_of(all_pairs(context), "Feature"), (Strings{"9", "12"}));
  EXPECT_EQ(column_of(all_pairs(context), "Harmonic pvalue")[0],
            for_eyes(2 / (1 / 50.0 + 1 / -std::log10(2.5e-3))));

  PairwiseContext alone;
  run_pairwise(files, alone, Value::Table{{"terms", files.folder() + "/goe/feature12_goe.csv"}});
  EXPECT_EQ(column_of(all_pairs(alone), "Term 1"), Strings{go_id(2)});
}

TEST(GoPairwise, refuses_tables_it_cannot_read) {
  PairwiseFiles files;
  const auto refusal = [&](const std::string& text) {
    PairwiseContext context;
    context.files["go_terms.tsv"] = text;
    return refusal_of([&] { run_pairwise(files, context); });
  };
  EXPECT_EQ(refusal(""), "go_terms.tsv: empty, should start with a line of column names");
  EXPECT_EQ(refusal("Feature\tp_uncorrected\n"),
            "go_terms.tsv:1: no column \"GO\" (or \"Term\")\n"
            "go_terms.tsv:1: no column of a corrected p (\"p_bonferroni\", \"p_fdr_bh\", ... or "
            "\"pvalues\")");
  EXPECT_EQ(refusal("GO\tp_holm\n"), "go_terms.tsv:1: no column \"latent\" (or \"Feature\")");
  EXPECT_EQ(refusal("latent\tGO\tp_holm\n1\tGO:0000002\n-1\tGO:0000002\t0.1\n1\tGO:0000002\t1.5\n"
                    "1\tGO:0000002\tnan\n1\tGO:0000002\t\n"),
            "go_terms.tsv:2: 2 cells, should be 3\n"
            "go_terms.tsv:3: latent: is \"-1\", should be a whole number from 0\n"
            "go_terms.tsv:4: p: is \"1.5\", should be a number between 0 and 1\n"
            "go_terms.tsv:5: p: is \"nan\", should be a number between 0 and 1\n"
            "go_terms.tsv:6: p: is \"\", should be a number between 0 and 1");

  PairwiseContext nothing;
  EXPECT_EQ(refusal_of([&] {
              run_pairwise(files, nothing, Value::Table{{"of", "goe"}});
            }),
            "go_pairwise.terms: not given, and the analysis \"goe\" wrote no go_terms.tsv for this "
            "SAE earlier in this run: analyse with it first, or name a table");
  files.add("none/readme.txt", "");
  EXPECT_EQ(refusal_of([&] {
              run_pairwise(files, nothing, Value::Table{{"terms", files.folder() + "/none"}});
            }),
            files.folder() + "/none: no file feature0_goe.csv, feature1_goe.csv, ... in it");
}

TEST(GoPairwise, has_figures_over_latents_beside_random_pairs) {
  PairwiseFiles files;
  PairwiseContext context;
  // Latent 0: 2-6 one edge at depth 1, and 21-22 two edges at depth 0; latent 1: 4-5.
  context.files["go_terms.tsv"] = go_terms({{0, 2, "0.01"},
                                            {0, 6, "0.01"},
                                            {0, 21, "0.01"},
                                            {0, 22, "0.01"},
                                            {1, 4, "0.01"},
                                            {1, 5, "0.01"},
                                            {2, 3, "0.01"}});
  const Report report = run_pairwise(files, context);
  EXPECT_EQ(number(report, "latents"), 2);
  EXPECT_EQ(number(report, "pairs"), 3);
  EXPECT_EQ(number(report, "mean_spl_edges"), (1.5 + 2) / 2);
  EXPECT_EQ(number(report, "mean_lca_depth"), (0.5 + 1) / 2);
  EXPECT_EQ(number(report, "mean_spl_edges_bp"), 1.5);
  EXPECT_EQ(number(report, "mean_spl_edges_mf"), 2);
  for (const Figure& one : report.values) EXPECT_FALSE(one.name.ends_with("_cc")) << one.name;

  // The constrained baseline draws from the table's terms: 2, 3, 4, 5 and 6, and 21 and 22.
  const double bp = (2 + 1 + 1 + 1 + 1 + 1 + 3 + 2 + 2 + 2) / 10.0;
  const Figure& length = figure(report, "mean_spl_edges");
  ASSERT_EQ(length.baselines.size(), 2u);
  EXPECT_EQ(length.baselines[0].first, "random_constrained");
  EXPECT_DOUBLE_EQ(*length.baselines[0].second.as<double>(), ((bp + 2) / 2 + bp) / 2);
  ASSERT_TRUE(length.interval);
  EXPECT_EQ(length.interval->definition, "95 %, percentile bootstrap over latents, 1000 resamples");
  EXPECT_EQ(length.interval->low, 1.5);
  EXPECT_EQ(length.interval->high, 2);
  for (const Figure& one : report.values) EXPECT_FALSE(one.definition.empty()) << one.name;

  PairwiseContext seed;
  seed.files = context.files;
  const Report nodes = run_pairwise(files, seed, Value::Table{{"form", "rep_saes"}});
  EXPECT_EQ(number(nodes, "mean_spl_nodes"), (2.5 + 3) / 2);
  EXPECT_DOUBLE_EQ(*figure(nodes, "mean_spl_nodes").baselines[0].second.as<double>(),
                   (10 * bp + 10 + 3) / 11);  // each random pair by itself
}

TEST(GoPairwise, draws_the_constrained_baseline_from_annotations) {
  PairwiseFiles files;
  std::string gaf = "!gaf-version: 2.2\n";
  for (const int term : {4, 5, 6, 6, 22})
    gaf += "UniProtKB\tP" + std::to_string(10000 + term) + "\tX\tenables\t" + go_id(term) +
           "\tPMID:1\tIDA\t\tP\t\t\tprotein\ttaxon:9606\t20220101\tUniProt\t\t\n";
  PairwiseContext context;
  context.files["go_terms.tsv"] = go_terms({{0, 2, "0.01"}, {0, 3, "0.01"}});
  run_pairwise(files, context, Value::Table{{"gaf", files.add("a.gaf", gaf)}});
  const Table random = parse_tsv(context.files.at("pairwise_random.tsv"), "random");
  const Strings baseline = column_of(random, "Baseline"), one = column_of(random, "Term 1"),
                other = column_of(random, "Term 2");
  std::set<std::string> pairs;
  for (size_t i = 0; i < baseline.size(); ++i)
    if (baseline[i] == "constrained")
      pairs.insert(std::min(one[i], other[i]) + std::max(one[i], other[i]));
  EXPECT_EQ(pairs,
            (std::set<std::string>{go_id(4) + go_id(5), go_id(4) + go_id(6), go_id(5) + go_id(6)}));
  EXPECT_NE(random.columns()[0].name, "");
  EXPECT_NE(context.tables.at("pairwise_random.tsv").columns()[0].definition.find("the GAF file"),
            std::string::npos);
}

TEST(GoPairwise, is_the_same_at_any_number_of_threads) {
  PairwiseFiles files;
  std::string chain = small_obo();
  for (int term = 100; term < 900; ++term)
    chain += stanza(term, {term < 102 ? 1 : term / 2 + 50, term % 7 == 0 ? 2 : 3});
  files.add("small.obo", chain);
  std::vector<std::tuple<int, int, std::string>> rows;
  for (int i = 0; i < 300; ++i) rows.emplace_back(i % 11, 100 + (i * 37) % 800, "0.001");
  const auto run_with = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    PairwiseContext context;
    context.files["go_terms.tsv"] = go_terms(rows);
    run_pairwise(files, context, Value::Table{{"form", "rep_saes"}});
    at::set_num_threads(before);
    return context.files;
  };
  EXPECT_EQ(run_with(1), run_with(3));
}

TEST(GoPairwise, draws_latents_as_points_and_paths_as_boxes) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] = go_terms({{0, 2, "0.01"}, {0, 6, "0.01"}, {0, 5, "0.01"}});
  const Report report = run_pairwise(files, context);
  Strings names;
  for (const Plot& plot : report.plots) names.push_back(plot.name);
  EXPECT_EQ(names, (Strings{"pairwise_scatter_all", "pairwise_boxes_all", "pairwise_scatter_bp",
                            "pairwise_boxes_bp", "pairwise_scatter_mf", "pairwise_boxes_mf",
                            "pairwise_scatter_cc", "pairwise_boxes_cc"}));
  const Plot& scatter = report.plots[0];
  EXPECT_EQ(scatter.mark, Mark::points);
  EXPECT_TRUE(scatter.margins);
  EXPECT_EQ(scatter.series[0].x, std::vector<double>{1});
  EXPECT_EQ(scatter.series[0].y, std::vector<double>{4.0 / 3});
  const Plot& boxes = report.plots[1];
  EXPECT_EQ(boxes.mark, Mark::boxes);
  ASSERT_EQ(boxes.series.size(), 3u);
  EXPECT_EQ(boxes.series[1].name, "random, constrained");
  EXPECT_EQ(boxes.series[0].x, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(boxes.series[0].y, (std::vector<double>{1, 1, 2}));
  EXPECT_NE(boxes.title.find("pairwise_bins_all.tsv"), std::string::npos);
}

TEST(GoPairwise, says_so_when_no_latent_has_two_terms) {
  PairwiseFiles files;
  PairwiseContext context;
  context.files["go_terms.tsv"] = go_terms({{0, 2, "0.01"}, {1, 2, "0.01"}});
  const Report report = run_pairwise(files, context);
  EXPECT_EQ(number(report, "latents"), 0);
  EXPECT_EQ(number(report, "pairs"), 0);
  EXPECT_EQ(report.values.size(), 3u);
  EXPECT_TRUE(all_pairs(context).rows().empty());
}

TEST(GoPairwise, needs_nothing_but_its_files) {
  PairwiseContext context;
  EXPECT_EQ(refusal_of([&] { run_analysis("go_pairwise", Value(Value::Table()), context); }),
            "go_pairwise.obo: required");
  EXPECT_EQ(refusal_of([&] {
              run_analysis("go_pairwise", Value::Table{{"obo", "/"}, {"form", "seed"}}, context);
            }),
            "go_pairwise.form: string \"seed\", must be one of \"corrected\", \"rep_saes\"");
}
