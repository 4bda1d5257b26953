// go_enrichment: planted latents on real proteins, rules for gene sets, profiles, tables, refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/files.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"
#include "facet/ontology.h"
#include "fake_context.h"
#include "memory_codes.h"

using namespace facet;

namespace {

const std::string kObo = FACET_TEST_SOURCE "/experiments/data/go-basic.obo.zst";
const std::string kGaf = FACET_TEST_SOURCE "/experiments/data/goa_human.gaf.zst";

// 600 annotated human genes; latent 0 marks those with a term, latent 1 every third gene, latent 2
// nothing, latent 3 one gene.
struct World {
  std::vector<std::string> genes;
  std::vector<bool> has_term;
  Tensor dense;

  explicit World(const std::string& term = "GO:0005739") {
    const Ontology ontology = Ontology::read(kObo);
    const Annotations annotations = Annotations::read(kGaf, ontology);
    const Closure closure = ontology.ancestors();
    const int32_t wanted = *ontology.find(term);
    for (size_t g = 0; g < annotations.size() && genes.size() < 600; g += 30) {
      genes.push_back(annotations.genes()[g]);
      bool has = false;
      for (const int32_t direct : *annotations.terms(genes.back()))
        has = has || std::binary_search(closure.term.begin() + closure.start[direct],
                                        closure.term.begin() + closure.start[direct + 1], wanted);
      has_term.push_back(has);
    }
    dense = torch::zeros({static_cast<int64_t>(genes.size()), 4});
    for (size_t g = 0; g < genes.size(); ++g) {
      const auto row = static_cast<int64_t>(g);
      if (has_term[g]) dense[row][0] = 1.0f + static_cast<float>(g) / 1000;
      if (g % 3 == 0) dense[row][1] = 0.5f;
    }
    dense[7][3] = 2.0f;
  }

  MemoryCodes codes() const {
    std::vector<int64_t> sequence;
    std::vector<SequenceInfo> infos;
    for (size_t g = 0; g < genes.size(); ++g) {
      sequence.push_back(static_cast<int64_t>(g));
      infos.push_back({"sp|" + genes[g] + "|X", std::string(50 + g % 100, 'A'),
                       "protein " + std::to_string(g) + " OS=Homo sapiens (Human)"});
    }
    return {dense, sequence, std::vector<int32_t>(genes.size(), 0), infos, "mean"};
  }
};

const World& world() {
  static const World* all = new World;
  return *all;
}

Value::Table fields(Value::Table more = {}) {
  more["obo"] = kObo;
  more["gaf"] = kGaf;
  return more;
}

Report enrich(FakeContext& context, Value::Table more = {}, const World& of = world()) {
  const MemoryCodes codes = of.codes();
  context.stored = &codes;
  return run_analysis("go_enrichment", Value(fields(std::move(more))), context);
}

// Cells of a column in rows of latent `latent`.
std::vector<std::string> column(const FakeContext& context, const std::string& file,
                                const std::string& name, int64_t latent) {
  const Table table = parse_tsv(context.files.at(file), file);
  size_t at = 0;
  while (table.columns().at(at).name != name) ++at;
  std::vector<std::string> out;
  for (const auto& row : table.rows())
    if (*row[0].as<int64_t>() == latent)
      out.push_back(row[at].is<std::string>() ? *row[at].as<std::string>() : emit_json(row[at]));
  return out;
}

}  // namespace

TEST(GoEnrichment, finds_the_term_that_a_latent_marks) {
  FakeContext context;
  const Report report = enrich(context);
  EXPECT_EQ(column(context, "go_latents.tsv", "best_GO", 0),
            std::vector<std::string>{"GO:0005739"});
  EXPECT_EQ(column(context, "go_latents.tsv", "f1", 0), std::vector<std::string>{"1.0"});
  EXPECT_EQ(column(context, "go_latents.tsv", "auroc", 0), std::vector<std::string>{"1.0"});
  EXPECT_EQ(number(report, "genes"), 600);
  EXPECT_EQ(number(report, "live"), 3);
  EXPECT_EQ(number(report, "enriched"), 1);
  EXPECT_EQ(number(report, "enriched_permuted"), 0);
  EXPECT_NE(
      figure(report, "enriched")
          .definition.find(
              "two-sided Fisher test, bonferroni over the terms of each latent and namespace"),
      std::string::npos);
  const auto terms = column(context, "go_terms.tsv", "GO", 0);
  EXPECT_EQ(terms.front(), "GO:0005739");
  EXPECT_EQ(column(context, "go_terms.tsv", "enrichment", 0).front(), "e");
  EXPECT_TRUE(column(context, "go_terms.tsv", "GO", 2).empty());
}

