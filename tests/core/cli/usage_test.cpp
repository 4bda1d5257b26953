// The command line itself: what is no command, what the commands say, and exit code 2.
#include <gtest/gtest.h>

#include "toy_run.h"

TEST(CommandLine, that_is_wrong_is_refused_with_exit_code_2) {
  const ToyWorkshop here;
  const std::string commands =
      "run, check, runs, repl, activations, encode, sae, inspect, go, list, help, docs, doctor, "
      "completion";
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{}, "facet: a command is required, one of " + commands},
      {{"runn", "toy.toml"},
       "facet: no command \"runn\" (did you mean \"run\"?), should be one of " + commands},
      {{"runn", "--help"},
       "facet: no command \"runn\" (did you mean \"run\"?), should be one of " + commands},
      {{"run"}, "facet: FILE is required"},
      {{"run", "toy.toml", "toy.lua"}, "facet: The following argument was not expected: toy.lua"},
      {{"run", "toy.toml", "--bogus"}, "facet: The following argument was not expected: --bogus"},
      {{"run", "toy.toml", "--threads", "0"},
       "facet: --threads: \"0\", should be a whole number from 1"},
      {{"run", "toy.toml", "--threads", "many"},
       "facet: --threads: \"many\", should be a whole number from 1"},
      {{"run", "toy.toml", "--stop-after", "-1"},
       "facet: --stop-after: \"-1\", should be a whole number from 1"},
      {{"sae"}, "facet: sae: a command is required, one of show, export, diff"},
      {{"sae", "shwo", "x"},
       "facet: sae: no command \"shwo\" (did you mean \"show\"?), should be one of show, export, "
       "diff"},
      {{"encode", "--sae", "x"}, "facet: --in is required"},
      {{"inspect", "--sae", "x", "--top", "0", "MKT"},
       "facet: --top: \"0\", should be a whole number from 1"},
      {{"help", "sae", "topk", "k"}, "facet: help: 3 words, should be KIND NAME, or a section"},
  };
  for (const auto& [arguments, problem] : cases) {
    const Outcome outcome = here.facet(arguments);
    EXPECT_EQ(outcome.err, problem + "\nfacet --help says more\n");
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.exit_code, 2);
  }
}

TEST(CommandLine, that_asks_for_what_is_not_there_is_refused_with_exit_code_1) {
  const ToyWorkshop here;
  here.write("empty/.keep", "");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"run", "none.toml"}, "none.toml: cannot read: No such file or directory\n"},
      {{"run", "none.lua"}, "none.lua: cannot read: No such file or directory\n"},
      {{"run", "small.fasta"}, "small.fasta: should be MANIFEST.toml or SCRIPT.lua\n"},
      {{"check", "small.fasta"}, "small.fasta: should be MANIFEST.toml, SCRIPT.lua or PLUGIN.so\n"},
      {{"check", "none.so"}, "none.so: cannot read: No such file or directory\n"},
      {{"run", "toy.toml", "--device", "gpu"},
       "--device: \"gpu\", should be cpu, cuda or cuda:N\n"},
      {{"--plugin-path", "nowhere", "list"},
       "nowhere: cannot read plugin folder: No such file or directory\n"},
      {{"help", "sea"},
       "help: \"sea\" (did you mean \"sae\"?), should be one of manifest, activations, train, "
       "baseline, encode, sae, host, data, analysis, normaliser\n"},
      {{"help", "sae", "topkk"}, "no sae \"topkk\" (did you mean \"topk\"?)\n"},
      {{"run", "toy.toml", "--set", "sae"},
       "--set: \"sae\", should be KEY=VALUE, for instance sae.k=64\n"},
      {{"run", "toy.toml", "--set", "=3"},
       "--set: \"=3\", should be KEY=VALUE, for instance sae.k=64\n"},
      {{"run", "toy.toml", "--set", "sae.k=four"},
       "--set: sae.k: expected integer, got string \"four\"\n"},
      {{"run", "toy.toml", "--set", "sae.kk=4"}, "--set: sae.kk: unknown key\n"},
      {{"run", "toy.toml", "--set", "sae.k.x=4"},
       "--set: sae.k.x=4: \"k\" is integer 4, should be a table\n"},
      {{"run", "toy.toml", "--set", "analysis.3.type=\"metrics\""},
       "--set: analysis.3.type=\"metrics\": \"3\", should be an item from 1 to 2\n"},
  };
  for (const auto& [arguments, err] : cases) {
    const Outcome outcome = here.facet(arguments);
    EXPECT_EQ(outcome.err, err);
    EXPECT_EQ(outcome.exit_code, 1);
  }
  EXPECT_FALSE(std::filesystem::exists(here.folder() / "runs"));
}

