// Times the host "esm2": forward passes over proteins in batches. See README.md.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "plugin/loader.h"

using namespace facet;

namespace {

std::vector<std::string> lines_of_file(const char* file) {
  std::vector<std::string> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::unique_ptr<HostModel> esm2_of(const char* plugin, const char* weights, const char* dtype) {
  static Registry registry;
  load_plugin(plugin, registry);
  const HostPart& part = registry.host("esm2");
  std::vector<std::string> problems;
  const Value params(Value::Table{{"weights", weights}, {"dtype", dtype}});
  auto host = part.make(part.schema.parse("host", params, Demand::whole, problems), {});
  if (!problems.empty()) throw UserError(problems);
  return host;
}

std::vector<Tokens> batches_of(const HostModel& host, const std::vector<std::string>& proteins,
                               size_t size) {
  std::vector<Tokens> out;
  for (size_t first = 0; first < proteins.size(); first += size) {
    const size_t last = std::min(first + size, proteins.size());
    out.push_back(host.tokenize(std::span(proteins).subspan(first, last - first)));
  }
  return out;
}

}  // namespace

/// residues_per_second PLUGIN WEIGHTS DTYPE PROTEINS THREADS BATCH PASSES: passes of all proteins
/// (one a line) to the logits in batches of so many, as they come. Prints residues a second of each
/// pass but the first, which warms up, then `peak_mib` and `mean`, that of all |logits|.
int main(int count, char** given) try {
  if (count != 8) {
    std::cerr << "residues_per_second PLUGIN WEIGHTS DTYPE PROTEINS THREADS BATCH PASSES\n";
    return 2;
  }
  at::set_num_threads(std::atoi(given[5]));
  const auto host = esm2_of(given[1], given[2], given[3]);
  const std::vector<std::string> proteins = lines_of_file(given[4]);
  int64_t residues = 0;
  for (const std::string& protein : proteins) residues += static_cast<int64_t>(protein.size());
  const auto batches = batches_of(*host, proteins, static_cast<size_t>(std::atoi(given[6])));
  double mean = 0;
  for (int pass = 0; pass <= std::atoi(given[7]); ++pass) {
    Tensor sum = torch::zeros({}, torch::kFloat64), numbers = torch::zeros({}, torch::kFloat64);
    const auto begin = std::chrono::steady_clock::now();
    for (const Tokens& tokens : batches) {
      const Tensor logits = host->forward(tokens, {}, {.logits = true}).value;
      sum += logits.abs().sum();
      numbers += logits.numel();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    mean = (sum / numbers).item<double>();
    if (pass > 0) std::printf("%.1f\n", static_cast<double>(residues) / seconds.count());
    std::fflush(stdout);
  }
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  std::printf("peak_mib %ld\nmean %.6f\n", used.ru_maxrss / 1024, mean);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
