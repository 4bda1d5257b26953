// The conformance suite of hosts finds each fault it looks for, and nothing in a host without
// faults.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include "plugin/conformance.h"

using namespace facet;

namespace {

enum class Fault {
  none = 1,
  two_of_a_name,
  no_hash,
  tokens_from_one,
  skips_a_hook,
  notices_readers,
  ignores_edits,
  mixes_sequences,
  minds_order,
  never_the_same,
  logits_unasked,
  maps_unasked,
  maps_of_some,
  maps_unscaled,
  contacts_unasked,
  contacts_of_specials,
  contacts_unbounded,
  gradients_unasked,
  cuts_gradients,
  gradients_of_zero,
  first_for_last,
  decodes_otherwise,
  forgets_lengths,
  spells_otherwise,
};

struct Counted final : Decoding {
  std::vector<int64_t> lengths() const override { return held; }
  std::vector<int64_t> held;
};

struct NoParams {};

// Letters A .. H between specials; one block of width 6.
template <Fault kFault>
class FaultyHost final : public HostModel {
 public:
  FaultyHost(const NoParams&, const HostSetup&) {
    info_.points = {{"embeddings", "layers.0", 6, -1}, {"blocks.0.out", "layers.1", 6, 0}};
    if (kFault == Fault::two_of_a_name) info_.points[1].alias = "layers.0";
    info_.tokens = {"<cls>", "A", "B", "C", "D", "E", "F", "G", "H", "<eos>"};
    info_.vocabulary = 10;
    info_.layers = 1;
    if (kFault != Fault::no_hash) info_.weights_hash = "seed 5";
    Init init(5);
    embeddings_ = init.uniform({10, 6}, 1.0);
    block_ = init.uniform({6, 6}, 1.0);
    if (kFault == Fault::gradients_unasked) block_.requires_grad_();
  }

  const HostInfo& info() const override { return info_; }

  Tokens tokenize(std::span<const std::string> texts) const override {
    std::vector<int64_t> id, start = {0}, sequence;
    for (const std::string& text : texts) {
      id.push_back(0);
      for (const char letter : text) id.push_back(letter - 'A' + 1);
      id.push_back(9);
      start.push_back(static_cast<int64_t>(id.size()));
      sequence.push_back(static_cast<int64_t>(sequence.size()));
    }
    if (kFault == Fault::tokens_from_one) start[0] = 1;
    const auto tokens = static_cast<int64_t>(id.size());
    return {torch::tensor(id, torch::kInt64), torch::tensor(start, torch::kInt64),
            torch::tensor(sequence, torch::kInt64), torch::zeros({tokens}, torch::kUInt8)};
  }

  std::string text(std::span<const int64_t> ids) const override {
    return kFault == Fault::spells_otherwise ? "X" : HostModel::text(ids);
  }

  std::unique_ptr<Decoding> decoding() override {
    if (kFault != Fault::none && kFault != Fault::decodes_otherwise &&
        kFault != Fault::forgets_lengths)
      return nullptr;
    return std::make_unique<Counted>();
  }

  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                 Decoding* decoding) override {
    const bool tracked = want.gradients || kFault == Fault::gradients_unasked;
    const at::AutoGradMode gradients(tracked);
    const auto edit = [&](size_t point, const Tensor& x) {
      const int64_t n = tokens.id.size(0);
      const Rows rows{x, torch::zeros({n}, torch::kInt64), torch::arange(n, torch::kInt32),
                      tokens.id.to(torch::kInt32), tokens.flag};
      return apply_hooks(hooks, info_.points[point].name, rows);
    };
    Tensor x = edit(0, embeddings_.index_select(0, tokens.id));  // [t, 6]
    if (kFault == Fault::notices_readers && !hooks.empty()) x = x + 1e-3;
    if (kFault == Fault::mixes_sequences) x = x - x.mean(0);
    if (kFault == Fault::minds_order && tokens.start.numel() > 2 &&
        tokens.start[1].item<int64_t>() == 5)  // the shortest text stands first
      x = x + 1e-3;
    if (kFault == Fault::never_the_same) x = x + 1e-7 * ++passes_;
    if (kFault == Fault::cuts_gradients) x = x.detach();
    x = x + torch::matmul(x, block_).tanh();
    if (kFault == Fault::gradients_of_zero) x = x.detach() + 0 * x;
    if (kFault != Fault::skips_a_hook) {
      const Tensor edited = edit(1, x);
      if (kFault != Fault::ignores_edits) x = edited;
    }
    Logits out;
    if (decoding) count(tokens, static_cast<Counted&>(*decoding).held);
    if (decoding && kFault == Fault::decodes_otherwise) x = x + 0.1;
    if (want.last) {
      const Tensor last = tokens.start.slice(0, 1) - 1;
      x = x.index_select(0, kFault == Fault::first_for_last ? tokens.start.slice(0, 0, -1) : last);
    }
    if (want.logits || kFault == Fault::logits_unasked)
      out.value = torch::matmul(x, embeddings_.t());
    if (want.attention || kFault == Fault::maps_unasked) out.attention = maps(tokens);
    if (want.contacts || kFault == Fault::contacts_unasked) out.contacts = contacts(tokens);
    return out;
  }

