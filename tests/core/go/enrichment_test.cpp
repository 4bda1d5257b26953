// Enrichment on small and made-up sets: what is found, what chance gives, and the same bytes
// always.
#include "facet/enrichment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "expect_refusal.h"
#include "facet/value.h"
#include "small_ontology.h"

namespace facet {
namespace {

const std::string kHumanData = FACET_TEST_SOURCE "/experiments/data/";

// The human annotation, over all genes that have one.
struct Human {
  Ontology ontology = Ontology::read(kHumanData + "go-basic.obo.zst");
  Annotations annotations = Annotations::read(kHumanData + "goa_human.gaf.zst", ontology);
  Closure closure = ontology.ancestors();
  Population population = make_population(annotations.genes(), annotations, ontology, &closure);

  std::vector<int32_t> with(const std::string& id) const {
    std::vector<int32_t> out;
    const int32_t term = *ontology.find(id);
    for (size_t u = 0; u < population.units.size(); ++u)
      if (std::binary_search(population.term.begin() + population.start[u],
                             population.term.begin() + population.start[u + 1], term))
        out.push_back(static_cast<int32_t>(u));
    return out;
  }
};

const Human& human() {
  static const Human* all = new Human;
  return *all;
}

// `hits` units of a term and as many others at random.
std::vector<int32_t> planted(const std::string& term, size_t size, Rng& rng) {
  std::vector<int32_t> members = human().with(term), out;
  const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(members.size()));
  for (size_t i = 0; i < std::min(size, members.size()); ++i)
    out.push_back(members[static_cast<size_t>(order[i])]);
  while (out.size() < 2 * size)
    out.push_back(
        static_cast<int32_t>(rng.below(static_cast<uint64_t>(human().population.size()))));
  return out;
}

UnitSets random_sets(int64_t sets, int64_t units, int64_t most, uint64_t seed) {
  Rng rng(seed, "random sets");
  UnitSets out;
  for (int64_t s = 0; s < sets; ++s) {
    std::vector<int32_t> set;
    const auto size = static_cast<int64_t>(rng.below(static_cast<uint64_t>(most)));
    for (int64_t i = 0; i < size; ++i)
      set.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(units))));
    out.add(std::move(set));
  }
  return out;
}

std::string text_of(const std::vector<SetResult>& results) {
  std::string out;
  for (const SetResult& result : results) {
    out += std::to_string(result.n) + "/" + std::to_string(result.tested) + ":";
    for (const TermTest& row : result.rows) {
      char line[200];
      std::snprintf(line, sizeof line, " %d %ld %ld %ld %a %a %a", row.term, row.k, row.n, row.K,
                    row.p, row.corrected.front(), row.p_permutation);
      out += line;
    }
    out += "\n";
  }
  return out;
}

}  // namespace

TEST(Enrichment, finds_planted_sets_of_5_50_and_500_genes) {
  Rng rng(1, "planted");
  const std::vector<std::pair<std::string, size_t>> cases = {
      {"GO:0006298", 5}, {"GO:0006412", 50}, {"GO:0005739", 500}};
  UnitSets sets;
  for (const auto& [term, size] : cases) sets.add(planted(term, size, rng));
  EnrichmentHow how;
  const auto results =
      enrichment(human().ontology, human().population, sets, how, Keep::significant);
  for (size_t s = 0; s < cases.size(); ++s) {
    const int32_t term = *human().ontology.find(cases[s].first);
    const bool found =
        std::any_of(results[s].rows.begin(), results[s].rows.end(),
                    [&](const TermTest& row) { return row.term == term && row.enriched(); });
    EXPECT_TRUE(found) << cases[s].first;
  }
}

TEST(Enrichment, gives_chance_no_more_than_its_rate) {
  const UnitSets sets = random_sets(400, human().population.size(), 200, 5);
  EnrichmentHow how;  // bonferroni over the terms of a set: at most alpha of the sets by chance
  const auto results =
      enrichment(human().ontology, human().population, sets, how, Keep::significant);
  const auto with_a_term = std::count_if(results.begin(), results.end(),
                                         [](const SetResult& r) { return !r.rows.empty(); });
  EXPECT_LE(with_a_term, 32);  // 0.05 * 400 and three standard deviations
}

