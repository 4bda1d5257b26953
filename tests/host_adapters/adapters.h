// Hosts made by the adapters that were built beside the tests, and passes through them.
#pragma once

#include <ATen/Parallel.h>
#include <facet/torch.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "facet/plugin.h"
#include "plugin/loader.h"

namespace facet {

inline const std::string kTiny = FACET_TEST_DATA "/esm2_tiny";
inline const std::string kTinyLlama = FACET_TEST_DATA "/llama_tiny";

inline const Registry& adapters() {
  static Registry registry;
  static const bool loaded = [] {
    for (const char* name : {"toy", "esm2", "llama"})
      load_plugin(std::string(FACET_TEST_PLUGINS "/") + name + ".so", registry);
    return true;
  }();
  (void)loaded;
  return registry;
}

inline std::unique_ptr<HostModel> make_host(const std::string& type, const Value::Table& params) {
  const HostPart& part = adapters().host(type);
  std::vector<std::string> problems;
  const AnyParams parsed = part.schema.parse("host", Value(params), Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  return part.make(parsed, HostSetup());
}

/// The rows at each of `points` (names or aliases), and what else was wanted.
struct Seen {
  std::map<std::string, Rows> rows;
  Tensor logits;
  std::vector<Tensor> attention, contacts;
};
inline Seen pass(HostModel& host, const Tokens& tokens, const std::vector<std::string>& points,
                 Want want = {}) {
  Seen seen;
  std::vector<Hook> hooks;
  for (const std::string& point : points)
    hooks.push_back({host.info().points[hookpoint_index(host.info(), point)].name,
                     [&seen, point](const Rows& rows) {
                       seen.rows[point] = rows;
                       return rows.x;
                     }});
  Logits out = host.forward(tokens, hooks, want);
  seen.logits = out.value;
  seen.attention = std::move(out.attention);
  seen.contacts = std::move(out.contacts);
  return seen;
}

/// The rows of texts at `point` have the same bits on one, two and three threads.
inline void expect_same_bits_on_threads(HostModel& host, const std::vector<std::string>& texts,
                                        const std::string& point) {
  const int threads = at::get_num_threads();
  std::vector<Tensor> rows;
  for (const int n : {1, 2, 3}) {
    at::set_num_threads(n);
    rows.push_back(pass(host, host.tokenize(texts), {point}).rows.at(point).x.clone());
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(rows[0], rows[1])) << texts[0].size() << " letters first";
  EXPECT_TRUE(torch::equal(rows[0], rows[2])) << texts[0].size() << " letters first";
}

inline Tokens tokens_of(const HostModel& host, const std::vector<std::string>& texts) {
  return host.tokenize(texts);
}

/// |a - b| of each row [n], relative to that row of b.
inline Tensor rows_apart(const Tensor& a, const Tensor& b) {
  const Tensor wide = b.to(torch::kFloat64);
  return (a.to(torch::kFloat64) - wide).norm(2, 1) / wide.norm(2, 1).clamp_min(1e-12);
}
inline double worst_row(const Tensor& a, const Tensor& b) {
  return rows_apart(a, b).max().item<double>();
}

/// |a - b| <= atol + rtol * |b| everywhere.
inline ::testing::AssertionResult near(const Tensor& a, const Tensor& b, double atol, double rtol) {
  if (a.sizes() != b.sizes())
    return ::testing::AssertionFailure() << a.sizes() << " against " << b.sizes();
  const double worst = ((a - b).abs() - rtol * b.abs()).max().item<double>();
  if (worst <= atol) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "off by " << worst << " beyond the relative tolerance";
}

}  // namespace facet
