// Tables parted by commas: what quotes mean, and what is refused.
#include "data/csv.h"

#include <gtest/gtest.h>

#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

class Csv : public testing::Test {
 protected:
  /// "[a|b][c|d]", columns first.
  std::string rows(const std::string& text) {
    CsvReader reader(folder_.write("x.csv", text));
    std::string out = shown_row(reader.columns());
    for (std::vector<std::string> fields; reader.next(fields);) out += shown_row(fields);
    return out;
  }
  std::string refusal(const std::string& text) {
    const std::string says = refusal_of([&] { rows(text); });
    const std::string file = (folder_.path() / "x.csv").string();
    EXPECT_EQ(says.substr(0, file.size()), file) << says;
    return says.substr(std::min(file.size(), says.size()));
  }
  static std::string shown_row(const std::vector<std::string>& fields) {
    std::string out;
    for (const std::string& field : fields) out += (out.empty() ? "[" : "|") + field;
    return out + "]";
  }

  TemporaryFolder folder_;
};

TEST_F(Csv, parts_fields_by_commas_and_takes_quoted_ones_whole) {
  EXPECT_EQ(rows("a,b\n1,2\n,\n"), "[a|b][1|2][|]");
  EXPECT_EQ(rows("a,b\n\"1,5\",\"say \"\"so\"\"\"\n\"\",x\"y\n"), "[a|b][1,5|say \"so\"][|x\"y]");
  EXPECT_EQ(rows("a,b\n\"one\ntwo\n\n\",\"\n\"\n3,4"), "[a|b][one\ntwo\n\n|\n][3|4]");
  EXPECT_EQ(rows("\xEF\xBB\xBF\"a\",b\r\n\"1\r\n2\",3\r\n\r\n\r\n"), "[a|b][1\n2|3]");
  EXPECT_EQ(rows("\"\"\"\",\"\"\"x\"\"\"\n"), "[\"|\"x\"]");
}

TEST_F(Csv, finds_a_column_by_its_name) {
  const CsvReader reader(folder_.write("x.csv", "sequence_id,sequence\n"));
  EXPECT_EQ(reader.index_of("sequence"), 1u);
  EXPECT_EQ(refusal_of([&] { reader.index_of("sequence_idx"); }),
            (folder_.path() / "x.csv").string() +
                ":1: column \"sequence_idx\" is missing (did you mean \"sequence_id\"?)");
}

TEST_F(Csv, refuses_what_is_no_table) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ": is empty, should have a line of columns"},
      {"a,b,a\n", ":1: column \"a\" stands twice"},
      {"a,b\n1,2\n1,2,3\n", ":3: has 3 fields, should have 2, one for each column"},
      {"a,b\n\"1\n2\"\n", ":2: has 1 fields, should have 2, one for each column"},
      {"a,b\n1,\"2\n3\n", ":2: a quote is not closed"},
      {"a,b\n1,\"2\n3\"4\n", ":3: text behind a closing quote, should be a comma"},
      {"a,b\n1,\x01\n", ":2: byte 0x01 in column 3: this is no text file"}};
  for (const auto& [text, says] : cases) EXPECT_EQ(refusal(text), says);
}

}  // namespace
}  // namespace facet
