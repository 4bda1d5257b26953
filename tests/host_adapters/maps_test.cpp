// Attention maps and contacts: what they are, and that they are made only when wanted.
#include <cmath>

#include "host_adapters/spoiled.h"

namespace facet {
namespace {

const std::vector<std::string> kTexts = {"MKVLAAGIC", "ACD"};
// Rows by maps and by the fast path differ in the order of summation alone.
constexpr double kSameRows = 1e-5;

std::vector<std::unique_ptr<HostModel>> hosts() {
  std::vector<std::unique_ptr<HostModel>> out;
  out.push_back(make_host("toy", {}));
  out.push_back(make_host("esm2", {{"weights", kTiny}}));
  return out;
}

TEST(Maps, are_probabilities_over_the_tokens_of_each_sequence) {
  for (const auto& host : hosts()) {
    const Seen seen = pass(*host, host->tokenize(kTexts), {}, {.attention = true});
    ASSERT_EQ(seen.attention.size(), kTexts.size());
    EXPECT_FALSE(seen.logits.defined());
    for (size_t i = 0; i < kTexts.size(); ++i) {
      const int64_t n = static_cast<int64_t>(kTexts[i].size()) + 2;
      const Tensor& map = seen.attention[i];
      EXPECT_EQ(map.sizes(), (std::vector<int64_t>{host->info().layers, 4, n, n}));
      EXPECT_EQ(map.scalar_type(), torch::kFloat32);
      EXPECT_GE(map.min().item<double>(), 0);
      EXPECT_TRUE(near(map.sum(-1), torch::ones({host->info().layers, 4, n}), 1e-5, 0));
    }
  }
}

TEST(Maps, mix_the_values_that_the_block_adds) {
  // Identical rows have equal values, so any mixture of them is that value: all rows stay alike.
  for (const auto& host : hosts()) {
    const Edit alike = [](const Rows& rows) { return rows.x[0].expand_as(rows.x).clone(); };
    Tensor out;
    const std::vector<Hook> hooks = {
        {"blocks.0.in", alike},
        {"blocks.0.attn.out", [&](const Rows& rows) { return out = rows.x; }}};
    host->forward(host->tokenize(kTexts), hooks, {.attention = true});
    EXPECT_TRUE(near(out, out[0].expand_as(out), 1e-5, 0)) << host->info().type;
  }
}

TEST(Maps, leave_the_rows_as_they_are_but_for_rounding) {
  for (const auto& host : hosts()) {
    const Tokens tokens = host->tokenize(kTexts);
    const Seen fast = pass(*host, tokens, {"blocks.1.out"}, {.logits = true});
    const Seen slow = pass(*host, tokens, {"blocks.1.out"}, {.logits = true, .attention = true});
    EXPECT_LT(worst_row(slow.rows.at("blocks.1.out").x, fast.rows.at("blocks.1.out").x), kSameRows);
    EXPECT_LT(worst_row(slow.logits, fast.logits), kSameRows);
    EXPECT_TRUE(fast.attention.empty());
    EXPECT_TRUE(slow.contacts.empty());
  }
}

TEST(Maps, follow_edits) {
  for (const auto& host : hosts()) {
    const auto maps = [&](const std::vector<Hook>& hooks) {
      return host->forward(host->tokenize(kTexts), hooks, {.attention = true}).attention[0];
    };
    const Tensor uneven = torch::linspace(-1, 1, host->info().d_model);
    const Tensor change =
        (maps({{"blocks.0.out", [&](const Rows& rows) { return rows.x + uneven; }}}) - maps({}))
            .abs()
            .amax({1, 2, 3});  // [layers]
    EXPECT_EQ(change[0].item<double>(), 0);
    EXPECT_GT(change[1].item<double>(), 1e-4);
  }
}

TEST(Maps, of_an_empty_sequence_are_those_of_its_specials) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  const Seen seen = pass(*host, host->tokenize(std::vector<std::string>{"", "MK"}), {},
                         {.attention = true, .contacts = true});
  EXPECT_EQ(seen.attention[0].sizes(), (std::vector<int64_t>{5, 4, 2, 2}));
  EXPECT_EQ(seen.contacts[0].sizes(), (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(seen.contacts[1].sizes(), (std::vector<int64_t>{2, 2}));
}

TEST(Contacts, are_symmetric_probabilities_of_residues) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  const Seen seen = pass(*host, host->tokenize(kTexts), {}, {.contacts = true});
  ASSERT_EQ(seen.contacts.size(), kTexts.size());
  EXPECT_TRUE(seen.attention.empty());
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const Tensor& contacts = seen.contacts[i];
    EXPECT_EQ(contacts.size(0), static_cast<int64_t>(kTexts[i].size()));
    EXPECT_TRUE(near(contacts, contacts.t(), 1e-6, 0));
    EXPECT_GT(contacts.min().item<double>(), 0);
    EXPECT_LT(contacts.max().item<double>(), 1);
  }
}

TEST(Contacts, without_specials_are_of_the_same_residues) {
  const auto host = make_host("esm2", {{"weights", kTiny}, {"specials", "none"}});
  const Seen seen = pass(*host, host->tokenize(kTexts), {}, {.contacts = true});
  EXPECT_EQ(seen.contacts[0].size(0), static_cast<int64_t>(kTexts[0].size()));
}

TEST(Contacts, are_refused_where_there_is_no_head_for_them_and_only_when_wanted) {
  const Spoiled spoiled;
  spoiled.change_tensors([](const std::string& name, const Tensor& tensor) {
    return name.starts_with("esm.contact_head") ? Tensor() : tensor;
  });
  EXPECT_EQ(
      spoiled.refusal_of_pass({}, {.contacts = true}),
      spoiled.path("model.safetensors") + ": has no esm.contact_head, so there are no contacts");
  EXPECT_EQ(spoiled.refusal_of_pass({}, {.logits = true, .attention = true}), "(no refusal)");
  EXPECT_EQ(refusal_of([] {
              const auto toy = make_host("toy", {});
              pass(*toy, tokens_of(*toy, {"M"}), {}, {.contacts = true});
            }),
            "toy: contacts are not offered by this host");
}

}  // namespace
}  // namespace facet
