// esm2 against transformers: every hidden state and the logits, for single sequences and for
// batches.
#include <facet/safetensors.h>

#include <algorithm>
#include <fstream>

#include "host_adapters/adapters.h"
#include "host_adapters/spoiled.h"

namespace facet {
namespace {

// As tests/golden/esm2_tiny/golden.json states them.
constexpr double kHiddenAbs = 2e-4, kHiddenRel = 1e-4, kLogitsAbs = 5e-4;
// Probabilities; the peer adds up the channels in another order.
constexpr double kContactsAbs = 1e-5;
// Ten roundings to eight bits in each of five blocks, 2^-8 sqrt(50) = 2.8e-2, and half as much
// again; of a row's length, and of the largest logit.
constexpr double kBfloat16 = 4e-2;
// A sequence gives the same rows alone and in a batch but for the order of summation in matrix
// products.
constexpr double kBatchRel = 1e-5;
const std::vector<std::string> kCases = {"a", "masked", "odd", "single"};
const std::vector<std::string> kLayers = {"layers.0", "layers.1", "layers.2",
                                          "layers.3", "layers.4", "layers.5"};
const std::vector<std::string> kPoints = {"layers.0", "layers.1",     "layers.2", "layers.3",
                                          "layers.4", "blocks.4.out", "layers.5"};

std::unique_ptr<HostModel> tiny() { return make_host("esm2", {{"weights", kTiny}}); }

const Safetensors& golden() {
  static const Safetensors file(kTiny + "/golden.safetensors");
  return file;
}

int64_t sequences_of(const std::string& name) { return golden().sizes(name + ".input_ids")[0]; }

/// The tokens of some sequences of a case, without padding.
Tokens tokens_of(const std::string& name, const std::vector<int64_t>& sequences) {
  std::vector<Tensor> ids;
  std::vector<int64_t> start = {0};
  for (const int64_t i : sequences) {
    const Tensor real = golden().tensor(name + ".attention_mask")[i].to(torch::kBool);
    ids.push_back(golden().tensor(name + ".input_ids")[i].masked_select(real));
    start.push_back(start.back() + ids.back().numel());
  }
  const int64_t n = static_cast<int64_t>(sequences.size());
  const Tensor flag = torch::zeros({start.back()}, torch::kUInt8);
  for (const int64_t at : start) {
    if (at < start.back()) flag[at] = kSpecial;  // <cls>
    if (at > 0) flag[at - 1] = kSpecial;         // <eos>
  }
  return {torch::cat(ids), torch::tensor(start), torch::arange(n), flag};
}

/// The golden rows of some sequences, padding left out.
Tensor rows_of(const std::string& name, const std::string& tensor,
               const std::vector<int64_t>& sequences) {
  std::vector<Tensor> rows;
  for (const int64_t i : sequences) {
    const int64_t n = golden().tensor(name + ".attention_mask")[i].sum().item<int64_t>();
    rows.push_back(golden().tensor(name + "." + tensor)[i].slice(0, 0, n));
  }
  return torch::cat(rows);
}

void expect_golden(HostModel& host, const std::string& name,
                   const std::vector<int64_t>& sequences) {
  const Seen seen = pass(host, tokens_of(name, sequences), kLayers, {.logits = true});
  for (size_t k = 0; k < kLayers.size(); ++k)
    EXPECT_TRUE(near(seen.rows.at(kLayers[k]).x,
                     rows_of(name, "hidden_states." + std::to_string(k), sequences), kHiddenAbs,
                     kHiddenRel))
        << name << " " << kLayers[k];
  EXPECT_TRUE(near(seen.logits, rows_of(name, "logits", sequences), kLogitsAbs, 0)) << name;
}

void expect_contacts(HostModel& host, const std::string& name,
                     const std::vector<int64_t>& sequences) {
  const Seen seen = pass(host, tokens_of(name, sequences), {}, {.contacts = true});
  ASSERT_EQ(seen.contacts.size(), sequences.size());
  for (size_t i = 0; i < sequences.size(); ++i) {
    const int64_t r = seen.contacts[i].size(0);
    const Tensor is =
        golden().tensor(name + ".contacts")[sequences[i]].slice(0, 0, r).slice(1, 0, r);
    EXPECT_TRUE(near(seen.contacts[i], is, kContactsAbs, 0)) << name << " " << sequences[i];
  }
}

std::vector<int64_t> all_of(const std::string& name) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < sequences_of(name); ++i) out.push_back(i);
  return out;
}

TEST(Esm2Golden, gives_the_hidden_states_and_logits_of_single_sequences) {
  const auto host = tiny();
  for (const std::string& name : kCases)
    for (const int64_t i : all_of(name)) expect_golden(*host, name, {i});
}

TEST(Esm2Golden, gives_the_hidden_states_and_logits_of_batches) {
  const auto host = tiny();
  for (const std::string& name : kCases) expect_golden(*host, name, all_of(name));
  expect_golden(*host, "a", {2, 0});
}