TEST(GoEnrichment, writes_what_goatools_calls_its_columns) {
  FakeContext context;
  enrich(context, {{"permutations", 20}, {"correction", "fdr_bh"}});
  const std::string& text = context.files.at("go_terms.tsv");
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "latent\tGO\tNS\tenrichment\tname\tratio_in_study\tratio_in_pop\tfold_enrichment\t"
            "p_uncorrected\tdepth\tstudy_count\tp_fdr_bh\tp_permutation\tic\tf1\tauroc\t"
            "average_precision\tstudy_items");
  const auto drawn = column(context, "go_terms.tsv", "p_permutation", 0);
  EXPECT_NEAR(std::stod(drawn.front()), 1.0 / 21, 1e-15);
}

TEST(GoEnrichment, has_the_same_bytes_twice) {
  FakeContext one, two;
  enrich(one, {{"permutations", 5}});
  enrich(two, {{"permutations", 5}});
  EXPECT_EQ(one.files, two.files);
}

TEST(GoEnrichment, takes_genes_by_its_rules) {
  const auto genes_of = [](Value::Table rule) {
    FakeContext context;
    rule["permuted_baseline"] = false;
    enrich(context, rule);
    return column(context, "go_latents.tsv", "genes", 0).front() + " " +
           column(context, "go_latents.tsv", "genes", 1).front();
  };
  const auto marked = std::count(world().has_term.begin(), world().has_term.end(), true);
  EXPECT_EQ(genes_of({}), std::to_string(marked) + " 200");
  EXPECT_EQ(genes_of({{"set_rule", "top"}, {"top", 12}}), "12 12");
  EXPECT_EQ(genes_of({{"set_rule", "quantile"}, {"quantile", 0.95}}), "30 30");
  int64_t strong = 0;
  const float largest = world().dense.select(1, 0).max().item<float>();
  for (int64_t g = 0; g < 600; ++g) strong += world().dense[g][0].item<float>() >= 0.9f * largest;
  EXPECT_EQ(genes_of({{"set_rule", "fraction_of_max"}, {"fraction", 0.9}}),
            std::to_string(strong) + " 200");
}

TEST(GoEnrichment, has_the_profiles_of_others) {
  FakeContext cluster_profiler;
  const Report other = enrich(cluster_profiler, {{"profile", "clusterprofiler"}});
  EXPECT_NE(figure(other, "enriched")
                .definition.find(
                    "one-sided (enriched) Fisher test, fdr_bh over the terms of each latent and "
                    "namespace that it hits, alpha 0.05; population: annotated genes of each "
                    "namespace"),
            std::string::npos);
  // Of the 600 genes, those with a term of the namespace are the population.
  const std::string ratio = column(cluster_profiler, "go_terms.tsv", "ratio_in_pop", 0).front();
  EXPECT_LT(std::stoi(ratio.substr(ratio.find('/') + 1)), 600);

  FakeContext seed;
  enrich(seed, {{"profile", "rep_saes"}});
  const std::string& csv = seed.files.at("goe_per_feature.csv");
  EXPECT_EQ(csv.substr(0, csv.find('\n')), ",Feature,Term,Name,pvalues");
  EXPECT_NE(csv.find("0,0,GO:0005739,mitochondrion,"), std::string::npos);
  // All namespaces are corrected together, as the script does by asking for "bp".
  const auto p = column(seed, "go_terms.tsv", "p_bonferroni", 0);
  const auto raw = column(seed, "go_terms.tsv", "p_uncorrected", 0);
  const double tests = std::stod(column(seed, "go_latents.tsv", "tested", 0).front());
  EXPECT_NEAR(std::stod(p.front()) / (std::stod(raw.front()) * tests), 1, 1e-12);
}

