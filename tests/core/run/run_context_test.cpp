// What an analysis is given inside a run: journals that outlive a crash, artefacts, secrets.
#include "run/run_context.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/test_folder.h"
#include "expect_refusal.h"

using namespace facet;
namespace fs = std::filesystem;

namespace {

class RunContextOfTest : public testing::Test {
 protected:
  RunContext context(const std::string& name = "judge") {
    return RunContext(name, "", {}, run_, none_, 7, "cpu", [] {});
  }

  TestFolder base_;
  RunFolder run_{base_ / "id"};
  NoSink none_;
  fs::path journal_ = base_ / "id/journals/judge.answers.jsonl";
};

}  // namespace

TEST_F(RunContextOfTest, finds_a_finished_key_again) {
  {
    RunContext first = context();
    Journal& journal = first.journal("answers");
    EXPECT_FALSE(journal.find("latent 3"));
    journal.add("latent 3", Value(Value::Table{{"score", 0.5}}));
    EXPECT_EQ(*journal.find("latent 3"), Value(Value::Table{{"score", 0.5}}));
    journal.add("latent 4", "none");
    EXPECT_EQ(&first.journal("answers"), &journal);
    EXPECT_THROW(journal.add("latent 4", 1), Bug);
  }
  RunContext second = context();
  EXPECT_EQ(*second.journal("answers").find("latent 3"), Value(Value::Table{{"score", 0.5}}));
  EXPECT_EQ(*second.journal("answers").find("latent 4"), Value("none"));
  EXPECT_FALSE(second.journal("answers").find("latent 5"));
  EXPECT_EQ(read_file(journal_),
            "{\"key\":\"latent 3\",\"value\":{\"score\":0.5}}\n{\"key\":\"latent "
            "4\",\"value\":\"none\"}\n");
}

TEST_F(RunContextOfTest, drops_a_journal_s_last_line_that_a_crash_cut) {
  const std::string whole = "{\"key\":\"a\",\"value\":1}\n";
  for (const char* cut : {"{\"key\":\"b\",\"val", "{\"key\":\"b\",\"value\":2}"}) {
    base_.write("id/journals/judge.answers.jsonl", whole + cut);
    RunContext again = context();
    EXPECT_TRUE(again.journal("answers").find("a"));
    EXPECT_FALSE(again.journal("answers").find("b"));
    again.journal("answers").add("c", 3);
    EXPECT_EQ(read_file(journal_), whole + "{\"key\":\"c\",\"value\":3}\n");
  }
}

TEST_F(RunContextOfTest, keeps_journals_of_different_names_apart) {
  RunContext one = context("one"), two = context("two");
  one.journal("x").add("k", 1);
  EXPECT_FALSE(two.journal("x").find("k"));
  EXPECT_FALSE(one.journal("y").find("k"));
}

TEST_F(RunContextOfTest, writes_tables_whole_and_shows_their_heads) {
  Table table({{"latent", "its number"}, {"share", "of rows"}});
  for (int i = 0; i < 5; ++i) table.add({i, 0.1 * i});
  const TableRef ref = context().write("latents.tsv", "Latents.", table, 2);
  EXPECT_EQ(ref.rows, 5);
  EXPECT_EQ(ref.head.rows().size(), 2u);
  EXPECT_EQ(read_file(base_ / "id/artefacts/latents.tsv"), emit_tsv(table));
  context().write_file("deep/x.svg", "<svg/>");
  EXPECT_EQ(read_file(base_ / "id/artefacts/deep/x.svg"), "<svg/>");
}

TEST_F(RunContextOfTest, keeps_its_files_on_its_shelf) {
  RunContext c("judge", "pca/", {}, run_, none_, 7, "cpu", [] {});
  EXPECT_EQ(c.write("latents.tsv", "Latents.", Table(std::vector<Column>{{"latent", ""}}), 2).name,
            "pca/latents.tsv");
  c.journal("answers").add("k", 1);
  EXPECT_TRUE(fs::exists(base_ / "id/artefacts/pca/latents.tsv"));
  EXPECT_TRUE(fs::exists(base_ / "id/journals/pca/judge.answers.jsonl"));
  EXPECT_EQ(c.rng("draw").next(), Rng(7, "judge/draw").next()) << "SAEs share their draws";
}

TEST_F(RunContextOfTest, gives_secrets_by_name_and_refuses_one_that_is_not_set) {
  ::setenv("FACET_TEST_SECRET", "open sesame", 1);
  EXPECT_EQ(context().secret("FACET_TEST_SECRET"), "open sesame");
  for (const bool empty : {false, true}) {
    empty ? ::setenv("FACET_TEST_SECRET", "", 1) : ::unsetenv("FACET_TEST_SECRET");
    EXPECT_EQ(refusal_of([&] { context().secret("FACET_TEST_SECRET"); }),
              "judge: the environment variable FACET_TEST_SECRET is not set");
  }
  ::unsetenv("FACET_TEST_SECRET");
}

TEST_F(RunContextOfTest, gives_each_analysis_random_streams_of_its_own) {
  EXPECT_EQ(context().rng("draw").next(), Rng(7, "judge/draw").next());
  EXPECT_NE(context("other").rng("draw").next(), context().rng("draw").next());
}

TEST_F(RunContextOfTest, gives_nothing_that_the_analysis_was_not_given) {
  RunContext c = context();
  EXPECT_THROW(c.sae(), Bug);
  EXPECT_THROW(c.untrained(), Bug);
  EXPECT_THROW(c.normaliser(), Bug);
  EXPECT_THROW(c.host(), Bug);
  EXPECT_THROW(c.rows(), Bug);
  EXPECT_THROW(c.codes(), Bug);
  EXPECT_THROW(c.records(), Bug);
}

TEST_F(RunContextOfTest, of_codes_that_another_program_wrote_has_no_records) {
  AnalysisInputs inputs;
  inputs.codes = std::make_shared<CodesHandle>();
  RunContext c("judge", "", inputs, run_, none_, 7, "cpu", [] {});
  EXPECT_EQ(c.records(), nullptr);
  EXPECT_THROW(c.rows(), Bug);
  EXPECT_THROW(c.sae(), Bug);
}
