// Scripts that fail: the file, the line, the traceback, and exit code 1.
#include <gtest/gtest.h>

#include "toy_run.h"

namespace {

struct Case {
  const char* what;
  std::string script;
  std::string err;
};

std::string traceback(const std::string& called, int line) {
  return "stack traceback:\n\t[C]: in " + called + "\n\tscript.lua:" + std::to_string(line) +
         ": in main chunk\n";
}

void expect_refused(const std::vector<Case>& cases) {
  const ToyWorkshop here;
  for (const Case& c : cases) {
    const Outcome outcome = here.script(c.script);
    EXPECT_EQ(outcome.err, c.err) << c.what;
    EXPECT_EQ(outcome.exit_code, 1) << c.what;
  }
}

}  // namespace

TEST(Script, that_fails_says_where_and_how_it_came_there) {
  expect_refused({
      {"syntax", "local x = = 3\n", "script.lua:1: unexpected symbol near '='\n"},
      {"run time", "local t\nlocal function deep() return t.x end\ndeep()\n",
       "script.lua:2: attempt to index a nil value (upvalue 't')\n"
       "stack traceback:\n\tscript.lua:2: in local 'deep'\n\tscript.lua:3: in main chunk\n"},
      {"its own words", "error \"no proteins left\"\n",
       "script.lua:1: no proteins left\n" + traceback("function 'error'", 1)},
      {"an error that is no text", "\nerror { 1 }\n",
       "script.lua:2: error: called with a table, should be called with text\n" +
           traceback("function 'error'", 2)},
      {"a module that is not there", "require \"facett\"\n",
       "script.lua:1: module 'facett' not found:\n\tno field package.preload['facett']\n\tno file "
       "'facett.lua'\n" +
           traceback("function 'require'", 1)},
  });
}

TEST(Script, that_calls_a_verb_wrongly_gets_every_problem_at_its_line) {
  expect_refused({
      {"keys", kSae + "run:train { sae = sae, on = rows,\n  stepz = 3, batch = \"x\" }\n",
       "script.lua:7: train.stepz: unknown key (did you mean \"steps\"?)\n"
       "script.lua:7: train.batch: expected integer, got string \"x\"\n" +
           traceback("method 'train'", 7)},
      {"a missing file", kHost + "run:data { type = \"fasta\", path = \"nowhere.fasta\" }\n",
       "script.lua:5: data.path: \"nowhere.fasta\" does not exist (HERE/nowhere.fasta)\n" +
           traceback("method 'data'", 5)},
      {"a relation", kRows + "run:sae { type = \"topk\", on = rows, d_sae = 4, k = 5 }\n",
       "script.lua:6: sae.k: 5 exceeds d_sae (4)\n" + traceback("method 'sae'", 6)},
      {"a field", kSae + "print(sae.d_sea)\n",
       "script.lua:7: sae.d_sea: no such field (did you mean \"d_sae\"?), should be one of d_in, "
       "d_sae, folder, name, stream, type, encode, decode, loss, bind\n" +
           traceback("metamethod 'index'", 7)},
  });
}

TEST(Script, is_told_of_bad_data_by_the_data_and_not_by_the_sae) {
  const ToyWorkshop here;
  const std::string train = kHost +
                            "local own = run:data { type = \"fasta\", path = \"bad.fasta\" }\n"
                            "local rows = run:activations { host = host, data = own, hookpoints = "
                            "\"layers.1\" }\n"
                            "local sae = run:sae { type = \"topk\", on = rows, d_sae = 8, k = 2 }\n"
                            "run:train { sae = sae, on = rows, steps = 1, batch = 2 }\n";
  const std::pair<const char*, const char*> cases[] = {
      {">a\n>b\nMK\n", "HERE/bad.fasta:1: record \"a\": empty sequence\n"},
      {">a\nM1K\n",
       "HERE/bad.fasta:2: record \"a\": letter \"1\" in column 2, should be a letter, "
       "\"*\", \"-\" or \".\"\n"},
      {"MKV\n",
       "HERE/bad.fasta:1: text before the first header: \"MKV\", should be a line that "
       "starts with \">\"\n"},
      {">a\nMKV\n>\nMK\n", "HERE/bad.fasta:3: header without a name\n"},
      {"", "script.lua:8: HERE/bad.fasta: no records\n"},
  };
  for (const auto& [text, err] : cases) {
    here.write("bad.fasta", text);
    const Outcome outcome = here.script(train);
    EXPECT_EQ(outcome.err, err + traceback("method 'train'", 8));
    EXPECT_EQ(outcome.exit_code, 1);
  }
  const std::string whole = here.read(FACET_TEST_SOURCE "/experiments/data/human_2000.fasta.gz");
  here.write("bad.fasta", whole.substr(0, 4000));
  EXPECT_EQ(
      here.script(train).err,
      "script.lua:8: HERE/bad.fasta: cut short: the compressed data ends before its end mark\n" +
          traceback("method 'train'", 8));
}

