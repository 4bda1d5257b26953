// Bodies of the estimate: what is needed, what fits, and the table.
#include "run/estimate.h"

#include <algorithm>
#include <cstdio>

namespace facet {
namespace {

constexpr double kFloat = 4;  // bytes
// A window is gathered in pieces, joined, and permuted: core/activations/window_source.cpp.
constexpr double kBufferCopies = 3;
constexpr double kTrainingCopies = 4;  // weights, gradient, two moments of Adam
// Rows of the residual stream's width that a block holds at once: the stream, its norm, q, k, v,
// their result, and twice the four-fold inner width.
constexpr double kBlockRows = 14;
constexpr double kSaeRows = 6;       // rows of width d_in in one step: input, output, gradients
constexpr double kSaeLatents = 2;    // rows of width d_sae in one step
constexpr double kSortedEntry = 28;  // bytes an entry while codes are sorted by latent
constexpr double kStoredEntry = 20;  // bytes an entry on disk, by row and by latent
constexpr double kRowIds = 25;       // bytes: start, sequence, position, token, flag
constexpr double kCheckpoints = 2;   // kept at once, while the newer one is written
// Shares of a matrix product's speed that were seen on small machines.
constexpr double kHostSpeed = 0.4;
constexpr double kSaeSpeed = 0.5;
constexpr double kTrainingPasses = 3;  // forward, and backward for rows and for weights
constexpr double kWorthNaming = 0.05;  // share of a need in the whole

std::string count_text(double number) {
  char text[40];
  if (number < 1e6)
    std::snprintf(text, sizeof text, "%.0f", number);
  else if (number < 1e9)
    std::snprintf(text, sizeof text, "%.3g million", number / 1e6);
  else
    std::snprintf(text, sizeof text, "%.4g billion", number / 1e9);
  return text;
}

double sae_numbers(const Plan& p) { return 2 * p.d_in * p.d_sae + p.d_sae + p.d_in; }
double encoded_rows(const Plan& p) { return p.data_rows * p.encoded; }

bool holds(const Need& need, Phase phase) {
  return need.phase == Phase::always || need.phase == phase;
}
double sum_of(const std::vector<Need>& needs, Phase phase) {
  double sum = 0;
  for (const Need& need : needs)
    if (holds(need, phase)) sum += need.amount;
  return sum;
}
Phase fuller_phase(const std::vector<Need>& needs) {
  return sum_of(needs, Phase::training) >= sum_of(needs, Phase::encoding) ? Phase::training
                                                                          : Phase::encoding;
}
double most_of(const std::vector<Need>& needs) { return sum_of(needs, fuller_phase(needs)); }

void add_memory(const Plan& p, const Machine& machine, Estimate& out) {
  const bool on_device = machine.device > 0;
  std::vector<Need>& near = on_device ? out.device : out.memory;
  out.memory.push_back({"facet itself", machine.program, "", "", Phase::always});
  if (!p.host.empty()) {
    near.push_back({"host weights", p.parameters * p.host_number_bytes,
                    p.parameters > 0 ? count_text(p.parameters) + " numbers of " + p.host
                                     : p.host + " does not say how many",
                    "host.weights", Phase::always});
    near.push_back({"host batch",
                    p.batch_tokens * (kBlockRows * p.host_width * kFloat +
                                      p.points * p.d_in * p.host_number_bytes),
                    count_text(p.batch_tokens) + " tokens of width " + count_text(p.host_width),
                    "activations.batch_tokens", Phase::always});
  }
  if (p.train_rows > 0) {
    const double copies = kBufferCopies + (p.prefetch ? 1 : 0);
    out.memory.push_back(
        {"shuffle buffer", copies * p.buffer_rows * p.row_points * p.d_in * p.host_number_bytes,
         count_text(p.buffer_rows) + " rows of width " + count_text(p.row_points * p.d_in) +
             (p.prefetch ? ", three copies and those made ahead" : ", three copies"),
         "activations.buffer_rows", Phase::training});
  }
  const bool known = p.d_in > 0 && p.d_sae > 0;
  const std::string form = count_text(p.d_sae) + " latents on rows of width " + count_text(p.d_in);
  near.push_back({"SAE and Adam", known ? kTrainingCopies * kFloat * sae_numbers(p) : 0,
                  known ? form + ", four copies" : "its width is not in the manifest", "sae.d_sae",
                  Phase::training});
  near.push_back({"SAE", known ? kFloat * sae_numbers(p) : 0, known ? form : "", "sae.d_sae",
                  Phase::encoding});
  near.push_back({"SAE batch",
                  known ? p.batch * kFloat * (kSaeRows * p.d_in + kSaeLatents * p.d_sae) : 0,
                  count_text(p.batch) + " rows", "train.batch", Phase::training});
  if (p.encoded > 0)
    out.memory.push_back(
        {"sorting codes", encoded_rows(p) * p.active * kSortedEntry,
         count_text(encoded_rows(p)) + " rows with " + count_text(p.active) + " latents",
         "data.limit", Phase::encoding});
}

void add_disk(const Plan& p, Estimate& out) {
  if (p.store_on_disk)
    out.disk.push_back({"activation store",
                        p.data_rows * (p.points * p.d_in * p.host_number_bytes + kRowIds),
                        count_text(p.data_rows) + " rows of width " + count_text(p.points * p.d_in),
                        "data.limit", Phase::always});
  if (p.encoded > 0)
    out.disk.push_back(
        {"codes store", encoded_rows(p) * (p.active * kStoredEntry + kRowIds),
         count_text(encoded_rows(p)) + " rows with " + count_text(p.active) + " latents",
         "data.limit", Phase::always});
  const double sae = p.d_in > 0 && p.d_sae > 0 ? kFloat * sae_numbers(p) : 0;
  out.disk.push_back({"SAE and checkpoints", sae * (1 + kCheckpoints * (kTrainingCopies - 1)), "",
                      "sae.d_sae", Phase::always});
}

void add_time(const Plan& p, const Machine& machine, Estimate& out) {
  const double host = 2 * p.parameters * p.depth / (kHostSpeed * machine.flops);  // a token
  const double sae = 2 * p.d_in * p.d_sae / (kSaeSpeed * machine.flops);          // a row
  const bool fast = machine.flops > 0;
  // A store is read again, a live stream runs the host again.
  const bool once = p.store_on_disk && p.data_rows > 0;
  const double read = once ? p.data_rows : p.train_rows;
  if (!p.host.empty())
    out.time.push_back({"host, to train", fast ? read * host : 0, count_text(read) + " rows", "",
                        Phase::training});
  out.time.push_back({"SAE, to train", fast ? p.train_rows * kTrainingPasses * sae : 0,
                      count_text(p.train_rows) + " rows", "", Phase::training});
  if (p.encoded > 0)
    out.time.push_back({"codes", fast ? encoded_rows(p) * ((once ? 0 : host) + sae) : 0,
                        count_text(encoded_rows(p)) + " rows", "", Phase::encoding});
}

// "sae.d_sae (118 GiB), train.batch (12 GiB)": the largest first.
std::string keys_text(const std::vector<Need>& needs) {
  const Phase phase = fuller_phase(needs);
  std::vector<Need> order;
  for (const Need& need : needs)
    if (holds(need, phase) && !need.key.empty() && need.amount > kWorthNaming * most_of(needs))
      order.push_back(need);
  std::stable_sort(order.begin(), order.end(),
                   [](const Need& a, const Need& b) { return a.amount > b.amount; });
  std::string out;
  for (const Need& need : order)
    out += (out.empty() ? "" : ", ") + need.key + " (" + bytes_text(need.amount) + ")";
  return out;
}

void check_fits(const std::string& what, const std::vector<Need>& needs, double have,
                const std::string& more, Estimate& out, const std::string& where) {
  const double needed = most_of(needs);
  if (needed <= have || have <= 0) return;
  out.problems.push_back(where + ": " + what + ": about " + bytes_text(needed) +
                         " are needed, should be at most the " + bytes_text(have) +
                         " that can be had\nlower " + keys_text(needs) + more);
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 1, ' ');
}

// An SAE without its optimiser is within "SAE and Adam" already.
bool shown(const Need& need) { return need.what != "SAE"; }

std::string rows_text(const std::vector<Need>& needs, std::string (*text)(double)) {
  std::string out;
  for (const Need& need : needs) {
    if (!shown(need)) continue;
    const std::string amount = need.amount > 0 ? text(need.amount) : "unknown";
    out += "  " + padded(need.what, 21) +
           (need.how.empty() ? amount : padded(amount, 15) + need.how) + "\n";
  }
  return out;
}

std::string sum_text(const std::vector<Need>& needs, const std::string& sum) {
  const bool whole = std::none_of(needs.begin(), needs.end(),
                                  [](const Need& need) { return shown(need) && need.amount <= 0; });
  return sum + (whole ? "" : " and what is unknown");
}

std::string block(const std::string& title, const std::vector<Need>& needs, double have) {
  if (needs.empty()) return "";
  return title + ": " + sum_text(needs, "about " + bytes_text(most_of(needs))) + ", " +
         bytes_text(have) + " can be had\n" + rows_text(needs, bytes_text);
}

}  // namespace

Estimate estimate(const Plan& plan, const Machine& machine, const std::string& where) {
  Estimate out;
  add_memory(plan, machine, out);
  add_disk(plan, out);
  add_time(plan, machine, out);
  check_fits("memory", out.memory, machine.memory + machine.program, "", out, where);
  check_fits("memory of the GPU", out.device, machine.device, "", out, where);
  if (plan.store_on_disk)
    check_fits("disk", out.disk, machine.disk, ", or set activations.store = \"live\"", out, where);
  return out;
}

std::string describe(const Estimate& estimate, const Machine& machine) {
  double seconds = 0;
  for (const Need& need : estimate.time) seconds += need.amount;
  return "estimated, not measured:\n" +
         block("memory", estimate.memory, machine.memory + machine.program) +
         block("memory of the GPU", estimate.device, machine.device) +
         block("disk", estimate.disk, machine.disk) +
         "time: " + sum_text(estimate.time, (seconds < 1 ? "" : "about ") + time_text(seconds)) +
         " at " + count_text(machine.flops / 1e9) + " GFLOP/s of this machine\n" +
         rows_text(estimate.time, time_text);
}

}  // namespace facet
