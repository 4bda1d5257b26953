// GAF files: which lines count, what is passed over, ids that do not match, and what is refused.
#include <gtest/gtest.h>

#include "base/files.h"
#include "expect_refusal.h"
#include "small_ontology.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

class AnnotationsTest : public testing::Test {
 protected:
  Annotations read(const std::string& text, const GafFilter& filter = {}) const {
    return Annotations::read(folder_.write("a.gaf", text), ontology_, filter);
  }
  /// "1 2": last digits of a gene's terms.
  std::string terms(const Annotations& annotations, const std::string& gene) const {
    std::string out;
    if (const auto* all = annotations.terms(gene))
      for (const int32_t term : *all)
        out += (out.empty() ? "" : " ") + ontology_.term(term).id.substr(9);
    return out;
  }

  TemporaryFolder folder_;
  Ontology ontology_ = small_ontology(folder_);
};

std::string passed_over(const Annotations& annotations) {
  std::string out;
  for (const PassedOver& one : annotations.passed_over())
    out += std::to_string(one.times) + " " + one.what + "; ";
  return out;
}

}  // namespace

TEST_F(AnnotationsTest, gives_each_gene_its_terms_once) {
  const Annotations all =
      read("!gaf-version: 2.2\n" + gaf_line("B", "GO:0000003") + gaf_line("A", "GO:0000002") +
           gaf_line("A", "GO:0000001", "IEA") + gaf_line("A", "GO:0000002", "TAS"));
  EXPECT_EQ(all.genes(), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(terms(all, "A"), "1 2");
  EXPECT_EQ(all.terms("C"), nullptr);
  EXPECT_EQ(passed_over(all), "");
}

TEST_F(AnnotationsTest, leaves_out_not_and_nd_unless_told) {
  const std::string text = gaf_line("A", "GO:0000001", "IDA", "P", "NOT|involved_in") +
                           gaf_line("A", "GO:0000002", "ND") +
                           gaf_line("B", "GO:0000003", "IDA", "P", "not|part_of") +
                           gaf_line("A", "GO:0000004");
  const Annotations usual = read(text);
  EXPECT_EQ(terms(usual, "A"), "4");
  EXPECT_EQ(passed_over(usual),
            "2 lines that say a gene has a term NOT; 1 lines without biological data (ND); ");
  EXPECT_EQ(usual.why_not("B"), "have only lines that were filtered (NOT, ND or evidence)");
  EXPECT_EQ(terms(read(text, {true, true, {}, {}}), "A"), "1 2 4");
}

TEST_F(AnnotationsTest, filters_evidence_by_codes_and_groups) {
  const std::string text = gaf_line("A", "GO:0000001", "IDA") + gaf_line("A", "GO:0000002", "IEA") +
                           gaf_line("A", "GO:0000003", "IMP") + gaf_line("A", "GO:0000004", "TAS");
  EXPECT_EQ(terms(read(text, {false, false, {"Experimental"}, {}}), "A"), "1 3");
  EXPECT_EQ(terms(read(text, {false, false, {"Experimental", "TAS"}, {"IMP"}}), "A"), "1 4");
  EXPECT_EQ(terms(read(text, {false, false, {}, {"IEA"}}), "A"), "1 3 4");
  EXPECT_EQ(refusal_of([&] {
              read(text, {false, false, {"Experimentell"}, {}});
            }),
            "evidence: \"Experimentell\" (did you mean \"Experimental\"?), should be an evidence "
            "code (IDA) or a group of them (Experimental)");
}

TEST_F(AnnotationsTest, counts_what_it_passes_over) {
  const Annotations all = read(
      gaf_line("A", "GO:0000012") + gaf_line("A", "GO:0000009") + gaf_line("B", "GO:0000077") +
      "UniProtKB\tC\tx\n" + gaf_line("", "GO:0000001") + gaf_line("D", "GO:0000021", "IDA", "P"));
  EXPECT_EQ(terms(all, "A"), "2");
  EXPECT_EQ(passed_over(all),
            "1 alternative ids, read as the main one; 1 lines of obsolete terms; 1 lines of terms "
            "that the OBO file does not have; 1 lines with fewer than 15 columns; 1 lines without "
            "a gene or a GO id; 1 lines whose aspect is not their term's (the OBO file counts); ");
  EXPECT_EQ(all.passed_over()[3].first, (folder_.path() / "a.gaf").string() + ":4: 3 columns");
}

TEST_F(AnnotationsTest, says_why_ids_do_not_match) {
  const Annotations all = read(gaf_line("P1", "GO:0000001") + gaf_line("P2", "GO:0000077"));
  const IdMatch match =
      match_ids({"P1", "P1", "P1-2", "p1", "SYM_P1", "OTHER_P1", "UniProtKB:P1", "P2", "Q9"}, all);
  EXPECT_EQ(match.population, 8);
  EXPECT_EQ(match.annotated, 1);
  EXPECT_EQ(match.text(),
            "1 of 8 genes have terms (12.5 %); 2 are symbols or synonyms in the file, not ids "
            "(column 2) (OTHER_P1, SYM_P1); 1 are in the file in other upper and lower case (p1); "
            "1 are isoforms or versions of an id in the file (P1-2); 1 are not in the file (Q9); 1 "
            "have a prefix before an id of the file (UniProtKB:P1); 1 have only terms that the OBO "
            "file does not have (P2)");
}

TEST_F(AnnotationsTest, takes_genes_from_the_names_of_records) {
  EXPECT_EQ(gene_of("sp|P04637|P53_HUMAN"), "P04637");
  EXPECT_EQ(gene_of("sp|P04637|P53_HUMAN/1-1022"), "P04637");
  EXPECT_EQ(gene_of("tr|A0A183|LCE6A"), "A0A183");
  EXPECT_EQ(gene_of("UniRef50_P04637"), "P04637");
  EXPECT_EQ(gene_of("P04637/1023-2044"), "P04637");
  EXPECT_EQ(gene_of("P04637-2"), "P04637-2");
  EXPECT_EQ(gene_of("a/b"), "a/b");
}

TEST_F(AnnotationsTest, refuses_a_wrong_file_and_one_that_is_cut) {
  const fs::path obo = folder_.write("wrong.gaf", small_obo());
  EXPECT_EQ(refusal_of([&] { Annotations::read(obo, ontology_); }),
            obo.string() +
                ":1: begins \"format-version: 1.2\", should be a GAF file: 15 or 17 "
                "columns parted by tabs, a gene in the second and a GO id in the fifth");
  const fs::path none = folder_.write("none.gaf", "!gaf-version: 2.2\r\n");
  EXPECT_EQ(refusal_of([&] { Annotations::read(none, ontology_); }),
            none.string() + ": no lines, should be a GAF file (gene annotations)");
  const std::string whole = read_file(FACET_TEST_SOURCE "/experiments/data/goa_human.gaf.zst");
  const fs::path cut = folder_.write("cut.gaf.zst", whole.substr(0, whole.size() - 1000));
  EXPECT_NE(
      refusal_of([&] { Annotations::read(cut, ontology_); }).find(cut.string() + ": cut short: "),
      std::string::npos);
}

}  // namespace facet
