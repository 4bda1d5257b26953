// OBO files: terms, levels, what is passed over, and what is refused.
#include <gtest/gtest.h>

#include "base/files.h"
#include "expect_refusal.h"
#include "small_ontology.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ids_above(const Ontology& ontology, const std::string& id,
                                   const std::vector<std::string>& relationships = {}) {
  const Closure closure = ontology.ancestors(relationships);
  const auto t = static_cast<size_t>(*ontology.find(id));
  std::vector<std::string> out;
  for (int64_t e = closure.start[t]; e < closure.start[t + 1]; ++e)
    out.push_back(ontology.term(closure.term[static_cast<size_t>(e)]).id.substr(9));
  return out;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

}  // namespace

TEST(Ontology, has_current_terms_by_main_and_alternative_ids) {
  const TemporaryFolder folder;
  const Ontology ontology = small_ontology(folder);
  EXPECT_EQ(ontology.size(), 6);
  EXPECT_EQ(ontology.version(), "releases/test");
  EXPECT_EQ(ontology.term(*ontology.find("GO:0000012")).name, "two");
  EXPECT_FALSE(ontology.find("GO:0000009"));
  EXPECT_TRUE(ontology.is_obsolete("GO:0000009"));
  const Ontology::Term& three = ontology.term(*ontology.find("GO:0000003"));
  EXPECT_EQ(three.level, 2);
  EXPECT_EQ(three.depth, 2);
  EXPECT_EQ(three.parents.size(), 2u);
  EXPECT_STREQ(short_name(ontology.term(*ontology.find("GO:0000031")).aspect), "CC");
}

TEST(Ontology, closes_over_is_a_and_chosen_relationships) {
  const TemporaryFolder folder;
  const Ontology ontology = small_ontology(folder);
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids_above(ontology, "GO:0000004"), (Ids{"1", "4"}));
  EXPECT_EQ(ids_above(ontology, "GO:0000004", {"part_of"}), (Ids{"1", "2", "4"}));
  EXPECT_EQ(ids_above(ontology, "GO:0000003"), (Ids{"1", "2", "3", "4"}));
  EXPECT_EQ(refusal_of([&] { ontology.ancestors({"part-of"}); }),
            "relationships: \"part-of\" (did you mean \"part_of\"?), should be of part_of, "
            "regulates, negatively_regulates, positively_regulates (is_a is always followed)");
}

TEST(Ontology, is_the_same_with_other_line_ends_and_packed) {
  const TemporaryFolder folder;
  const Ontology windows =
      Ontology::read(folder.write("crlf.obo", replaced(small_obo(), "\n", "\r\n")));
  EXPECT_EQ(windows.size(), 6);
  EXPECT_EQ(windows.term(1).name, "two");
  const Ontology human = Ontology::read(FACET_TEST_SOURCE "/experiments/data/go-basic.obo.zst");
  EXPECT_EQ(human.size(), 43558);  // as goatools counts them
  EXPECT_EQ(human.version(), "releases/2022-07-01");
  EXPECT_TRUE(human.passed_over().empty());
}

TEST(Ontology, counts_what_it_passes_over) {
  const TemporaryFolder folder;
  const Ontology ontology = Ontology::read(
      folder.write("odd.obo", small_obo() + obo_term("0000005", "five", "is_a: GO:0000077\n") +
                                  obo_term("0000006", "six", "is_a: GO:0000088\n") +
                                  obo_term("0000001", "again", "") +
                                  obo_term("0000007", "seven", "", "external") +
                                  "[Term]\nname: nameless\nnamespace: biological_process\n"));
  std::vector<std::string> what;
  for (const PassedOver& one : ontology.passed_over())
    what.push_back(std::to_string(one.times) + " " + one.what);
  EXPECT_EQ(what,
            (std::vector<std::string>{"1 terms without an id or a name",
                                      "1 terms that stand in the file twice (the first one counts)",
                                      "1 terms outside the three namespaces of GO",
                                      "2 is_a to a term that is not there"}));
  EXPECT_NE(ontology.passed_over().back().first.find("GO:0000005 to GO:0000077"),
            std::string::npos);
}

TEST(Ontology, refuses_a_circle_a_wrong_file_and_one_that_is_cut) {
  const TemporaryFolder folder;
  const fs::path circle =
      folder.write("circle.obo", obo_term("0000001", "one", "is_a: GO:0000003\n") +
                                     obo_term("0000002", "two", "is_a: GO:0000001\n") +
                                     obo_term("0000003", "three", "is_a: GO:0000002\n"));
  EXPECT_EQ(refusal_of([&] { Ontology::read(circle); }),
            circle.string() +
                ": is_a goes in a circle: GO:0000001 -> GO:0000003 -> GO:0000002 -> GO:0000001");
  const fs::path by_part =
      folder.write("by_part.obo", obo_term("0000001", "one", "relationship: part_of GO:0000002\n") +
                                      obo_term("0000002", "two", "is_a: GO:0000001\n"));
  EXPECT_EQ(refusal_of([&] { Ontology::read(by_part).ancestors({"part_of"}); }),
            "relationships: is_a and the chosen ones go in a circle: GO:0000001 -> GO:0000002 -> "
            "GO:0000001");
  const fs::path gaf = folder.write("wrong.obo", "!gaf-version: 2.2\n" + gaf_line("A", "GO:1"));
  EXPECT_EQ(refusal_of([&] { Ontology::read(gaf); }),
            gaf.string() +
                ":1: no [Term] in this file, should be an OBO file; it begins "
                "\"!gaf-version: 2.2\"");
  const fs::path empty = folder.write("empty.obo", "");
  EXPECT_EQ(
      refusal_of([&] { Ontology::read(empty); }),
      empty.string() + ":1: no [Term] in this file, should be an OBO file; it begins with nothing");
  const fs::path old = folder.write("old.obo", obo_term("0000009", "nine", "is_obsolete: true\n"));
  EXPECT_EQ(refusal_of([&] { Ontology::read(old); }),
            old.string() +
                ": none of its 1 terms is a current one of a namespace of GO "
                "(biological_process, molecular_function, cellular_component)");
  const std::string whole = read_file(FACET_TEST_SOURCE "/experiments/data/go-basic.obo.zst");
  const fs::path cut = folder.write("cut.obo.zst", whole.substr(0, whole.size() / 2));
  EXPECT_NE(refusal_of([&] { Ontology::read(cut); }).find(cut.string() + ": cut short: "),
            std::string::npos);
}

}  // namespace facet