TEST(Enrichment, is_the_same_at_any_thread_count) {
  UnitSets sets = random_sets(120, human().population.size(), 100, 2);
  Rng rng(2, "planted");
  sets.add(planted("GO:0006412", 50, rng));
  for (const Scope scope : {Scope::set, Scope::aspect, Scope::global}) {
    EnrichmentHow how;
    how.scope = scope;
    how.methods = {"fdr_bh"};
    how.alpha = 0.5;
    how.permutations = scope == Scope::set ? 3 : 0;
    how.threads = 1;
    const std::string one =
        text_of(enrichment(human().ontology, human().population, sets, how, Keep::significant));
    how.threads = 2;
    EXPECT_EQ(one, text_of(enrichment(human().ontology, human().population, sets, how,
                                      Keep::significant)));
    how.threads = 5;
    EXPECT_EQ(one, text_of(enrichment(human().ontology, human().population, sets, how,
                                      Keep::significant)));
    EXPECT_NE(one.find("0x"), std::string::npos);
  }
}

TEST(Enrichment, keeps_what_keep_all_and_the_significant_have_in_common) {
  const UnitSets sets = random_sets(6, human().population.size(), 60, 3);
  for (const Scope scope : {Scope::set, Scope::aspect, Scope::global}) {
    EnrichmentHow how;
    how.scope = scope;
    how.methods = {"fdr_bh"};
    how.alpha = 0.6;
    auto all = enrichment(human().ontology, human().population, sets, how, Keep::all);
    for (SetResult& result : all) {
      if (result.n > 0) EXPECT_EQ(static_cast<int64_t>(result.rows.size()), result.tested);
      std::erase_if(result.rows, [](const TermTest& row) { return row.corrected[0] >= 0.6; });
    }
    const auto kept =
        enrichment(human().ontology, human().population, sets, how, Keep::significant);
    EXPECT_EQ(text_of(all), text_of(kept));
  }
}

TEST(Enrichment, corrects_over_all_sets_when_the_scope_is_global) {
  const UnitSets sets = random_sets(5, human().population.size(), 60, 4);
  EnrichmentHow how;
  how.scope = Scope::global;
  how.methods = {"sm_bonferroni"};
  const auto results = enrichment(human().ontology, human().population, sets, how, Keep::all);
  int64_t tests = 0;
  for (const SetResult& result : results) tests += result.tested;
  for (const SetResult& result : results)
    for (const TermTest& row : result.rows)
      EXPECT_DOUBLE_EQ(row.corrected[0], std::min(1.0, row.p * static_cast<double>(tests)));
}

TEST(Enrichment, ranks_a_term_against_random_sets_of_the_same_strata) {
  Rng rng(9, "draws");
  UnitSets sets;
  sets.add(planted("GO:0006281", 20, rng));
  sets.add(random_sets(1, human().population.size(), 40, 8).unit);
  EnrichmentHow how;
  how.methods = {"fdr"};
  how.permutations = 99;
  for (int64_t u = 0; u < human().population.size(); ++u)
    how.stratum.push_back(static_cast<int32_t>(u % 4));
  const auto results = enrichment(human().ontology, human().population, sets, how, Keep::hit);
  EXPECT_DOUBLE_EQ(results[0].rows.front().p_permutation, 0.01);
  EXPECT_DOUBLE_EQ(results[0].rows.front().corrected[0], 0.0);  // goatools' fdr: none below
  EXPECT_DOUBLE_EQ(results[0].rows.back().p_permutation, 1.0);
  double smallest = 1;
  for (const TermTest& row : results[1].rows) smallest = std::min(smallest, row.p_permutation);
  EXPECT_GT(smallest, 0.02);
}

