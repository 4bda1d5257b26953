// Texts through the executable: packed rows of a small Llama, contexts of its SAE, facet inspect.
#include <gtest/gtest.h>

#include <regex>

#include "facet/table.h"
#include "toy_run.h"

namespace {

const std::string kTextManifest = std::string(R"(# Does it read texts?
script = "text.lua"
seed   = 3

[host]
type    = "llama"
weights = ")") + FACET_TEST_DATA + R"(/llama_tiny"

[data]
type  = "jsonl"
path  = ")" + FACET_TEST_DATA + R"(/contexts/text.jsonl"
id    = ""
words = 20

[activations]
hookpoints = "layers.2"
pack       = 16

[sae]
type  = "topk"
d_sae = 64
k     = 4

[train]
steps = 12
batch = 16

[[analysis]]
type           = "contexts"
least_contexts = 1
before         = 3
after          = 2
)";

const char* const kTextScript = R"(-- Trains and shows contexts.
local run = require("facet").run()
local rows = run:activations { host = run:host(), data = run:data() }
local sae = run:sae { on = rows }
run:train { sae = sae, on = rows }
print(run:analyze_all { on = run:encode { sae = sae, on = rows } }.contexts.total_latents)
)";

/// Trained once for all tests.
const Workshop& text_workshop() {
  static const Workshop* here = [] {
    auto* made = new Workshop;
    made->write("text.toml", kTextManifest);
    made->write("text.lua", kTextScript);
    const Outcome outcome = made->facet({"run", "text.toml", "--quiet"});
    if (outcome.exit_code != 0) throw std::runtime_error(outcome.err);
    return made;
  }();
  return *here;
}

std::filesystem::path text_run() { return text_workshop().runs("text").at(0); }

}  // namespace

TEST(Texts, packed_give_contexts_named_by_their_records) {
  const facet::Table table = facet::parse_tsv(
      text_workshop().read(text_run() / "artefacts" / "contexts.tsv"), "contexts.tsv");
  ASSERT_GT(table.rows().size(), 10U);
  const std::regex sequence(
      R"(text\.jsonl:\d+/words-\d+/\d+(-\d+| to text\.jsonl:\d+/words-\d+/\d+))");
  for (const auto& row : table.rows()) {
    const auto& name = *row[4].as<std::string>();
    EXPECT_TRUE(std::regex_match(name, sequence)) << name;
    EXPECT_LT(*row[5].as<int64_t>(), 16);
    EXPECT_NE(row[6].as<std::string>()->find("<<"), std::string::npos);
  }
}

TEST(Texts, are_inspected_token_by_token_with_the_next_ones_change) {
  const Outcome seen = text_workshop().facet({"inspect", "--sae", (text_run() / "sae").string(),
                                              "--weights", FACET_TEST_DATA "/llama_tiny", "--top",
                                              "2", "--rows", "all", "And the earth\n"});
  EXPECT_EQ(seen.err, "");
  const std::string heading =
      "p(next) is the probability of the token that comes next, by the host and with the SAE "
      "spliced in\n\ntoken ";
  const size_t at = seen.out.find(heading);
  ASSERT_NE(at, std::string::npos) << seen.out;
  std::istringstream lines(seen.out.substr(at + heading.size()));
  std::string line;
  std::getline(lines, line);
  std::vector<std::string> tokens, chances;
  while (std::getline(lines, line) && !line.empty()) {
    std::istringstream words(line);
    std::string word, text, error;
    words >> word;
    if (word.front() != '<') words >> text;
    std::string chance;
    words >> error >> chance;
    tokens.push_back(word.front() == '<' ? word : text);
    chances.push_back(chance);
  }
  ASSERT_GE(tokens.size(), 4U) << seen.out;
  EXPECT_EQ(tokens.front(), "<|begin_of_text|>");
  EXPECT_EQ(tokens.back(), "↵");
  EXPECT_NE(std::find(tokens.begin(), tokens.end(), "·the"), tokens.end()) << seen.out;
  EXPECT_EQ(chances.back(), "-");
  EXPECT_GT(std::stod(chances.front()), 0);
  EXPECT_NE(seen.out.find("\nlatent    highest   at "), std::string::npos) << seen.out;
}

TEST(Texts, of_other_hosts_are_not_packed) {
  const ToyWorkshop here;
  const Outcome outcome =
      here.facet({"run", "toy.toml", "--quiet", "--set", "activations.pack=16"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find("activations.pack: is 16, but the host toy sees tokens on both sides: "
                             "joined records would change each other's rows"),
            std::string::npos)
      << outcome.err;
}
