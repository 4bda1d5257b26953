// What every adapter promises of hooks: edits reach what follows, compose, and decide how far the
// host runs.
#include <ATen/Parallel.h>
#include <ATen/record_function.h>

#include <atomic>

#include "expect_refusal.h"
#include "host_adapters/adapters.h"

namespace facet {
namespace {

const std::vector<std::string> kTexts = {"MKVLAAGIC", "ACDEFGHIKL"};

std::vector<std::unique_ptr<HostModel>> hosts() {
  std::vector<std::unique_ptr<HostModel>> out;
  out.push_back(make_host("toy", {}));
  out.push_back(make_host("esm2", {{"weights", kTiny}}));
  out.push_back(make_host("llama", {{"weights", kTinyLlama}}));
  return out;
}

std::atomic<int64_t> linears = 0;

/// How many linear layers a call ran.
template <class Call>
int64_t linears_of(Call&& call) {
  const auto handle =
      at::addGlobalCallback(at::RecordFunctionCallback([](const at::RecordFunction& function)
                                                           -> std::unique_ptr<at::ObserverContext> {
                              const std::string name = function.name();
                              linears +=
                                  name == "aten::linear" || name == "mkldnn::_linear_pointwise";
                              return nullptr;
                            }).scopes({at::RecordScope::FUNCTION}));
  linears = 0;
  call();
  at::removeCallback(handle);
  return linears;
}

Tensor logits_with(HostModel& host, const std::vector<Hook>& hooks) {
  return host.forward(host.tokenize(kTexts), hooks, {.logits = true}).value;
}

TEST(Hooks, that_read_leave_the_logits_as_they_are) {
  for (const auto& host : hosts()) {
    std::vector<std::string> points;
    for (const HookPoint& point : host->info().points) points.push_back(point.name);
    const Seen seen = pass(*host, host->tokenize(kTexts), points, {.logits = true});
    EXPECT_EQ(seen.rows.size(), host->info().points.size());
    EXPECT_TRUE(torch::equal(seen.logits, logits_with(*host, {}))) << host->info().type;
  }
}

TEST(Hooks, that_replace_rows_change_what_follows_and_only_in_their_sequence) {
  for (const auto& host : hosts()) {
    const Tensor before = logits_with(*host, {});
    const Tensor uneven =
        torch::linspace(-1, 1, host->info().d_model);  // an even shift is lost in layer norms
    const int64_t first = static_cast<int64_t>(kTexts[0].size()) + 2;
    for (const HookPoint& point : host->info().points) {
      const Tensor after =
          logits_with(*host, {{point.name, [&](const Rows& rows) {
                                 return rows.x + (rows.sequence == 0).unsqueeze(1) * uneven;
                               }}});
      const Tensor change = (after - before).abs();
      EXPECT_GT(change.slice(0, 0, first).max().item<double>(), 1e-3) << point.name;
      EXPECT_LT(change.slice(0, first).max().item<double>(), 1e-5) << point.name;
    }
  }
}

TEST(Hooks, see_the_residual_stream_add_up) {
  for (const auto& host : hosts()) {
    const Seen seen = pass(
        *host, host->tokenize(kTexts),
        {"blocks.1.in", "blocks.1.attn.out", "blocks.1.mlp.out", "blocks.1.out", "blocks.0.out"});
    const auto x = [&](const char* point) { return seen.rows.at(point).x; };
    EXPECT_TRUE(torch::equal(x("blocks.0.out"), x("blocks.1.in")));
    EXPECT_TRUE(near(x("blocks.1.in") + x("blocks.1.attn.out") + x("blocks.1.mlp.out"),
                     x("blocks.1.out"), 1e-5, 1e-6));
  }
}

TEST(Hooks, compose_at_one_point_in_their_order) {
  for (const auto& host : hosts()) {
    Tensor seen;
    const Edit zero = [](const Rows& rows) { return torch::zeros_like(rows.x); };
    const Edit one = [](const Rows& rows) { return rows.x + 1; };
    const Edit read = [&](const Rows& rows) { return seen = rows.x; };
    host->forward(
        host->tokenize(kTexts),
        std::vector<Hook>{{"blocks.0.out", zero}, {"blocks.0.out", one}, {"blocks.1.in", read}},
        {});
    EXPECT_TRUE(torch::equal(seen, torch::ones_like(seen)));
  }
}

TEST(Hooks, decide_how_far_the_host_runs) {
  for (const auto& host : hosts()) {
    const Tokens tokens = host->tokenize(kTexts);
    pass(*host, tokens, {"embeddings"});  // weights are read here
    const auto linears_to = [&](const char* point) {
      return linears_of([&] { pass(*host, tokens, {point}); });
    };
    EXPECT_EQ(linears_of([&] { pass(*host, tokens, {}); }), 0);
    EXPECT_EQ(linears_to("embeddings"), 0);
    EXPECT_EQ(linears_to("blocks.0.in"), 0);
    // One product for queries, keys and values, one for gate and up.
    const int64_t attention = 2, block = attention + 2;
    EXPECT_EQ(linears_to("blocks.0.attn.out"), attention);
    EXPECT_EQ(linears_to("blocks.0.mlp.out"), block);
    EXPECT_EQ(linears_to("blocks.0.out"), block);
    EXPECT_EQ(linears_to("blocks.1.out"), 2 * block);
    EXPECT_GE(linears_of([&] { pass(*host, tokens, {"embeddings"}, {.logits = true}); }),
              block * host->info().layers);
  }
}

/// Enough sequences to be computed in several stretches.
std::vector<std::string> many_texts() {
  std::vector<std::string> texts;
  for (size_t i = 0; i < 40; ++i) {
    texts.emplace_back();
    for (size_t j = 0; j < 20 + 7 * i; ++j)
      texts.back() += "ACDEFGHIKLMNPQRSTVWY"[(j * j + i * j + i) % 20];
  }
  return texts;
}

TEST(Hooks, see_the_same_rows_however_many_sequences_run_together) {
  const auto texts = many_texts();
  const std::vector<std::string> points = {"blocks.0.attn.out", "blocks.0.out", "blocks.1.mlp.out",
                                           "final_norm.out"};
  for (const auto& host : hosts()) {
    const Seen together = pass(*host, host->tokenize(texts), points, {.logits = true});
    for (const size_t i : {0, 17, 39}) {
      const Seen alone = pass(*host, tokens_of(*host, {texts[i]}), points, {.logits = true});
      const Tensor mine = together.rows.at(points[0]).sequence == static_cast<int64_t>(i);
      for (const std::string& point : points)
        EXPECT_TRUE(
            near(together.rows.at(point).x.index({mine}), alone.rows.at(point).x, 2e-5, 1e-5))
            << point;
      EXPECT_TRUE(near(together.logits.index({mine}), alone.logits, 2e-5, 1e-5));
    }
  }
}

TEST(Hooks, see_the_same_bits_on_one_thread_and_on_two) {
  const int threads = at::get_num_threads();
  for (const auto& host : hosts()) {
    std::vector<Tensor> logits;
    for (const int n : {1, 2}) {
      at::set_num_threads(n);
      logits.push_back(
          pass(*host, host->tokenize(many_texts()), {"blocks.1.in"}, {.logits = true}).logits);
    }
    EXPECT_TRUE(torch::equal(logits[0], logits[1])) << host->info().type;
  }
  at::set_num_threads(threads);
}

TEST(Hooks, are_named_by_points_and_not_by_aliases) {
  const auto host = make_host("toy", {});
  const Edit read = [](const Rows& rows) { return rows.x; };
  EXPECT_THROW(host->forward(host->tokenize(kTexts), std::vector<Hook>{{"layers.1", read}}, {}),
               Bug);
}

TEST(Hooks, receive_gradients_when_they_are_wanted_and_no_graph_otherwise) {
  for (const auto& host : hosts()) {
    for (const bool wanted : {true, false}) {
      Tensor leaf;
      const Edit edit = [&](const Rows& rows) {
        return leaf = rows.x.detach().clone().requires_grad_();
      };
      const Tensor logits =
          host->forward(host->tokenize(kTexts), std::vector<Hook>{{"blocks.0.out", edit}},
                        {.logits = true, .gradients = wanted})
              .value;
      EXPECT_EQ(logits.requires_grad(), wanted);
      if (!wanted) continue;
      logits.pow(2).sum().backward();
      EXPECT_GT(leaf.grad().abs().min().item<double>(), 0) << host->info().type;
    }
  }
}

}  // namespace
}  // namespace facet