TEST(Enrichment, follows_a_worked_example_of_elim) {
  const Value golden = parse_json(read_file(FACET_TEST_DATA "/go/elim.json"), "elim.json");
  const Value& input = golden.at("input");
  std::string obo, gaf;
  const TemporaryFolder folder;
  std::map<std::string, std::string> id_of;
  for (const auto& [name, parents] : input.table("parents"))
    id_of[name] = "GO:000000" + std::to_string(id_of.size() + 1);
  for (const auto& [name, parents] : input.table("parents")) {
    std::string is_a;
    for (const Value& parent : *parents.as<Value::Array>())
      is_a += "is_a: " + id_of[*parent.as<std::string>()] + "\n";
    obo += obo_term(id_of[name].substr(3), name, is_a);
  }
  for (const auto& [name, genes] : input.table("annotation"))
    for (const Value& gene : *genes.as<Value::Array>())
      gaf += gaf_line(*gene.as<std::string>(), id_of[name]);
  const Ontology ontology = Ontology::read(folder.write("elim.obo", obo));
  const Annotations annotations = Annotations::read(folder.write("elim.gaf", gaf), ontology);
  std::vector<std::string> genes;
  for (int64_t g = 0; g < input.integer("n_genes"); ++g)
    genes.push_back((g < 10 ? "g0" : "g") + std::to_string(g));
  const Closure closure = ontology.ancestors();
  const Population population = make_population(genes, annotations, ontology, &closure);
  UnitSets sets;
  std::vector<int32_t> study;
  for (const Value& gene : input.array("study"))
    study.push_back(static_cast<int32_t>(std::stoi(gene.as<std::string>()->substr(1))));
  sets.add(std::move(study));

  EnrichmentHow how;
  how.tail = Tail::greater;
  how.elim = true;
  how.elim_cutoff = input.number("cutoff");
  const auto results = enrichment(ontology, population, sets, how, Keep::all);
  std::map<std::string, const TermTest*> by_name;
  for (const TermTest& row : results[0].rows) by_name[ontology.term(row.term).name] = &row;
  size_t scored = 0;
  for (const Value& step : golden.array("steps")) {
    if (step.integer("study_hits") == 0) continue;
    ++scored;
    const TermTest& row = *by_name.at(step.text("term"));
    EXPECT_EQ(row.K, step.integer("remaining"));
    EXPECT_EQ(row.k, step.integer("remaining_hits"));
    EXPECT_NEAR(row.p, step.number("elim_p"), 1e-12 * step.number("elim_p")) << step.text("term");
  }
  EXPECT_EQ(results[0].rows.size(), scored);
}

TEST(Enrichment, counts_clusters_once) {
  const TemporaryFolder folder;
  const Ontology ontology = small_ontology(folder);
  const Annotations annotations = Annotations::read(
      folder.write("a.gaf", gaf_line("A", "GO:0000002") + gaf_line("B", "GO:0000003") +
                                gaf_line("C", "GO:0000001")),
      ontology);
  const Closure closure = ontology.ancestors();
  const Population by_cluster = make_population(
      {"A", "B", "C", "D"}, annotations, ontology, &closure,
      [](const std::string& gene) { return gene == "C" || gene == "D" ? gene : "family"; });
  EXPECT_EQ(by_cluster.units, (std::vector<std::string>{"C", "D", "family"}));
  const auto with = [&](const char* id) {
    return by_cluster.unit_count[static_cast<size_t>(*ontology.find(id))];
  };
  EXPECT_EQ(with("GO:0000003"), 1);
  EXPECT_EQ(with("GO:0000002"), 1);
  EXPECT_EQ(with("GO:0000001"), 2);
  EXPECT_EQ(by_cluster.annotated(ontology, Aspect::process).units,
            (std::vector<std::string>{"C", "family"}));
  EXPECT_EQ(by_cluster.annotated(ontology, Aspect::function).size(), 0);
}

TEST(Enrichment, permutes_labels_within_strata) {
  UnitSets sets;
  sets.add({0, 1, 2, 3});
  sets.add({4, 5});
  Rng rng(3, "permuted");
  const UnitSets moved = permuted(sets, 100, std::vector<int32_t>(100, 0), rng);
  EXPECT_EQ(moved.start, sets.start);
  EXPECT_NE(moved.unit, sets.unit);
  std::vector<int32_t> halves(100);
  for (size_t u = 0; u < 100; ++u) halves[u] = u < 4 ? 0 : 1;
  const UnitSets within = permuted(sets, 100, halves, rng);
  EXPECT_EQ(std::vector<int32_t>(within.unit.begin(), within.unit.begin() + 4),
            (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST(Enrichment, refuses_what_does_not_go_together) {
  const UnitSets sets = random_sets(1, human().population.size(), 10, 1);
  const auto refusal = [&](const EnrichmentHow& how) {
    return refusal_of(
        [&] { enrichment(human().ontology, human().population, sets, how, Keep::hit); });
  };
  EnrichmentHow elim;
  elim.elim = true;
  EXPECT_EQ(refusal(elim),
            "elim looks for terms that are enriched, should be with direction = \"enriched\"");
  elim.tail = Tail::greater;
  elim.scope = Scope::global;
  EXPECT_EQ(refusal(elim), "elim corrects within a set, should be without scope = \"global\"");
  EnrichmentHow method;
  method.methods = {"fdr_bhh"};
  EXPECT_NE(refusal(method).find("\"fdr_bhh\""), std::string::npos);
}

}  // namespace facet