 private:
  static void count(const Tokens& tokens, std::vector<int64_t>& held) {
    held.resize(static_cast<size_t>(tokens.sequences()));
    for (size_t i = 0; i < held.size() && kFault != Fault::forgets_lengths; ++i)
      held[i] += tokens.start.diff()[static_cast<int64_t>(i)].item<int64_t>();
  }

  // One layer, two heads, each token attends to all alike.
  std::vector<Tensor> maps(const Tokens& tokens) const {
    std::vector<Tensor> out;
    for (int64_t i = 0; i < tokens.sequence.numel(); ++i) {
      const int64_t n = tokens.start.diff()[i].item<int64_t>();
      const double share = kFault == Fault::maps_unscaled ? 1 : 1 / static_cast<double>(n);
      out.push_back(torch::full({1, 2, n, n}, share, torch::kFloat32));
    }
    if (kFault == Fault::maps_of_some) out.pop_back();
    return out;
  }
  std::vector<Tensor> contacts(const Tokens& tokens) const {
    const double value = kFault == Fault::contacts_unbounded ? 2 : 0.5;
    const int64_t specials = kFault == Fault::contacts_of_specials ? 0 : 2;
    std::vector<Tensor> out;
    for (int64_t i = 0; i < tokens.sequence.numel(); ++i) {
      const int64_t r = tokens.start.diff()[i].item<int64_t>() - specials;
      out.push_back(torch::full({r, r}, value, torch::kFloat32));
    }
    return out;
  }

  HostInfo info_;
  Tensor embeddings_, block_;
  int64_t passes_ = 0;
};

template <Fault kFault>
Findings findings_of() {
  Registry registry;
  registry.set_plugin("org.example.faulty");
  registry.add_host<FaultyHost<kFault>>("faulty", "A host with one fault.", Schema<NoParams>());
  return check_host(registry.host("faulty"));
}

// The details of what failed, by property.
template <Fault kFault>
std::string failures() {
  Findings failed;
  for (const Finding& finding : findings_of<kFault>())
    if (finding.verdict == Verdict::fail) failed.push_back(finding);
  return describe(failed);
}

}  // namespace

TEST(HostConformance, finds_nothing_in_a_host_without_faults) {
  EXPECT_EQ(describe(findings_of<Fault::none>()),
            "host faulty: documented: pass\n"
            "host faulty: constructs: pass\n"
            "host faulty: information is consistent: pass\n"
            "host faulty: tokens are consistent: pass\n"
            "host faulty: rows at each hookpoint: pass\n"
            "host faulty: reading changes nothing: pass\n"
            "host faulty: replacing changes the output: pass\n"
            "host faulty: a batch gives the rows of single sequences: pass\n"
            "host faulty: any order gives the same rows: pass\n"
            "host faulty: the same bits again: pass\n"
            "host faulty: logits only when wanted: pass\n"
            "host faulty: last gives the logits of the last tokens: pass\n"
            "host faulty: decoding token by token gives the logits of the whole: pass\n"
            "host faulty: a text comes back from its tokens: pass\n"
            "host faulty: attention maps only when wanted: pass\n"
            "host faulty: contacts only when wanted: pass\n"
            "host faulty: gradients only when wanted: pass\n"
            "host faulty: gradients reach each hookpoint: pass\n"
            "host faulty: prints nothing: pass\n");
}

TEST(HostConformance, finds_two_hookpoints_of_one_name) {
  EXPECT_EQ(failures<Fault::two_of_a_name>(),
            "host faulty: information is consistent: fail: two hookpoints are called layers.0\n");
}

TEST(HostConformance, finds_weights_without_a_hash) {
  EXPECT_EQ(failures<Fault::no_hash>(),
            "host faulty: information is consistent: fail: no hash of the weights\n");
}

TEST(HostConformance, finds_tokens_that_do_not_add_up) {
  EXPECT_EQ(failures<Fault::tokens_from_one>(),
            "host faulty: tokens are consistent: fail: start should rise from 0 to the number of "
            "tokens\n");
}

