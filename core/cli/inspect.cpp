// facet inspect: what an SAE sees in one sequence, residue by residue.
#include <facet/torch.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include "activations/row_feed.h"
#include "cli/sections.h"
#include "facet/table.h"
#include "host/hookpoints.h"
#include "plugin/call.h"
#include "run/verb_text.h"
#include "train/foreign_sae.h"

namespace facet::cli {
namespace {

constexpr size_t kStrongest = 10;  // latents of the whole sequence

/// The one sequence of the command line.
class OneSequence final : public Data {
 public:
  explicit OneSequence(std::string text) : text_(std::move(text)) {}
  std::unique_ptr<RecordReader> open() const override { return std::make_unique<Reader>(text_); }

 private:
  class Reader final : public RecordReader {
   public:
    explicit Reader(std::string text) : text_(std::move(text)) {}
    bool next(Record& record) override {
      if (read_) return false;
      record = {"SEQUENCE", text_, {}, {}};
      return read_ = true;
    }

   private:
    std::string text_;
    bool read_ = false;
  };
  std::string text_;
};

struct Entry {
  int64_t latent;
  float value;
};

/// What is shown of one row.
struct Seen {
  std::string place;  ///< "12 K", or "<cls>" for a token that the host added
  double error = 0;   ///< |target - output| / |target|, in the host's units
  std::vector<Entry> entries;
};

// The largest first, ties to the lowest latent.
void sort_entries(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.value != b.value ? a.value > b.value : a.latent < b.latent;
  });
}

std::string residue_of(const HostInfo& info, const Rows& rows, int64_t row, int64_t specials) {
  const int32_t token = rows.token[row].item<int32_t>();
  const bool known = token >= 0 && token < static_cast<int64_t>(info.tokens.size());
  const std::string text =
      known ? info.tokens[static_cast<size_t>(token)] : "token " + std::to_string(token);
  if (rows.flag[row].item<uint8_t>() & kSpecial) return text;
  return std::to_string(rows.position[row].item<int32_t>() - specials + 1) + " " + text;
}

std::vector<Seen> look(const LoadedSae& loaded, const std::string& plugin,
                       const ActivationStream& stream, int64_t specials) {
  std::vector<Seen> out;
  const auto source = stream.open(Order::sequential, 0);
  const auto layers = static_cast<size_t>(stream.rows_of_a_token());
  for (bool last = false; !last;) {
    const Batch batch = make_batch(*loaded.normaliser, source->next(kRowsAtOnce));
    last = batch.ids.size() < kRowsAtOnce;
    const Pass pass = call_plugin(plugin, [&] { return loaded.sae->pass(batch, Mode::infer); });
    const int64_t inputs = loaded.normaliser->input_points();
    const Tensor wide = batch.ids.x.to(torch::kFloat64);
    const Tensor x = wide.slice(1, inputs).flatten(1);  // the target, [n, points * d]
    const Tensor back =
        loaded.normaliser->invert(pass.output, batch.stats).to(torch::kFloat64).flatten(1);
    const Tensor error = (x - back).norm(2, 1) / x.norm(2, 1);
    const Codes codes = pass.codes.cpu();
    for (int64_t row = 0; row < batch.ids.size(); ++row) {
      std::string place = residue_of(*stream.host(), batch.ids, row, specials);
      if (layers > 1) place += " " + stream.points()[out.size() % layers];
      Seen seen{std::move(place), error[row].item<double>(), {}};
      const Codes own = codes.slice(row, row + 1);
      for (int64_t e = 0; e < own.nonzeros(); ++e)
        if (const float value = own.value[e].item<float>(); value != 0)
          seen.entries.push_back({own.latent[e].item<int32_t>(), value});
      sort_entries(seen.entries);
      out.push_back(std::move(seen));
    }
  }
  return out;
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
}

// Of the first column.
size_t width_of(const std::vector<Seen>& rows) {
  size_t width = 10;
  for (const Seen& row : rows) width = std::max(width, row.place.size() + 2);
  return width;
}

void print_rows(const std::vector<Seen>& rows, int64_t top) {
  const size_t width = width_of(rows);
  std::cout << padded("residue", width) << padded("error", 10) << "latents (value)\n";
  for (const Seen& row : rows) {
    std::string latents;
    for (size_t i = 0; i < std::min(row.entries.size(), static_cast<size_t>(top)); ++i)
      latents += (i > 0 ? "  " : "") + std::to_string(row.entries[i].latent) + " (" +
                 for_eyes(static_cast<double>(row.entries[i].value)) + ")";
    std::cout << padded(row.place, width) << padded(for_eyes(row.error), 10)
              << (latents.empty() ? "none" : latents) << "\n";
  }
}

