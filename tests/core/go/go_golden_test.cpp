// Every number of goatools' own tables: six studies, with and without propagation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/files.h"
#include "data/text_lines.h"
#include "facet/enrichment.h"
#include "facet/value.h"

namespace facet {
namespace {

const std::string kGolden = FACET_TEST_DATA "/go/";
const std::string kData = FACET_TEST_SOURCE "/experiments/data/";
constexpr double kPRelative = 1e-8;  // golden.json, tolerance.p_rel
constexpr double kPAbsolute = 1e-300;

using Cells = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> out;
  for (size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = line.find('\t', begin);
    out.push_back(line.substr(begin, end - begin));
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> out;
  TextLines lines(file);
  for (std::string line; lines.next(line);) out.push_back(line);
  return out;
}

std::map<std::string, Cells> golden_rows(const std::string& file) {
  const std::vector<std::string> lines = lines_of(file);
  const std::vector<std::string> head = split(lines.front());
  std::map<std::string, Cells> out;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = split(lines[i]);
    Cells& row = out[cells.front()];
    for (size_t c = 0; c < head.size(); ++c) row[head[c]] = cells[c];
  }
  return out;
}

bool close(double is, double should) {
  return std::abs(is - should) <= kPRelative * std::abs(should) + kPAbsolute;
}

// Columns of the golden tables and the methods they are of.
const std::map<std::string, std::string> kOwnScope = {{"p_bonferroni", "bonferroni"},
                                                      {"p_sidak", "sidak"},
                                                      {"p_holm", "holm"},
                                                      {"p_sm_bonferroni", "sm_bonferroni"},
                                                      {"p_sm_sidak", "sm_sidak"},
                                                      {"p_sm_holm", "sm_holm"},
                                                      {"p_fdr_bh", "fdr_bh"}};
const std::map<std::string, std::string> kPooled = {{"all_sm_bonferroni", "sm_bonferroni"},
                                                    {"all_sm_sidak", "sm_sidak"},
                                                    {"all_sm_holm", "sm_holm"},
                                                    {"all_fdr_bh", "fdr_bh"}};

struct World {
  Ontology ontology = Ontology::read(kData + "go-basic.obo.zst");
  Annotations annotations = Annotations::read(kData + "goa_human.gaf.zst", ontology);
  std::vector<std::string> genes = lines_of(kGolden + "population.txt.zst");

  Population population(const Value& mode) const {
    if (!mode.flag("propagate_counts"))
      return make_population(genes, annotations, ontology, nullptr);
    std::vector<std::string> relationships;
    for (const Value& name : mode.array("relationships"))
      relationships.push_back(*name.as<std::string>());
    const Closure closure = ontology.ancestors(relationships);
    return make_population(genes, annotations, ontology, &closure);
  }
};

void expect_row(const TermTest& is, const Cells& should, const Ontology& ontology) {
  const Ontology::Term& term = ontology.term(is.term);
  EXPECT_EQ(term.name, should.at("name"));
  EXPECT_EQ(std::to_string(term.level), should.at("level"));
  EXPECT_EQ(std::to_string(term.depth), should.at("depth"));
  EXPECT_EQ(short_name(term.aspect), should.at("NS"));
  EXPECT_EQ(is.enriched() ? "e" : "p", should.at("enrichment"));
  EXPECT_EQ(std::to_string(is.k), should.at("study_count"));
  EXPECT_EQ(std::to_string(is.n), should.at("study_n"));
  EXPECT_EQ(std::to_string(is.K), should.at("pop_count"));
  EXPECT_EQ(std::to_string(is.N), should.at("pop_n"));
  EXPECT_TRUE(close(is.p, std::stod(should.at("p_uncorrected"))))
      << term.id << ": " << is.p << ", should be " << should.at("p_uncorrected");
}

void expect_corrections(const SetResult& is, const std::map<std::string, Cells>& should,
                        const std::map<std::string, std::string>& columns,
                        const Ontology& ontology) {
  for (const TermTest& row : is.rows) {
    const auto found = should.find(ontology.term(row.term).id);
    if (found == should.end()) continue;  // studies 2 to 6: only terms that the study has
    size_t method = 0;
    for (const auto& [column, name] : columns) {
      const double p = row.corrected[method++];
      EXPECT_TRUE(close(p, std::stod(found->second.at(column))))
          << found->first << " " << column << ": " << p << ", should be "
          << found->second.at(column);
    }
  }
}

EnrichmentHow how_with(const std::map<std::string, std::string>& columns, Scope scope) {
  EnrichmentHow how;
  how.scope = scope;
  how.methods.clear();
  for (const auto& [column, name] : columns) how.methods.push_back(name);
  return how;
}

class GoGolden : public testing::TestWithParam<std::string> {
 protected:
  static const World& world() {
    static const World* all = new World;  // read once
    return *all;
  }
};

}  // namespace

TEST_P(GoGolden, counts_and_p_are_those_of_goatools) {
  const Value golden = parse_json(read_file(kGolden + "golden.json"), "golden.json");
  const Population population = world().population(golden.at("modes").at(GetParam()));
  UnitSets sets;
  for (int study = 1; study <= 6; ++study) {
    std::vector<int32_t> units;
    for (const std::string& gene : lines_of(kGolden + "study0" + std::to_string(study) + ".txt"))
      units.push_back(static_cast<int32_t>(
          std::lower_bound(population.units.begin(), population.units.end(), gene) -
          population.units.begin()));
    sets.add(std::move(units));
  }
  const auto own =
      enrichment(world().ontology, population, sets, how_with(kOwnScope, Scope::aspect), Keep::all);
  const auto pooled =
      enrichment(world().ontology, population, sets, how_with(kPooled, Scope::set), Keep::all);
  for (size_t s = 0; s < 6; ++s) {
    const auto rows =
        golden_rows(kGolden + "study0" + std::to_string(s + 1) + "." + GetParam() + ".tsv.zst");
    size_t found = 0, hit = 0;
    for (const TermTest& row : own[s].rows) {
      hit += row.k > 0;
      const auto should = rows.find(world().ontology.term(row.term).id);
      if (should == rows.end()) continue;
      ++found;
      expect_row(row, should->second, world().ontology);
    }
    EXPECT_EQ(found, rows.size());
    EXPECT_EQ(rows.size(), s == 0 ? own[s].rows.size() : hit);
    expect_corrections(own[s], rows, kOwnScope, world().ontology);
    expect_corrections(pooled[s], rows, kPooled, world().ontology);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, GoGolden, testing::Values("direct", "isa", "isa_partof"),
                         [](const auto& info) { return info.param; });

}  // namespace facet