TEST(CommandLine, takes_a_file_after_its_options) {
  const ToyWorkshop here;
  const Outcome outcome =
      here.facet({"check", "--set", "sae.k=5", "--set", "sae.d_sae=4", "toy.toml"});
  EXPECT_EQ(outcome.err, "--set: sae.k: 5 exceeds d_sae (4)\n");
  EXPECT_TRUE(here.facet({"check", "--set", "sae.k=5", "toy.toml"})
                  .out.ends_with("\ntoy.toml: no problem found\n"));
}

TEST(CommandLine, shows_an_example_under_each_command) {
  const Workshop here;
  for (const char* command : {"run", "check", "runs", "repl", "activations", "encode", "inspect",
                              "go", "list", "help", "docs", "doctor", "completion"}) {
    const Outcome outcome = here.facet({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find("\nexample: facet " + std::string(command)), std::string::npos)
        << outcome.out;
  }
  EXPECT_NE(here.facet({"sae", "show", "--help"}).out.find("\nexample: facet sae show "),
            std::string::npos);
}

TEST(CommandLine, says_its_version_and_build_tag) {
  const Outcome outcome = Workshop().facet({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(std::regex_match(
      outcome.out, std::regex("facet \\d+\\.\\d+\\.\\d+\nbuild tag: facet \\d+/[0-9a-f]{8}; torch "
                              "[^;]+; gnu \\d+; cxx11abi 1; c\\+\\+20; sanitizer \"[^\"]*\"\n")))
      << outcome.out;
}

TEST(CommandLine, lists_and_explains_every_part) {
  const Workshop here;
  const Outcome list = here.facet({"list"});
  EXPECT_EQ(list.exit_code, 0);
  for (const char* line : {"\n  topk            Keeps ", "host\n", "\n  toy             A small ",
                           "data\n  fasta           Sequences ", "analysis\n", "normaliser\n"})
    EXPECT_NE(list.out.find(line), std::string::npos) << line;
  EXPECT_EQ(here.facet({"help"}).out, here.facet({"--help"}).out);
  for (const char* section : {"manifest", "activations", "train", "baseline", "encode"})
    EXPECT_EQ(here.facet({"help", section}).exit_code, 0) << section;
  EXPECT_EQ(here.facet({"help", "data"}).out,
            "fasta: Sequences of FASTA files.\n"
            "jsonl: Sequences or texts of JSON Lines files.\n"
            "synthetic: Rows made from a known dictionary, so that its recovery can be measured.\n"
            "text: Lines, paragraphs or whole files of plain text.\n"
            "tsv: Sequences in a column of tables, as UniProt's downloads are.\n");
  const std::string topk = here.facet({"help", "sae", "topk"}).out;
  EXPECT_EQ(topk.substr(0, topk.find('\n')),
            "topk: Keeps the k largest latents of each row (arXiv:2406.04093). [facet.sae.topk]");
  EXPECT_NE(topk.find("\n  k  "), std::string::npos);
}

TEST(CommandLine, writes_and_checks_the_reference_pages) {
  const Workshop here;
  const Outcome written = here.facet({"docs", "pages"});
  EXPECT_EQ(written.exit_code, 0);
  EXPECT_EQ(written.err, "");
  EXPECT_EQ(here.facet({"docs", "pages", "--check"}).exit_code, 0);
  here.write("pages/sae.md", "by hand\n");
  std::filesystem::remove(here.folder() / "pages/host.md");
  const Outcome differs = here.facet({"docs", "pages", "--check"});
  EXPECT_EQ(differs.exit_code, 1);
  EXPECT_EQ(differs.err,
            "pages/sae.md: out of step with the schemas, should be written by `facet docs pages`\n"
            "pages/host.md: out of step with the schemas, should be written by `facet docs "
            "pages`\n");
  EXPECT_EQ(here.read("pages/sae.md"), "by hand\n");
}
