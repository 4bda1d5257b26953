// facet completion: the words a shell is offered, and the script in a real bash.
#include <gtest/gtest.h>

#include <cstdlib>

#include "toy_run.h"

namespace {

std::string offered(const std::vector<std::string>& words) {
  static const Workshop here;
  std::vector<std::string> arguments = {"complete"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  const Outcome outcome = here.facet(arguments);
  EXPECT_EQ(outcome.err, "");
  std::string out = outcome.out;
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

}  // namespace

TEST(Completion, offers_commands_options_and_values) {
  EXPECT_EQ(offered({"ru"}), "run runs ");
  EXPECT_EQ(offered({"act"}), "activations ");
  EXPECT_EQ(offered({"sae", ""}), "show export diff ");
  EXPECT_EQ(offered({"comp"}), "completion ");
  EXPECT_EQ(offered({"completion", "z"}), "zsh ");
  EXPECT_EQ(offered({"activations", "--ho"}), "--hookpoints --host ");
  EXPECT_EQ(offered({"activations", "--rows", ""}), "content all ");
  EXPECT_EQ(offered({"inspect", "--rows", ""}), "content all ");
  EXPECT_EQ(offered({"run", "--de"}), "--device ");
  EXPECT_EQ(offered({"run", "x.t"}), "");
  EXPECT_EQ(offered({"--plugin-path", "ru"}), "");
  EXPECT_EQ(offered({"--runs", "there", "ch"}), "check ");
  EXPECT_EQ(offered({"run", "x.toml", "--set", "sae.k=4", "--q"}), "--quiet ");
}

TEST(Completion, offers_the_parts_of_loaded_plugins) {
  EXPECT_EQ(offered({"activations", "--host", "t"}), "toy ");
  EXPECT_EQ(offered({"help", "ana"}), "analysis ");
  EXPECT_EQ(offered({"help", "sae", "top"}), "topk ");
  EXPECT_EQ(offered({"help", "normaliser", "layer"}), "layer_norm ");
}

TEST(Completion, works_in_bash) {
  const Workshop here;
  const Outcome script = here.facet({"completion", "bash"});
  ASSERT_EQ(script.exit_code, 0);
  here.write("facet.bash", script.out);
  const std::string commands = "cd '" + here.folder().string() +
                               "'; source ./facet.bash; "
                               "complete -p facet; "
                               "COMP_WORDS=('" FACET_TEST_BINARY
                               "' activations --ho); COMP_CWORD=2; _facet; "
                               "echo \"${COMPREPLY[*]}\"; "
                               "COMP_WORDS=('" FACET_TEST_BINARY
                               "' ''); COMP_CWORD=1; _facet; "
                               "echo \"${#COMPREPLY[@]}\"";
  ASSERT_EQ(std::system(("bash -c '" + std::regex_replace(commands, std::regex("'"), "'\\''") +
                         "' > '" + here.folder().string() + "/said' 2>&1")
                            .c_str()),
            0);
  EXPECT_EQ(here.read("said"), "complete -o default -F _facet facet\n--hookpoints --host\n14\n");
}

TEST(Completion, has_a_script_for_each_shell) {
  const Workshop here;
  EXPECT_EQ(here.facet({"completion", "zsh"}).out.substr(0, 15), "#compdef facet\n");
  EXPECT_NE(here.facet({"completion", "fish"}).out.find("complete -c facet"), std::string::npos);
  const Outcome outcome = here.facet({"completion", "tcsh"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "facet: SHELL: \"tcsh\", should be bash, zsh or fish\nfacet --help says more\n");
}
