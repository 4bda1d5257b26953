// facet repl: lines from a file, as they would be typed.
#include <gtest/gtest.h>

#include "toy_run.h"

namespace {

class Prompt : public ToyWorkshop {
 public:
  Outcome lines(const std::string& text, std::vector<std::string> arguments = {}) const {
    write(".in", text);
    arguments.insert(arguments.begin(), {"repl", "--quiet"});
    return facet(arguments);
  }
};

}  // namespace

TEST(ReplCommand, prints_what_expressions_give) {
  const Prompt here;
  const Outcome outcome = here.lines(
      "1 + 1\n"
      "x = 3\n"
      "x, \"text\", nil, true\n"
      "\n"
      "{ a = { 1, 2 }, b = 0.5 }\n"
      "{ f = print }\n"
      "print(\"printed\")\n"
      "return x * 2\n"
      "facet.version ~= nil");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "2\n3\ttext\tnil\ttrue\n{ a = [1, 2], b = 0.5 }\na table\nprinted\n6\ntrue\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

TEST(ReplCommand, goes_on_with_a_statement_in_the_next_lines) {
  const Prompt here;
  EXPECT_EQ(here.lines("for i = 1, 2 do\nprint(i)\nend\nlocal function double(n)\nreturn 2 * n\n"
                       "end\ndouble(4)\n")
                .out,
            "1\n2\n8\n");
  EXPECT_EQ(here.lines("if true then\n").err, "repl: the input ends within a statement\n");
}

TEST(ReplCommand, keeps_locals_for_the_next_line) {
  const Prompt here;
  EXPECT_EQ(
      here.lines("local a, b = 1, 2\nlocal facet = require \"facet\"\na + b\nfacet ~= nil\n").out,
      "3\ntrue\n");
}

TEST(ReplCommand, goes_on_after_errors_and_names_their_lines) {
  const Prompt here;
  const Outcome outcome = here.lines(
      "x = = 2\n"
      "nothing.field\n"
      "facet.runn\n"
      "error(\"mine\")\n"
      "os.execute(\"true\")\n"
      "\"still here\"\n");
  EXPECT_EQ(outcome.out, "still here\n");
  EXPECT_EQ(outcome.exit_code, 0);
  std::istringstream in(outcome.err);
  std::vector<std::string> problems;
  for (std::string line; std::getline(in, line);) problems.push_back(line);
  ASSERT_EQ(problems.size(), 5u) << outcome.err;
  EXPECT_EQ(problems[0], "repl:1: unexpected symbol near '='");
  EXPECT_EQ(problems[1], "repl:2: attempt to index a nil value (global 'nothing')");
  EXPECT_EQ(problems[2],
            "repl:3: facet.runn: no such field (did you mean \"run\"?), should be one of run, "
            "version");
  EXPECT_EQ(problems[3], "repl:4: mine");
  EXPECT_EQ(problems[4].substr(0, 7), "repl:5:");
}

TEST(ReplCommand, opens_a_run_of_its_own_and_keeps_the_lines_that_went_well) {
  const Prompt here;
  const std::string lines =
      "run = facet.run { name = \"try\", seed = 3 }\n"
      "host = run:host { type = \"toy\" }\n"
      "host.d_modell\n"
      "data = run:data { type = \"fasta\", path = \"small.fasta\" }\n"
      "local rows = run:activations { host = host, data = data, hookpoints = \"layers.1\" }\n"
      "sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = 4 }\n"
      "run:train { sae = sae, on = rows, steps = 2, batch = 16 }.steps\n"
      "host\n";
  const Outcome outcome = here.lines(lines);
  EXPECT_EQ(outcome.out, "2\na handle from run:host\n");
  EXPECT_EQ(outcome.err.substr(0, 31), "repl:3: host.d_modell: no such ");
  const auto runs = here.runs("try");
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(here.folder() / runs[0] / "DONE"));
  EXPECT_TRUE(std::filesystem::exists(here.folder() / runs[0] / "sae/cfg.json"));
  const std::string script = here.read(runs[0] / "script.lua");
  EXPECT_EQ(script.substr(0, 35), "-- Typed at the prompt of facet rep");
  EXPECT_EQ(script.find("d_modell"), std::string::npos);
  EXPECT_NE(script.find("\nhost = run:host { type = \"toy\" }\n"), std::string::npos);
  EXPECT_NE(here.read(runs[0] / "report.md").find("facet repl"), std::string::npos);
  // The same lines once more are another run.
  here.lines(lines);
  EXPECT_EQ(here.runs("try").size(), 2u);
}

TEST(ReplCommand, leaves_no_run_behind_when_none_was_opened) {
  const Prompt here;
  EXPECT_EQ(here.lines("1\n").out, "1\n");
  EXPECT_EQ(here.lines("").exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "runs"));
}
