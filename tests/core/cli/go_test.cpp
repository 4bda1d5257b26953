// facet go: terms that stand out in lists of genes, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "core/go/small_ontology.h"
#include "toy_run.h"

namespace facet {
namespace {

// Genes A0 ... A9 have term 2, B0 ... B89 term 4, and C has none.
class GoWorkshop : public Workshop {
 public:
  GoWorkshop() {
    std::string gaf = "!gaf-version: 2.2\n", population = "C\n", study = "# of interest\n";
    for (int i = 0; i < 10; ++i) {
      const std::string gene = "A" + std::to_string(i);
      gaf += gaf_line(gene, "GO:0000012");
      population += gene + "\n";
      if (i < 6) study += gene + "\tany remark\n";
    }
    for (int i = 0; i < 90; ++i) {
      gaf += gaf_line("B" + std::to_string(i), "GO:0000004");
      population += "B" + std::to_string(i) + "\r\n";
    }
    write("go.obo", small_obo());
    write("genes.gaf", gaf);
    write("population.txt", population);
    write("study.txt", study + "B0\n");
    write("other.txt", "B1\nB2\nB3\n");
  }

  Outcome go(std::vector<std::string> more) const {
    std::vector<std::string> words = {"go",        "--population", "population.txt", "--gaf",
                                      "genes.gaf", "--obo",        "go.obo"};
    words.insert(words.end(), more.begin(), more.end());
    return facet(words);
  }
};

const std::string kMatch =
    "population.txt: 100 of 101 genes have terms (99.0 %); 1 are not in the file (C)\n";
const std::string kAlternative =
    "genes.gaf: 10 alternative ids, read as the main one, first genes.gaf:2: GO:0000012 is "
    "GO:0000002\n";

TEST(Go, writes_the_columns_of_goatools) {
  const GoWorkshop here;
  const Outcome outcome = here.go({"study.txt", "--methods", "bonferroni,fdr_bh,holm-sidak"});
  EXPECT_EQ(outcome.err, kAlternative + kMatch + "2 rows of 1 study\n");
  std::istringstream lines(outcome.out);
  std::string head, first, second;
  std::getline(lines, head);
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_EQ(head,
            "GO\tNS\tname\tenrichment\tratio_in_study\tratio_in_pop\tp_uncorrected\tp_bonferroni\t"
            "p_fdr_bh\tp_holm_sidak");
  EXPECT_EQ(first.substr(0, 34), "GO:0000002\tBP\ttwo\te\t6/7\t10/101\t1.1");
  EXPECT_EQ(second.substr(0, 31), "GO:0000004\tBP\tfour\tp\t1/7\t90/101");
}

TEST(Go, names_the_study_where_there_are_several) {
  const GoWorkshop here;
  const Outcome outcome = here.go({"study.txt", "other.txt", "--pval", "2", "--out", "out.tsv"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, kAlternative + kMatch + "6 rows of 2 studies\n");
  const std::string table = here.read("out.tsv");
  EXPECT_EQ(table.substr(0, 9), "study\tGO\t");
  EXPECT_NE(table.find("other.txt\tGO:0000002\tBP\ttwo\tp\t0/3\t10/101\t"), std::string::npos);
}

TEST(Go, follows_relationships_or_nothing) {
  const GoWorkshop here;
  const auto with_two = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"study.txt", "--pval", "2"});
    const std::string out = here.go(more).out;
    const size_t at = out.find("GO:0000002\tBP\ttwo\t");
    return out.substr(at + 20, out.find("\tp_", at) - at - 20).substr(0, 11);
  };
  EXPECT_EQ(with_two({}).substr(0, 3), "6/7");
  EXPECT_EQ(with_two({"--relationships", "part_of"}).substr(0, 3), "7/7");
  const std::string direct = here.go({"study.txt", "--no-propagate", "--pval", "2"}).out;
  EXPECT_EQ(direct.find("GO:0000001"), std::string::npos);
}

TEST(Go, refuses_in_words) {
  const GoWorkshop here;
  here.write("empty.txt", "# nothing\n");
  here.write("outside.txt", "A0\nX1\nX2\n");
  const auto refusal = [&](std::vector<std::string> words) {
    const std::string err = here.go(std::move(words)).err;
    const size_t at = err.find(kMatch);
    return at == std::string::npos ? err : err.substr(at + kMatch.size());
  };
  EXPECT_EQ(refusal({"empty.txt"}), "empty.txt: no genes, should have a gene a line\n");
  EXPECT_EQ(refusal({"outside.txt"}),
            "outside.txt: 1 of 3 genes are in the population, should be a share of at least 0.7 "
            "(--min-overlap); not in it: X1\n");
  const Outcome told = here.go({"outside.txt", "--min-overlap", "0.3"});
  EXPECT_NE(told.err.find("outside.txt: 1 of 3 genes are in the population; the others are left "
                          "out, first X1\n"),
            std::string::npos);
  EXPECT_EQ(refusal({"study.txt", "--methods", "bonferoni"}).substr(0, 51),
            "facet: --methods: \"bonferoni\", should be one of bon");
  EXPECT_EQ(refusal({"study.txt", "--relationships", "part_off"}),
            "relationships: \"part_off\" (did you mean \"part_of\"?), should be of part_of, "
            "regulates, negatively_regulates, positively_regulates (is_a is always followed)\n");
  EXPECT_EQ(refusal({"missing.txt"}).substr(0, 24), "missing.txt: cannot read");
  here.write("strangers.txt", "Y1\nY2\n");
  const Outcome strangers = here.facet({"go", "study.txt", "--population", "strangers.txt", "--gaf",
                                        "genes.gaf", "--obo", "go.obo"});
  EXPECT_NE(strangers.err.find("strangers.txt: 0 of 2 genes have terms (0.0 %); 2 are not in the "
                               "file (Y1, Y2), should be genes of the GAF file"),
            std::string::npos);
}

}  // namespace
}  // namespace facet