TEST(Esm2Golden, gives_the_contacts_of_single_sequences_and_of_batches) {
  const auto host = tiny();
  for (const std::string name : {"a", "single"}) {
    for (const int64_t i : all_of(name)) expect_contacts(*host, name, {i});
    expect_contacts(*host, name, all_of(name));
  }
  expect_contacts(*host, "a", {2, 0});
}

TEST(Esm2Golden, stays_near_in_bfloat16) {
  const auto host = make_host("esm2", {{"weights", kTiny}, {"dtype", "bf16"}});
  for (const std::string& name : kCases) {
    const Seen seen = pass(*host, tokens_of(name, all_of(name)), kLayers, {.logits = true});
    for (size_t k = 0; k < kLayers.size(); ++k) {
      const Tensor& rows = seen.rows.at(kLayers[k]).x;
      EXPECT_EQ(rows.scalar_type(), torch::kBFloat16);
      EXPECT_LT(worst_row(rows, rows_of(name, "hidden_states." + std::to_string(k), all_of(name))),
                kBfloat16)
          << name << " " << kLayers[k];
    }
    const Tensor logits = rows_of(name, "logits", all_of(name));
    EXPECT_EQ(seen.logits.scalar_type(), torch::kFloat32);
    EXPECT_TRUE(near(seen.logits, logits, kBfloat16 * logits.abs().max().item<double>(), 0));
  }
}

TEST(Esm2Golden, gives_the_same_rows_alone_and_in_a_batch) {
  const auto host = tiny();
  const Seen together = pass(*host, tokens_of("a", {0, 1, 2}), kPoints);
  for (int64_t i = 0; i < 3; ++i) {
    const Seen alone = pass(*host, tokens_of("a", {i}), kPoints);
    for (const std::string& point : kPoints) {
      const Rows& rows = together.rows.at(point);
      const Tensor same = rows.x.index({rows.sequence == i});
      EXPECT_TRUE(
          near(same, alone.rows.at(point).x, kBatchRel * same.abs().max().item<double>(), 0))
          << point;
    }
  }
}

TEST(Esm2Golden, gives_the_same_bits_again) {
  const auto host = tiny();
  const Seen first = pass(*host, tokens_of("a", {0, 1, 2}), kLayers, {.logits = true});
  const Seen second = pass(*tiny(), tokens_of("a", {0, 1, 2}), kLayers, {.logits = true});
  for (const std::string& layer : kLayers)
    EXPECT_TRUE(torch::equal(first.rows.at(layer).x, second.rows.at(layer).x)) << layer;
  EXPECT_TRUE(torch::equal(first.logits, second.logits));
}

TEST(Esm2Golden, tokenizes_as_transformers_but_for_runs_of_unknown_letters) {
  const auto host = make_host("esm2", {{"weights", kTiny}, {"unknown", "unk"}});
  std::ifstream file(kTiny + "/golden.json");
  const Value said =
      parse_json(std::string(std::istreambuf_iterator<char>(file), {}), "golden.json");
  for (const std::string& name : kCases) {
    const auto& texts = said.at("cases").at(name).array("text");
    for (int64_t i = 0; i < sequences_of(name); ++i) {
      const std::vector<std::string> text = {*texts[static_cast<size_t>(i)].as<std::string>()};
      const Tensor ids = std::get<0>(torch::unique_consecutive(host->tokenize(text).id));
      const Tensor golden_ids = std::get<0>(torch::unique_consecutive(tokens_of(name, {i}).id));
      EXPECT_TRUE(torch::equal(ids, golden_ids)) << text[0];
    }
  }
}

TEST(Esm2Golden, takes_stored_frequencies_when_asked) {
  const auto host = make_host("esm2", {{"weights", kTiny}, {"inv_freq", "stored"}});
  expect_golden(*host, "a", {0, 1, 2});  // this file stores what is computed
}

TEST(Esm2Golden, gives_other_rows_with_frequencies_rounded_as_in_released_files) {
  const Spoiled rounded;
  rounded.change_tensors([](const std::string& name, const Tensor& tensor) {
    return name.ends_with("inv_freq") ? tensor.to(torch::kHalf).to(torch::kFloat32) : tensor;
  });
  const Tokens tokens = tokens_of("a", {0});
  const auto rows = [&](const char* inv_freq) {
    return pass(*rounded.host({{"inv_freq", inv_freq}}), tokens, {"layers.4"})
        .rows.at("layers.4")
        .x;
  };
  const Tensor golden_rows = rows_of("a", "hidden_states.4", {0});
  EXPECT_TRUE(near(rows("computed"), golden_rows, kHiddenAbs, kHiddenRel));
  const double apart = worst_row(rows("stored"), golden_rows);
  EXPECT_GT(apart, 1e-5);
  EXPECT_LT(apart, 1e-1);
  EXPECT_TRUE(torch::equal(rows("stored"), rows("stored")));
}

}  // namespace
}  // namespace facet
