// Tables: what is read, and the text of every refusal.
#include "data/tsv.h"

#include <gtest/gtest.h>

#include "core/data/records.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

TsvParams table(const std::filesystem::path& path) {
  TsvParams params;
  params.path = path.string();
  return params;
}

TEST(Tsv, reads_a_table_of_uniprot_with_its_other_columns_as_they_are_named) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.tsv",
                                 "Entry\tGene Names (primary)\tSequence\tSignal peptide\r\n"
                                 "P1\tTP53\tMKV\tSIGNAL 1..2; /note=\"a \"\"b\"\"\"\r\n"
                                 "\r\n"
                                 "P2\t\tML\t\r\n");
  const auto records = records_of<Tsv>(table(path));
  EXPECT_EQ(shown(records), "P1=MKV P2=ML ");
  EXPECT_EQ(records[0].columns, (std::map<std::string, std::string>{
                                    {"Gene Names (primary)", "TP53"},
                                    {"Signal peptide", "SIGNAL 1..2; /note=\"a \"\"b\"\"\""}}));
  EXPECT_EQ(records[1].columns.at("Gene Names (primary)"), "");
}

TEST(Tsv, takes_id_and_text_from_the_columns_that_are_asked_for) {
  const TemporaryFolder folder;
  TsvParams params = table(folder.write("x.tsv.gz", "CDS\tgene\nAUG\tg1\nAUC\tg1"));
  params.id = "gene";
  params.text = "CDS";
  EXPECT_EQ(shown(records_of<Tsv>(params)), "g1=AUG g1=AUC ");
  params.id = "";
  const auto records = records_of<Tsv>(params);
  EXPECT_EQ(shown(records), "x.tsv:2=AUG x.tsv:3=AUC ");
  EXPECT_EQ(records[0].columns.at("gene"), "g1");
}

TEST(Tsv, names_file_and_line_in_each_refusal) {
  struct Case {
    std::string bytes, says;
  };
  const Case cases[] = {
      {"", ": no records"},
      {"Entry\tSequence\n\n", ": no records"},
      {"Entry\tSequense\nP1\tM\n",
       ":1: column \"Sequence\" is missing (did you mean \"Sequense\"?)"},
      {"\nA\tA\tSequence\n",
       ":2: column \"A\" stands twice\n$:2: column \"Entry\" is missing "
       "(has \"A\", \"A\", \"Sequence\")"},
      {"Entry\tSequence\nP1\tM\nP2\n", ":3: has 1 columns, should have 2 as line 1 names them"},
      {"Entry\tSequence\nP1\tM\t\n", ":2: has 3 columns, should have 2 as line 1 names them"},
      {"Entry\tSequence\n\tM\n", ":2: column \"Entry\" is empty"},
      {"Entry\tSequence\nP1\tM\nP2\t\n", ":3: column \"Sequence\" is empty"},
      {std::string("Entry\tSequence\nP1\tM\0\n", 21),
       ":2: byte 0x00 in column 5: this is no text file"},
  };
  const TemporaryFolder folder;
  for (const Case& c : cases) {
    const auto path = folder.write("x.tsv", c.bytes);
    std::string says = path.string() + c.says;
    if (const size_t again = says.find('$'); again != std::string::npos)
      says.replace(again, 1, path.string());
    EXPECT_EQ(refusal_of([&] { records_of<Tsv>(table(path)); }), says);
  }
}

}  // namespace
}  // namespace facet
