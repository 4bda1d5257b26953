// facet inspect: what an SAE sees in one sequence.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "facet/safetensors.h"
#include "trained_toy.h"

namespace {

const std::string kSequence = "MKTAYIAKQR";

// Lines of the first table below its heading.
std::vector<std::string> residues(const std::string& out) {
  std::vector<std::string> lines;
  std::istringstream in(out.substr(out.find("latents (value)\n")));
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line) && !line.empty()) lines.push_back(line);
  return lines;
}

}  // namespace

TEST(Inspect, shows_each_residue_with_its_latents_and_error) {
  const TrainedWorkshop here;
  const Outcome outcome = here.facet({"inspect", "--sae", "sae", "--top", "2", kSequence});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find('\n')),
            "topk, 64 latents at blocks.0.out of toy; error is |x - reconstruction| / |x|");
  const std::vector<std::string> lines = residues(outcome.out);
  ASSERT_EQ(lines.size(), kSequence.size());
  const std::regex form(
      R"((\d+) ([A-Z]) +(\d\S*) +\d\S* +\d\S* +\S+ +\S+ +\d+ \(\d\S*\)  \d+ \(\d\S*\))");
  for (size_t i = 0; i < lines.size(); ++i) {
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(lines[i], parts, form)) << lines[i];
    EXPECT_EQ(parts[1], std::to_string(i + 1));
    EXPECT_EQ(parts[2], kSequence.substr(i, 1));
  }
}

TEST(Inspect, shows_what_the_sae_in_its_place_does_to_each_prediction) {
  const TrainedWorkshop here;
  const Outcome seen = here.facet({"inspect", "--sae", "sae", kSequence});
  EXPECT_NE(
      seen.out.find("\np(residue) is the probability of the residue, by the host and with the "
                    "SAE spliced in\n"),
      std::string::npos)
      << seen.out;
  EXPECT_NE(seen.out.find("\nresidue   error     p(residue)  spliced     likeliest  spliced  "
                          "latents (value)\n"),
            std::string::npos)
      << seen.out;
  bool changes = false;
  for (const std::string& line : residues(seen.out)) {
    std::istringstream words(line);
    std::string number, letter, error, plain, spliced;
    words >> number >> letter >> error >> plain >> spliced;
    for (const std::string& p : {plain, spliced}) {
      EXPECT_GT(std::stod(p), 0) << line;
      EXPECT_LE(std::stod(p), 1) << line;
    }
    changes = changes || plain != spliced;
  }
  EXPECT_TRUE(changes) << seen.out;
}

TEST(Inspect, shows_tokens_that_the_host_added_when_asked) {
  const TrainedWorkshop here;
  const auto lines =
      residues(here.facet({"inspect", "--sae", "sae", "--rows", "all", kSequence}).out);
  ASSERT_EQ(lines.size(), kSequence.size() + 2);
  EXPECT_EQ(lines.front().substr(0, 6), "<cls> ");
  EXPECT_EQ(lines[1].substr(0, 4), "1 M ");
  EXPECT_EQ(lines.back().substr(0, 6), "<eos> ");
}

TEST(Inspect, agrees_with_encode) {
  const TrainedWorkshop here;
  here.write("one.fasta", ">one\n" + kSequence + "\n");
  here.facet({"activations", "--host", "toy", "--input", "one.fasta", "--hookpoints", "layers.1",
              "--out", "rows.safetensors"});
  here.facet({"encode", "--sae", "sae", "--in", "rows.safetensors", "--out", "codes.safetensors"});
  const facet::Safetensors codes(here.folder() / "codes.safetensors");
  const auto start = codes.tensor("indptr"), index = codes.tensor("index"),
             value = codes.tensor("value");
  const std::vector<std::string> lines =
      residues(here.facet({"inspect", "--sae", "sae", "--top", "1", kSequence}).out);
  ASSERT_EQ(lines.size(), kSequence.size());
  for (int64_t row = 0; row < static_cast<int64_t>(lines.size()); ++row) {
    const int64_t begin = start[row].item<int64_t>(), end = start[row + 1].item<int64_t>();
    const int64_t best = begin + value.slice(0, begin, end).argmax().item<int64_t>();
    const std::string latent = " " + std::to_string(index[best].item<int32_t>()) + " (";
    EXPECT_NE(lines[static_cast<size_t>(row)].find(latent), std::string::npos)
        << lines[static_cast<size_t>(row)] << latent;
  }
}

TEST(Inspect, names_the_strongest_latents_of_the_sequence) {
  const TrainedWorkshop here;
  const std::string out = here.facet({"inspect", "--sae", "sae", kSequence}).out;
  std::istringstream in(out.substr(out.find("\nlatent    highest   at        residues\n") + 1));
  std::string line;
  std::getline(in, line);
  double before = 1e30;
  int lines = 0;
  for (; std::getline(in, line); ++lines) {
    std::istringstream words(line);
    int latent = 0, at = 0, count = 0;
    double highest = 0;
    std::string residue;
    words >> latent >> highest >> at >> residue >> count;
    EXPECT_TRUE(words) << line;
    EXPECT_LE(highest, before);
    EXPECT_EQ(residue, kSequence.substr(static_cast<size_t>(at - 1), 1));
    EXPECT_GE(count, 1);
    before = highest;
  }
  EXPECT_EQ(lines, 10);
}

TEST(Inspect, leaves_predictions_out_where_no_row_can_be_replaced) {
  const ToyWorkshop here;
  const Outcome trained = here.facet({"run", "toy.toml", "--quiet", "--set", "sae.type=route",
                                      "--set", "sae.routing=soft", "--set",
                                      R"(activations.hookpoints=["layers.1","layers.2"])"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string sae = (here.folder() / here.runs("toy").at(0) / "sae").string();
  const Outcome outcome = here.facet({"inspect", "--sae", sae, kSequence});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out.find("spliced"), std::string::npos);
  EXPECT_EQ(residues(outcome.out).size(), kSequence.size());
}

TEST(Inspect, refuses_other_weights_and_what_cannot_be_read) {
  const TrainedWorkshop here;
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--sae", "sae", "--set", "host.seed=1", kSequence},
       "host: the weights are toy d=32 blocks=2 heads=4 seed=1, the SAE was trained on toy d=32 "
       "blocks=2 heads=4 seed=0\n"},
      {{"--sae", "sae", "--weights", "small.fasta", kSequence},
       "--weights: host.weights: unknown key\n"},
      {{"--sae", "sae", "--set", "data.limit=1", kSequence},
       "--set: \"data.limit=1\", should begin with one of host\n"},
      {{"--sae", "sae", "--rows", "pads", kSequence},
       "--rows: is \"pads\", should be content or all\n"},
      {{"--sae", "nowhere", kSequence}, "nowhere: not an SAE: has none of facet.json (facet), "},
      {{"--sae", "sae", "MK1"},
       "toy: record \"SEQUENCE\": letter \"1\" at position 3: not in the vocabulary"},
  };
  for (const auto& [arguments, err] : cases) {
    std::vector<std::string> words = {"inspect"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome outcome = here.facet(words);
    EXPECT_EQ(outcome.err.substr(0, err.size()), err) << outcome.err;
    EXPECT_EQ(outcome.exit_code, 1);
  }
}
