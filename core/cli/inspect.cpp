// facet inspect: what an SAE sees in one sequence or text, token by token.
#include <facet/torch.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include "activations/row_feed.h"
#include "cli/predictions.h"
#include "cli/sections.h"
#include "cli/token_text.h"
#include "facet/table.h"
#include "host/hookpoints.h"
#include "plugin/call.h"
#include "run/verb_text.h"
#include "train/foreign_sae.h"
#include "train/reconstructed.h"

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
  int64_t position = 0;
  double error = 0;  ///< |target - output| / |target|, in the host's units
  std::vector<Entry> entries;
};

/// What stands in a table's columns of predictions, of each token by its position.
struct Change {
  std::string plain, spliced, plain_best, spliced_best;
};

// The largest first, ties to the lowest latent.
void sort_entries(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.value != b.value ? a.value > b.value : a.latent < b.latent;
  });
}

std::string place_text(const HostModel& host, const Rows& rows, int64_t row, int64_t specials) {
  const std::string text = shown_token(host, rows.token[row].item<int32_t>());
  if (rows.flag[row].item<uint8_t>() & (kSpecial | kPad)) return text;
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
    const Reconstructed seen = reconstructed(*loaded.normaliser, batch, pass);
    const Tensor x = seen.target.to(torch::kFloat64);
    const Tensor error = (x - seen.output.to(torch::kFloat64)).norm(2, 1) / x.norm(2, 1);
    const Codes codes = pass.codes.cpu();
    for (int64_t row = 0; row < batch.ids.size(); ++row) {
      std::string place = place_text(*stream.host_model(), batch.ids, row, specials);
      if (layers > 1) place += " " + stream.points()[out.size() % layers];
      Seen seen{
          std::move(place), batch.ids.position[row].item<int32_t>(), error[row].item<double>(), {}};
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

std::vector<Change> changes_of(const HostModel& host, const std::vector<Prediction>& predictions) {
  std::vector<Change> out;
  for (const Prediction& one : predictions)
    out.push_back({one.known ? for_eyes(one.plain) : "-", one.known ? for_eyes(one.spliced) : "-",
                   shown_token(host, one.plain_best), shown_token(host, one.spliced_best)});
  return out;
}

// Of a column with these texts.
template <class List, class Text>
size_t column_width(size_t least, const List& list, const Text& text) {
  for (const auto& one : list) least = std::max(least, width_of(text(one)) + 2);
  return least;
}

size_t width_of_places(const std::vector<Seen>& rows) {
  return column_width(10, rows, [](const Seen& row) { return row.place; });
}

// How this host's tokens, and what it predicts, are called.
struct Words {
  const char* token;
  const char* predicted;
};

Words host_words(const HostInfo& info) {
  const char* token = is_of_letters(info) ? "residue" : "token";
  return {token, info.causal ? "p(next)" : is_of_letters(info) ? "p(residue)" : "p(token)"};
}

std::string strongest_text(const Seen& row, int64_t top) {
  std::string out;
  for (size_t i = 0; i < std::min(row.entries.size(), static_cast<size_t>(top)); ++i)
    out += (i > 0 ? "  " : "") + std::to_string(row.entries[i].latent) + " (" +
           for_eyes(static_cast<double>(row.entries[i].value)) + ")";
  return out.empty() ? "none" : out;
}

// Without changes their columns are left out.
void print_rows(const std::vector<Seen>& rows, const std::vector<Change>& changes, int64_t top,
                const Words& words) {
  const size_t width = width_of_places(rows);
  const size_t best =
      column_width(11, changes, [](const Change& change) { return change.plain_best; });
  const size_t spliced_best =
      column_width(9, changes, [](const Change& change) { return change.spliced_best; });
  const auto change_columns = [&](const Change& change) {
    return padded(change.plain, 12) + padded(change.spliced, 12) + padded(change.plain_best, best) +
           padded(change.spliced_best, spliced_best);
  };
  std::cout << padded(words.token, width) << padded("error", 10)
            << (changes.empty()
                    ? ""
                    : change_columns({words.predicted, "spliced", "likeliest", "spliced"}))
            << "latents (value)\n";
  for (const Seen& row : rows)
    std::cout << padded(row.place, width) << padded(for_eyes(row.error), 10)
              << (changes.empty() ? "" : change_columns(changes[static_cast<size_t>(row.position)]))
              << strongest_text(row, top) << "\n";
}

void print_strongest(const std::vector<Seen>& rows, const Words& words) {
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
  const size_t width = width_of_places(rows);
  std::cout << "\n"
            << padded("latent", 10) << padded("highest", 10) << padded("at", width) << words.token
            << "s\n";
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

// Every token, long ones too. "all" on the command line has pads as well.
void read_row_policy(const InspectRequest& asked, const SaeRecord& record, StreamParams& params) {
  const bool asks = !asked.rows.empty();
  if (asks && asked.rows != "content" && asked.rows != "all")
    throw UserError("--rows: is \"" + asked.rows + "\", should be content or all");
  if (asks)
    params.rows = asked.rows;
  else if (record.program.empty())
    params.rows = record.rows.substr(0, record.rows.find(','));
  params.pads = asks ? asked.rows == "all" : record.rows.find("pads") != std::string::npos;
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
  read_row_policy(asked, record, params);
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
  const Tokens tokens = tokens_of(*host->host, {"SEQUENCE", asked.sequence, {}, {}}, 0);
  const std::string& plugin = kernel.registry.sae(record.type).plugin;
  const Words words = host_words(host->host->info());
  const std::vector<Seen> rows = look(loaded, plugin, stream, leading_specials(tokens));
  std::vector<Change> changes;
  if (record.pool == "none") {
    const Place place{points, stream.target().points, stream.target().minus_input,
                      stream.rows_of_a_token() > 1};
    changes = changes_of(*host->host, call_plugin(plugin, [&] {
      return predictions(*host->host, *loaded.sae, *loaded.normaliser, place, tokens);
    }));
  }
  std::cout << record.type << ", " << loaded.sae->d_sae() << " latents at " << joined(points)
            << " of " << host->type
            << (target.empty()
                    ? "; error is |x - reconstruction| / |x|\n"
                    : "; error is |y - output| / |y|, y = " + target_text(record) + "\n");
  if (!changes.empty())
    std::cout << words.predicted << " is the probability of the "
              << (host->host->info().causal ? "token that comes next" : words.token)
              << ", by the host and with the SAE spliced in\n";
  std::cout << "\n";
  print_rows(rows, changes, asked.top, words);
  print_strongest(rows, words);
  return 0;
}

}  // namespace facet::cli
