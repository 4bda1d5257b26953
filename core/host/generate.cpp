// Draws token after token.
#include "facet/generate.h"

#include <facet/torch.h>

#include <algorithm>

#include "facet/error.h"

namespace facet {
namespace {

// Of equals the lowest id.
int64_t most_likely(const Tensor& logits) {
  const float* values = logits.const_data_ptr<float>();
  return std::max_element(values, values + logits.numel()) - values;
}

// `logits` [vocabulary] float32 on the CPU.
int64_t drawn(const Tensor& logits, const GenerateParams& params, Rng& rng) {
  if (params.temperature == 0) return most_likely(logits);
  const Tensor shares = (logits.to(torch::kFloat64) / params.temperature).softmax(0);
  auto [share, id] = shares.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
  const double* values = share.const_data_ptr<double>();
  int64_t kept = 0;
  double sum = 0;
  while (kept < share.numel() && (kept == 0 || sum < params.top_p)) sum += values[kept++];
  double left = rng.uniform() * sum;
  int64_t at = 0;
  while (at + 1 < kept && left >= values[at]) left -= values[at++];
  return id[at].item<int64_t>();
}

void check_context(const HostInfo& info, const Tokens& prompts, int64_t more) {
  if (info.context == 0) return;
  const int64_t longest = prompts.start.diff().max().item<int64_t>();
  if (longest + more > info.context)
    throw UserError("generate: a prompt of " + std::to_string(longest) + " tokens and " +
                    std::to_string(more) + " new ones exceed the context of " + info.type + " (" +
                    std::to_string(info.context) + ")");
}

// One new token of each sequence that goes on; `ids` has -1 for the others.
Tokens next_tokens(const std::vector<int64_t>& ids, const Tensor& sequence) {
  std::vector<int64_t> id, start = {0};
  for (const int64_t one : ids) {
    if (one >= 0) id.push_back(one);
    start.push_back(static_cast<int64_t>(id.size()));
  }
  return {torch::tensor(id, torch::kInt64), torch::tensor(start, torch::kInt64), sequence,
          torch::zeros({static_cast<int64_t>(id.size())}, torch::kUInt8)};
}

}  // namespace

std::vector<std::vector<int64_t>> generate(HostModel& host, const Tokens& prompts,
                                           std::span<const Hook> hooks,
                                           const GenerateParams& params, Rng& rng) {
  const HostInfo& info = host.info();
  const auto decoding = host.decoding();
  if (!decoding) throw UserError("generate: " + info.type + " cannot generate text");
  check_context(info, prompts, params.max_tokens);
  const auto count = static_cast<size_t>(prompts.sequences());
  std::vector<Rng> draws;
  for (size_t i = 0; i < count; ++i) draws.emplace_back(rng.next(), "generate");
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<int64_t>> out(count);
  Tokens tokens = prompts;
  tokens.flag = prompts.flag.bitwise_or(kPrompt);
  std::vector<size_t> going(count);  // sequences that the logits of the last pass are of
  for (size_t i = 0; i < count; ++i) going[i] = i;
  for (int64_t step = 0; step < params.max_tokens && !going.empty(); ++step) {
    const Tensor logits = [&] {
      const std::lock_guard turn(host.turn());
      const Logits all =
          host.forward(tokens, hooks, {.logits = true, .last = true}, decoding.get());
      return all.value.to(torch::kCPU, torch::kFloat32).contiguous();
    }();
    std::vector<int64_t> ids(count, -1);
    std::vector<size_t> still;
    for (size_t row = 0; row < going.size(); ++row) {
      const size_t i = going[row];
      const int64_t id = drawn(logits[static_cast<int64_t>(row)], params, draws[i]);
      out[i].push_back(id);
      const auto& ends = info.ids.end;
      if (!params.past_end && std::find(ends.begin(), ends.end(), id) != ends.end()) continue;
      ids[i] = id;
      still.push_back(i);
    }
    going = std::move(still);
    tokens = next_tokens(ids, prompts.sequence);
  }
  return out;
}

}  // namespace facet
