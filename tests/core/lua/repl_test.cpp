// Repl: what may be completed where.
#include "lua/repl.h"

#include <gtest/gtest.h>

#include "expect_refusal.h"

using facet::Repl;
using Words = std::vector<std::string>;

namespace {

class ReplTest : public testing::Test {
 protected:
  void feed(const std::string& line) { repl_.feed(line); }

  facet::Kernel kernel_;
  facet::RunRequest request_;
  Repl repl_{kernel_, request_};
};

}  // namespace

TEST_F(ReplTest, completes_globals_and_words_of_lua) {
  feed("forest = 1");
  EXPECT_EQ(repl_.completions("for"), (Words{"for", "forest"}));
  EXPECT_EQ(repl_.completions("print(fores"), (Words{"forest"}));
  EXPECT_EQ(repl_.completions("x = fac"), (Words{"facet"}));
  EXPECT_EQ(repl_.completions("no_such"), Words());
  EXPECT_EQ(repl_.completions(""), Words());
  EXPECT_EQ(repl_.completions("1 + "), Words());
}

TEST_F(ReplTest, completes_fields_of_tables_and_of_the_module) {
  feed("box = { lid = { colour = 1 }, load = print }");
  EXPECT_EQ(repl_.completions("box.l"), (Words{"box.lid", "box.load"}));
  EXPECT_EQ(repl_.completions("box:l"), (Words{"box:load"}));
  EXPECT_EQ(repl_.completions("f(box.lid."), (Words{"box.lid.colour"}));
  EXPECT_EQ(repl_.completions("facet."), (Words{"facet.run", "facet.version"}));
  EXPECT_EQ(repl_.completions("nothing.at"), Words());
}

TEST_F(ReplTest, takes_lines_until_a_statement_is_whole) {
  EXPECT_TRUE(repl_.feed("function f(x)").more);
  EXPECT_TRUE(repl_.feed("return x").more);
  EXPECT_FALSE(repl_.feed("end").more);
  EXPECT_EQ(repl_.feed("f(2)").text, "2");
  EXPECT_TRUE(repl_.feed("if true then").more);
  repl_.drop();
  EXPECT_EQ(repl_.feed("1, 2").text, "1\t2");
  EXPECT_EQ(refusal_of([&] { repl_.feed("end"); }), "repl:7: <eof> expected near 'end'");
}