TEST(GoEnrichment, looks_rows_up_as_the_published_script_does_when_told) {
  World mixed;
  MemoryCodes all = mixed.codes();
  std::vector<SequenceInfo> infos = all.sequences();
  for (size_t g = 0; g < infos.size(); g += 2)
    infos[g].description = "protein OS=Mus musculus (Mouse)";
  std::vector<int64_t> sequence(600);
  for (size_t g = 0; g < 600; ++g) sequence[g] = static_cast<int64_t>(g);
  const MemoryCodes codes(mixed.dense, sequence, std::vector<int32_t>(600, 0), infos, "mean");
  const auto best = [&](bool slip) {
    FakeContext context;
    context.stored = &codes;
    run_analysis(
        "go_enrichment",
        Value(fields({{"organism", "Human"}, {"row_slip", slip}, {"permuted_baseline", false}})),
        context);
    return column(context, "go_latents.tsv", "best_GO", 0).front();
  };
  EXPECT_EQ(best(false), "GO:0005739");
  EXPECT_NE(best(true), "GO:0005739");
}

TEST(GoEnrichment, counts_clusters_in_place_of_genes) {
  const TemporaryFolder folder;
  std::string lines;
  for (size_t g = 0; g < world().genes.size(); ++g)
    lines += world().genes[g / 2 * 2] + "\t" + world().genes[g] + "\n";
  FakeContext context;
  enrich(context, {{"clusters", folder.write("clusters.tsv", lines).string()}});
  const std::string ratio = column(context, "go_terms.tsv", "ratio_in_pop", 0).front();
  EXPECT_EQ(ratio.substr(ratio.find('/')), "/300");
}

TEST(GoEnrichment, refuses_in_words) {
  FakeContext context;
  const auto refusal = [&](Value::Table more) {
    return refusal_of([&] { enrich(context, std::move(more)); });
  };
  EXPECT_EQ(refusal({{"elim", true}}),
            "go_enrichment.elim: finds enriched terms, should be with direction = \"enriched\"");
  EXPECT_EQ(refusal({{"elim", true}, {"direction", "enriched"}, {"scope", "global"}}),
            "go_enrichment.elim: corrects within a latent, not scope = \"global\"");
  EXPECT_EQ(refusal({{"elim", true}, {"direction", "enriched"}, {"propagate", false}}),
            "go_enrichment.elim: takes genes from terms above, should be with propagate");
  EXPECT_EQ(refusal({{"scope", "global"}, {"population", "annotated"}}),
            "go_enrichment.scope: \"global\" is over one population, should be with population = "
            "\"rows\"");
  EXPECT_EQ(refusal({{"namespaces", Value::Array{"BP", "PP"}}}),
            "go_enrichment.namespaces: has \"PP\", should be of BP, MF, CC");
  EXPECT_EQ(refusal({{"organism", "Mouse"}}),
            "go_enrichment.organism: no row is of \"Mouse\" (descriptions say it after OS=)");
  const TemporaryFolder folder;
  const std::string clusters = folder.write("clusters.tsv", "A\tB\nC\tB\n").string();
  EXPECT_EQ(refusal({{"clusters", clusters}}),
            clusters + ":2: B stands in a second cluster, should be in one");
  const std::string one = folder.write("one.tsv", "A B\n").string();
  EXPECT_EQ(refusal({{"clusters", one}}),
            one + ":1: is \"A B\", should be a cluster, a tab and a gene");
  const std::string none = folder.write("none.tsv", "").string();
  EXPECT_EQ(refusal({{"clusters", none}}),
            none + ": is empty, should be a cluster and a gene a line");

  const MemoryCodes strangers(torch::ones({2, 1}), {0, 1}, {0, 0},
                              {{"x1", "MK", ""}, {"x2", "MK", ""}}, "mean");
  context.stored = &strangers;
  EXPECT_EQ(refusal_of([&] { run_analysis("go_enrichment", Value(fields()), context); }),
            "go_enrichment.gaf: 0 of 2 genes have terms (0.0 %); 2 are not in the file (x1, x2), "
            "should be a file for these genes");
  const MemoryCodes made(torch::ones({2, 1}), {0, 1}, {0, 0}, {});
  context.stored = &made;
  EXPECT_EQ(refusal_of([&] { run_analysis("go_enrichment", Value(fields()), context); }),
            "go_enrichment: these rows are of a known dictionary, should be of sequences");
}
