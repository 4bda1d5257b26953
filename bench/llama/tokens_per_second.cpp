// Times the host "llama": forward passes to the logits and greedy generation. See README.md.
#include <facet/generate.h>
#include <facet/plugin.h>
#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "plugin/loader.h"

using namespace facet;

namespace {

Tokens tokens_of_ids(const std::vector<std::vector<int64_t>>& sequences) {
  std::vector<int64_t> all, start = {0};
  for (const auto& ids : sequences) {
    all.insert(all.end(), ids.begin(), ids.end());
    start.push_back(static_cast<int64_t>(all.size()));
  }
  return {torch::tensor(all, torch::kInt64), torch::tensor(start, torch::kInt64),
          torch::arange(static_cast<int64_t>(sequences.size()), torch::kInt64),
          torch::zeros({static_cast<int64_t>(all.size())}, torch::kUInt8)};
}

/// A line of numbers.
std::vector<int64_t> numbers(const std::string& line) {
  std::istringstream in(line);
  std::vector<int64_t> out;
  for (int64_t number; in >> number;) out.push_back(number);
  return out;
}

template <class Call>
double seconds_of(Call&& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

/// tokens_per_second PLUGIN WEIGHTS THREADS NEW_TOKENS; reads lines from its input. "forward": a
/// pass of the sequences given so far; "generate": NEW_TOKENS more of the first one; each is
/// answered by its seconds and a number of what came out. "clear" forgets the sequences; any other
/// line is one, of ids.
int main(int count, char** given) {
  if (count != 5) {
    std::cerr << "tokens_per_second PLUGIN WEIGHTS THREADS NEW_TOKENS\n";
    return 2;
  }
  at::set_num_threads(std::atoi(given[3]));
  Registry registry;
  load_plugin(given[1], registry);
  const HostPart& part = registry.host("llama");
  std::vector<std::string> problems;
  const Value params(Value::Table{{"weights", given[2]}});
  const auto host = part.make(part.schema.parse("host", params, Demand::whole, problems), {});
  std::vector<std::vector<int64_t>> sequences;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "clear") {
      sequences.clear();
    } else if (line == "forward") {
      const Tokens tokens = tokens_of_ids(sequences);
      Tensor logits;
      const double seconds =
          seconds_of([&] { logits = host->forward(tokens, {}, {.logits = true}).value; });
      std::printf("%.6f %.6f\n", seconds, logits.abs().mean().item<double>());
    } else if (line == "generate") {
      const Tokens tokens = tokens_of_ids({sequences.front()});
      Rng rng(0, "bench");
      std::vector<std::vector<int64_t>> ids;
      const GenerateParams greedy = {.max_tokens = std::atoi(given[4]), .past_end = true};
      const double seconds = seconds_of([&] { ids = generate(*host, tokens, {}, greedy, rng); });
      std::printf("%.6f %ld\n", seconds, static_cast<long>(ids[0].back()));
    } else {
      sequences.push_back(numbers(line));
    }
    std::fflush(stdout);
  }
}