void print_strongest(const std::vector<Seen>& rows) {
  struct Peak {
    float value = 0;
    const Seen* at = nullptr;
    int64_t rows = 0;
  };
  std::map<int64_t, Peak> peaks;
  for (const Seen& row : rows)
    for (const Entry& entry : row.entries) {
      Peak& peak = peaks[entry.latent];
      if (!peak.at || entry.value > peak.value) peak = {entry.value, &row, peak.rows};
      ++peak.rows;
    }
  std::vector<Entry> order;
  for (const auto& [latent, peak] : peaks) order.push_back({latent, peak.value});
  sort_entries(order);
  order.resize(std::min(order.size(), kStrongest));
  const size_t width = width_of(rows);
  std::cout << "\n"
            << padded("latent", 10) << padded("highest", 10) << padded("at", width) << "residues\n";
  for (const Entry& entry : order)
    std::cout << padded(std::to_string(entry.latent), 10)
              << padded(for_eyes(static_cast<double>(entry.value)), 10)
              << padded(peaks[entry.latent].at->place, width) << peaks[entry.latent].rows << "\n";
}

// Those of the record; an SAE of another program may name one that this host does not have, or
// none.
std::vector<std::string> hookpoints_of(const InspectRequest& asked, const SaeRecord& record,
                                       const HostInfo& info) {
  if (!asked.hookpoint.empty()) return select_hookpoints(info, asked.hookpoint, "--hookpoint");
  if (record.program.empty()) return record.hookpoints;
  if (record.hookpoints.empty())
    throw UserError("--hookpoint: required: an SAE of " + record.program + " that names none");
  return select_hookpoints(info, facet_hookpoint(record.hookpoints.front()),
                           asked.sae.string() + ": hookpoint");
}

}  // namespace

int inspect(const RunRequest& request, const InspectRequest& asked,
            const PluginPaths& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  prepare_device(request);
  const LoadedSae loaded = load_sae(asked.sae, kernel.registry);
  const SaeRecord& record = loaded.record;
  const std::string where = asked.sae.string();
  const bool foreign = !record.program.empty();
  if (record.host_type.empty() && !foreign)
    throw UserError(where + ": was trained on rows of a known dictionary, should be on a host's");
  for (const std::string& notice : loaded.notices) std::cerr << notice << "\n";
  const Value sections = sections_of(
      {{where, "host", "type", record.host_type}, {"--weights", "host", "weights", asked.weights}},
      asked.sets, {"host"});
  if (foreign && !(sections.find("host") && sections.at("host").find("type")))
    throw UserError(where + ": an SAE of " + record.program +
                    ": the host is not known: say which with --set host.type=NAME");
  const auto host = host_of(sections, kernel, request);
  if (foreign)
    std::cerr << where << ": an SAE of " << record.program << ": its host "
              << (record.host_name.empty() ? "" : "(" + record.host_name + ") ")
              << "cannot be compared with the one given\n";
  else if (host->weights_hash != record.host_weights)
    throw UserError((asked.weights.empty() ? "host" : "--weights") +
                    std::string(": the weights are ") + host->weights_hash +
                    ", the SAE was trained on " + record.host_weights);

  const torch::NoGradGuard no_grad;
  DatasetParams one;
  one.type = "sequence";
  StreamParams params;
  if (!foreign)
    params.rows = record.rows.substr(0, record.rows.find(','));  // every residue, long ones too
  params.layers_as = record.layers_as;
  const std::vector<std::string>& target = record.target.hookpoints;
  if (!target.empty()) params.target = Value::Array(target.begin(), target.end());
  params.target_minus_input = record.target.minus_input;
  const Dataset data(std::make_shared<OneSequence>(asked.sequence), one, "");
  const std::vector<std::string> points = hookpoints_of(asked, record, host->host->info());
  const ActivationStream stream(host->host, data, points, params);
  if (stream.shape().d_in != record.shape.d_in)
    throw UserError(where + ": d_in is " + std::to_string(record.shape.d_in) +
                    ", should be the width of " + joined(points) + ", " +
                    std::to_string(stream.shape().d_in));
  const int64_t specials =
      leading_specials(tokens_of(*host->host, {"SEQUENCE", asked.sequence, {}, {}}, 0));
  const std::string& plugin = kernel.registry.sae(record.type).plugin;
  std::cout << record.type << ", " << loaded.sae->d_sae() << " latents at " << joined(points)
            << " of " << host->type
            << (target.empty()
                    ? "; error is |x - reconstruction| / |x|\n\n"
                    : "; error is |y - output| / |y|, y = " + target_text(record) + "\n\n");
  const std::vector<Seen> rows = look(loaded, plugin, stream, specials);
  print_rows(rows, asked.top);
  print_strongest(rows);
  return 0;
}

}  // namespace facet::cli