TEST(Script, is_told_of_a_loss_that_is_no_number_with_step_and_row) {
  const ToyWorkshop here;
  const Outcome outcome = here.script(
      kSae + "run:train { sae = sae, on = rows, steps = 9, batch = 16, lr = 1e38, clip = 0 }\n");
  EXPECT_EQ(outcome.exit_code, 1);
  const std::string begin = "script.lua:7: train: step 2: loss is nan: first bad row: sequence ";
  EXPECT_EQ(outcome.err.substr(0, begin.size()), begin);
  EXPECT_NE(
      outcome.err.find(": its reconstruction is not finite\n" + traceback("method 'train'", 7)),
      std::string::npos)
      << outcome.err;
}

TEST(Script, cannot_catch_a_stop_with_pcall) {
  const ToyWorkshop here;
  const std::string text =
      kSae + "print(pcall(run.train, run, { sae = sae, on = rows, steps = 8, batch = 16 }))\n";
  const Outcome stopped = here.script(text, {"--stop-after", "2"});
  EXPECT_EQ(stopped.exit_code, 75);
  EXPECT_EQ(stopped.err, "train: stopped after step 2 of 8; run the same command again to go on\n");
  const Outcome whole = here.script(text);
  EXPECT_EQ(whole.exit_code, 0);
  EXPECT_EQ(whole.out.substr(0, 4), "true");
}

TEST(Script, may_catch_what_it_did_wrong_itself) {
  const ToyWorkshop here;
  const Outcome outcome =
      here.script(kSae + "print(pcall(run.train, run, { sae = sae, on = rows, stepz = 1 }))\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "false\ttrain.stepz: unknown key (did you mean \"steps\"?)\n");
}

TEST(Script, prints_the_same_in_three_runs) {
  const ToyWorkshop here;
  const std::string text =
      "local run = require(\"facet\").run { name = \"chance\", seed = 5 }\n"
      "local words = {}\n"
      "for i = 1, 50 do words[\"w\" .. math.random(1000)] = math.random() end\n"
      "for word, x in pairs(words) do print(word, x) end\n"
      "print(run, next(words))\n";
  const Outcome first = here.script(text);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_GT(first.out.size(), 500u);
  for (int again = 0; again < 2; ++again) {
    std::filesystem::remove_all(here.folder() / "runs");
    EXPECT_EQ(here.script(text).out, first.out);
  }
}

TEST(Script, reaches_its_surroundings_only_when_unsafe) {
  const Workshop here;
  const std::string text =
      "print(os.getenv(\"HOME\"), io.popen(\"echo x\"):read(\"a\"), os.execute(\"true\"))\n";
  EXPECT_EQ(here.script(text).err,
            "script.lua:1: os.getenv: only there under --unsafe: a run must not depend on its "
            "surroundings\n" +
                traceback("function 'os.getenv'", 1));
  const Outcome unsafe = here.script(text, {"--unsafe"});
  EXPECT_EQ(unsafe.out, "HERE\tx\n\ttrue\texit\t0\n");
  EXPECT_EQ(unsafe.exit_code, 0);
}
