// JSON Lines: what is read, and the text of every refusal.
#include "data/jsonl.h"

#include <gtest/gtest.h>

#include "core/data/records.h"
#include "core/plugin/temporary_folder.h"
#include "expect_refusal.h"

namespace facet {
namespace {

JsonlParams lines(const std::filesystem::path& path) {
  JsonlParams params;
  params.path = path.string();
  return params;
}

TEST(Jsonl, reads_ids_texts_and_the_other_keys_that_hold_one_value) {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "x.jsonl",
      R"({"id": "a", "text": "line 1\nline 2", "title": "", "n": 3, "x": 0.5, "ok": true, "none": null, "list": [1], "in": {"a": 1}})"
      "\n \n"
      R"({"text": "\u00e4", "id": 17})");
  const auto records = records_of<Jsonl>(lines(path));
  EXPECT_EQ(shown(records), "a=line 1\nline 2 17=\xC3\xA4 ");
  EXPECT_EQ(records[0].columns, (std::map<std::string, std::string>{
                                    {"title", ""}, {"n", "3"}, {"x", "0.5"}, {"ok", "true"}}));
  EXPECT_TRUE(records[1].columns.empty());
}

TEST(Jsonl, takes_id_and_text_from_the_keys_that_are_asked_for) {
  const TemporaryFolder folder;
  JsonlParams params =
      lines(folder.write("x.jsonl.zst", "{\"seq\": \"MK\", \"name\": \"p\"}\n\n{\"seq\": \"M\"}"));
  params.text = "seq";
  params.id = "";
  const auto records = records_of<Jsonl>(params);
  EXPECT_EQ(shown(records), "x.jsonl:1=MK x.jsonl:3=M ");
  EXPECT_EQ(records[0].columns.at("name"), "p");
}

TEST(Jsonl, names_file_and_line_in_each_refusal) {
  struct Case {
    std::string bytes, says;
  };
  const Case cases[] = {
      {"", ": no records"},
      {"\n", ": no records"},
      {"{\"id\": 1, \"text\": \"M\"}\n{\"id\": 1", ":2:9: not valid JSON"},
      {"[\"a\", \"M\"]\n", ":1: is list of 2, should be a JSON object"},
      {"{\"id\": 1, \"id\": 2}\n", ":1: key \"id\" stands twice in one object"},
      {"{\"id\": 1, \"txt\": \"M\"}\n", ":1: key \"text\" is missing (did you mean \"txt\"?)"},
      {"\n{\"text\": \"M\"}\n", ":2: key \"id\" is missing (has \"text\")"},
      {"{\"id\": 1.5, \"text\": \"M\"}\n",
       ":1: key \"id\" is number 1.5, should be a string or an integer"},
      {"{\"id\": 1, \"text\": null}\n",
       ":1: key \"text\" is nothing, should be a string that is not empty"},
      {"{\"id\": 1, \"text\": \"\"}\n",
       ":1: key \"text\" is string \"\", should be a string that is not empty"},
      {"{\"id\": 1, \"text\": \"M\xff\"}\n", ":1:21: not valid JSON"},
  };
  const TemporaryFolder folder;
  for (const Case& c : cases) {
    const auto path = folder.write("x.jsonl", c.bytes);
    EXPECT_EQ(refusal_of([&] { records_of<Jsonl>(lines(path)); }), path.string() + c.says);
  }
}

}  // namespace
}  // namespace facet