TEST(HostConformance, finds_a_hook_that_is_not_called) {
  const std::string said = failures<Fault::skips_a_hook>();
  EXPECT_EQ(said.substr(0, said.find('\n')),
            "host faulty: rows at each hookpoint: fail: blocks.0.out: its hook was not called");
}

TEST(HostConformance, finds_a_host_that_notices_readers) {
  EXPECT_EQ(failures<Fault::notices_readers>(),
            "host faulty: reading changes nothing: fail: logits have other bits when every "
            "hookpoint is read\n");
}

TEST(HostConformance, finds_edits_without_effect) {
  EXPECT_EQ(failures<Fault::ignores_edits>(),
            "host faulty: replacing changes the output: fail: blocks.0.out: zeros instead of its "
            "rows change no logit\n"
            "host faulty: gradients reach each hookpoint: fail: blocks.0.out: no gradient of the "
            "logits reaches it\n");
}

TEST(HostConformance, finds_sequences_that_see_each_other) {
  EXPECT_EQ(failures<Fault::mixes_sequences>(),
            "host faulty: a batch gives the rows of single sequences: fail: blocks.0.out: sequence "
            "0 has other rows in a batch than alone\n");
}

TEST(HostConformance, finds_rows_that_depend_on_the_order) {
  EXPECT_EQ(failures<Fault::minds_order>(),
            "host faulty: any order gives the same rows: fail: blocks.0.out: sequence 0 has other "
            "rows when the others stand elsewhere\n");
}

TEST(HostConformance, finds_a_host_that_never_gives_the_same) {
  EXPECT_EQ(failures<Fault::never_the_same>(),
            "host faulty: reading changes nothing: fail: logits have other bits when every "
            "hookpoint is read\n"
            "host faulty: the same bits again: fail: blocks.0.out: a second pass gives other "
            "bits\n");
}

TEST(HostConformance, finds_attention_maps_that_are_none) {
  const std::string found = "host faulty: attention maps only when wanted: fail: ";
  EXPECT_EQ(failures<Fault::maps_unasked>(), found + "attention maps came unasked\n");
  EXPECT_EQ(failures<Fault::maps_of_some>(),
            found + "a host gives a map of each sequence or refuses\n");
  EXPECT_EQ(failures<Fault::maps_unscaled>(),
            found + "what a token attends to does not sum to 1\n");
}

TEST(HostConformance, finds_contacts_that_are_none) {
  const std::string found = "host faulty: contacts only when wanted: fail: ";
  EXPECT_EQ(failures<Fault::contacts_unasked>(), found + "contacts came unasked\n");
  EXPECT_EQ(failures<Fault::contacts_of_specials>(),
            found + "contacts are not [residues, residues]\n");
  EXPECT_EQ(failures<Fault::contacts_unbounded>(), found + "contacts are not probabilities\n");
}

TEST(HostConformance, finds_logits_that_came_unasked) {
  EXPECT_EQ(failures<Fault::logits_unasked>(),
            "host faulty: logits only when wanted: fail: logits came unasked\n");
}

TEST(HostConformance, finds_logits_of_other_tokens_than_the_last) {
  EXPECT_EQ(failures<Fault::first_for_last>(),
            "host faulty: last gives the logits of the last tokens: fail: they are not those of "
            "the last token of each sequence\n");
}

TEST(HostConformance, finds_cached_passes_that_give_something_else) {
  const std::string found =
      "host faulty: decoding token by token gives the logits of the whole: fail: ";
  EXPECT_EQ(failures<Fault::decodes_otherwise>(), found + "other logits at token 0\n");
  EXPECT_EQ(failures<Fault::forgets_lengths>(), found + "it says other lengths than were given\n");
}

TEST(HostConformance, finds_a_text_that_comes_back_as_another) {
  EXPECT_EQ(failures<Fault::spells_otherwise>(),
            "host faulty: a text comes back from its tokens: fail: \"ABCDE\" came back as \"X\"\n");
}

TEST(HostConformance, finds_gradients_that_came_unasked_or_not_at_all) {
  EXPECT_EQ(failures<Fault::gradients_unasked>(),
            "host faulty: gradients only when wanted: fail: rows carry gradients that nobody asked "
            "for\n");
  EXPECT_EQ(failures<Fault::cuts_gradients>(),
            "host faulty: gradients only when wanted: fail: no gradients when they were asked "
            "for\n"
            "host faulty: gradients reach each hookpoint: fail: embeddings: no gradient of the "
            "logits reaches it\n");
}

TEST(HostConformance, finds_a_hookpoint_that_gradients_do_not_reach) {
  EXPECT_EQ(failures<Fault::gradients_of_zero>(),
            "host faulty: gradients reach each hookpoint: fail: embeddings: no gradient of the "
            "logits reaches it\n");
}
