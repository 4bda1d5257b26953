// facet activations: rows of a host in a safetensors file.
#include <facet/torch.h>
#include <gtest/gtest.h>

#include "facet/safetensors.h"
#include "toy_run.h"

using facet::Safetensors;
using facet::Tensor;

namespace {

std::vector<std::string> command(const std::vector<std::string>& more = {}) {
  std::vector<std::string> out = {"activations", "--host",      "toy",
                                  "--input",     "small.fasta", "--hookpoints",
                                  "layers.1",    "--out",       "rows.safetensors"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

// The command with one word in place of another.
std::vector<std::string> with(const std::string& from, const std::string& to) {
  std::vector<std::string> out = command();
  std::replace(out.begin(), out.end(), from, to);
  return out;
}

Tensor text_of(const std::string& text) {
  Tensor out = torch::empty({static_cast<int64_t>(text.size())}, torch::kUInt8);
  std::copy(text.begin(), text.end(), out.data_ptr<uint8_t>());
  return out;
}

}  // namespace

TEST(Activations, write_a_tensor_for_each_hookpoint_and_where_each_row_came_from) {
  const ToyWorkshop here;
  const Outcome outcome = here.facet(with("layers.1", "layers.{0..2}"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "rows.safetensors: 360 rows of 12 sequences at 3 hookpoints, width 32\n");
  const Safetensors file(here.folder() / "rows.safetensors");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"blocks.0.out", "embeddings", "final_norm.out",
                                                    "row_position", "row_sequence", "row_token",
                                                    "sequence_names"}));
  EXPECT_EQ(file.sizes("blocks.0.out"), (std::vector<int64_t>{360, 32}));
  EXPECT_TRUE(torch::equal(file.tensor("row_sequence"),
                           torch::arange(12, torch::kInt64).repeat_interleave(30)));
  EXPECT_TRUE(
      torch::equal(file.tensor("row_position"), torch::arange(1, 31, torch::kInt32).repeat({12})));
  // A row of the embeddings depends on its token alone.
  const Tensor token = file.tensor("row_token"), x = file.tensor("embeddings");
  const Tensor same = token.eq(token[0]).nonzero().squeeze(1);
  EXPECT_TRUE(torch::equal(x.index_select(0, same), x[0].expand({same.size(0), 32})));
  EXPECT_FALSE(torch::equal(x[0], x[1]));
  std::string names;
  for (int i = 0; i < 12; ++i) names += "p" + std::to_string(i) + "\n";
  EXPECT_TRUE(torch::equal(file.tensor("sequence_names"), text_of(names)));
  const auto& said = file.metadata();
  EXPECT_EQ(said.at("format"), "facet activations 1");
  EXPECT_EQ(said.at("host"), "toy");
  EXPECT_EQ(said.at("host_weights"), "toy d=32 blocks=2 heads=4 seed=0");
  EXPECT_EQ(said.at("hookpoints"), R"(["embeddings","blocks.0.out","final_norm.out"])");
  EXPECT_EQ(said.at("rows"), "content");
  EXPECT_EQ(said.at("pool"), "none");
}

TEST(Activations, keep_special_tokens_when_all_rows_are_wanted) {
  const ToyWorkshop here;
  EXPECT_EQ(here.facet(command({"--rows", "all"})).out,
            "rows.safetensors: 384 rows of 12 sequences at 1 hookpoints, width 32\n");
  const Safetensors file(here.folder() / "rows.safetensors");
  EXPECT_TRUE(
      torch::equal(file.tensor("row_position"), torch::arange(0, 32, torch::kInt32).repeat({12})));
}

TEST(Activations, pool_the_kept_rows_of_each_sequence) {
  const ToyWorkshop here;
  here.facet(command());
  const Tensor rows = Safetensors(here.folder() / "rows.safetensors").tensor("blocks.0.out");
  const Outcome outcome = here.facet(command({"--pool", "mean"}));
  EXPECT_EQ(outcome.out, "rows.safetensors: 12 rows of 12 sequences at 1 hookpoints, width 32\n");
  const Safetensors file(here.folder() / "rows.safetensors");
  const Tensor means =
      rows.to(torch::kFloat64).reshape({12, 30, 32}).sum(1).div(30).to(torch::kFloat32);
  EXPECT_TRUE(torch::equal(file.tensor("blocks.0.out"), means));
  EXPECT_TRUE(torch::equal(file.tensor("row_sequence"), torch::arange(12, torch::kInt64)));
  EXPECT_EQ(file.metadata().at("pool"), "mean");
}

TEST(Activations, take_options_of_host_data_and_stream) {
  const ToyWorkshop here;
  const Outcome outcome = here.facet(
      command({"--set", "host.d=16", "--set", "data.limit=2", "--set", "data.max_length=10",
               "--set", "data.longer=\"truncate\"", "--set", "activations.batch_tokens=1"}));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "rows.safetensors: 20 rows of 2 sequences at 1 hookpoints, width 16\n");
}

TEST(Activations, refuse_what_is_wrong_before_the_host_works) {
  const ToyWorkshop here;
  here.write("odd.fasta", ">a\nMK1\n");
  here.write("x.sam", "");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {with("toy", "tyo"), "--host: host.type: no host \"tyo\" (did you mean \"toy\"?)\n"},
      {with("layers.1", "layers.9"), "--hookpoints: "},
      {with("small.fasta", "none.fasta"),
       "--input: data.path: \"none.fasta\" does not exist (HERE/none.fasta)\n"},
      {with("small.fasta", "x.sam"),
       "--input: \"x.sam\", should end in one of .fasta, .fa, .faa, .fna, .tsv, .jsonl, .txt (and "
       ".gz or .zst)\nor say what it is: --set data.type=fasta\n"},
      {with("small.fasta", "odd.fasta"), "HERE/odd.fasta:2: "},
      {with("rows.safetensors", "no/rows.safetensors"),
       "--out: no/rows.safetensors: no folder HERE/no\n"},
      {with("rows.safetensors", "."), "--out: .: is a folder, should be a file\n"},
      {command({"--weights", "small.fasta"}), "--weights: host.weights: unknown key"},
      {command({"--rows", "some"}),
       "--rows: activations.rows: string \"some\", must be one of \"content\", \"all\"\n"},
      {command({"--pool", "sum"}),
       "--pool: activations.pool: string \"sum\", must be one of \"none\", \"mean\", \"max\"\n"},
      {command({"--set", "activations.max_norm=10"}),
       "activations.max_norm: how many rows it keeps is known when all were read, and a file of "
       "rows needs their number first: leave it out\n"},
      {command({"--set", "sae.k=3"}),
       "--set: \"sae.k=3\", should begin with one of host, data, activations\n"},
      {command({"--set", "data.type=\"synthetic\""}), "--input: data.path: unknown key\n"},
      {command({"--set", "host.dd=3"}), "--set: host.dd: unknown key\n"},
  };
  for (const auto& [arguments, err] : cases) {
    const Outcome outcome = here.facet(arguments);
    EXPECT_EQ(outcome.err.substr(0, err.size()), err) << outcome.err;
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
  }
  for (const auto& entry : std::filesystem::directory_iterator(here.folder()))
    EXPECT_EQ(entry.path().string().find("safetensors"), std::string::npos) << entry.path();
}

TEST(Activations, leave_nothing_on_a_full_disk) {
  const ToyWorkshop here;
  const Outcome outcome = here.facet(command(), {{"FACET_DISK_FULL_AFTER", "5000"}});
  EXPECT_EQ(outcome.err, "rows.safetensors: cannot write: No space left on device\n");
  EXPECT_EQ(outcome.exit_code, 1);
  for (const auto& entry : std::filesystem::directory_iterator(here.folder()))
    EXPECT_EQ(entry.path().string().find("safetensors"), std::string::npos) << entry.path();
}
