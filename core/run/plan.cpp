// Reads a plan out of a manifest's sections.
#include <facet/torch.h>

#include <algorithm>
#include <filesystem>

#include "activations/activation_stream.h"
#include "data/dataset.h"
#include "host/hookpoints.h"
#include "run/estimate.h"
#include "run/manifest.h"
#include "run/open_parts.h"
#include "run/sections.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

// Residues for each byte of a FASTA file of proteins, compressed and plain.
constexpr double kCompressed = 1.5;
constexpr double kPlain = 0.85;

// A key of the section as a number; 0: it is not there, or not one.
double number_of(const Value& section, const std::string& key) {
  const Value* v = section.find(key);
  if (!v) return 0;
  if (const auto* whole = v->as<int64_t>()) return static_cast<double>(*whole);
  const auto* number = v->as<double>();
  return number ? *number : 0;
}

std::string text_of(const Value& section, const std::string& key) {
  const Value* v = section.find(key);
  const auto* text = v ? v->as<std::string>() : nullptr;
  return text ? *text : "";
}

double file_bytes(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const auto size = fs::file_size(path, error);
    return error ? 0 : static_cast<double>(size);
  }
  double sum = 0;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error)) sum += file_bytes(it->path());
  return sum;
}

double rows_of_file(const Value& data) {
  const std::string path = text_of(data, "path");
  const std::string ending = fs::path(path).extension().string();
  double rows = file_bytes(path) * (ending == ".gz" || ending == ".zst" ? kCompressed : kPlain);
  for (const char* key : {"limit", "sample"})
    if (const double most = number_of(data, key) * number_of(data, "max_length"); most > 0)
      rows = std::min(rows, most);
  return rows;
}

class Reader {
 public:
  Reader(const Value& manifest, const Registry& registry) : registry_(registry) {
    std::vector<std::string> none;
    sections_ = sections_of(manifest, registry, none);
  }

  Plan plan() {
    each("host", [&](const Section& s, const Value& v) { read_host(s, v); });
    each("data", [&](const Section& s, const Value& v) { read_data(s, v); });
    each("activations", [&](const Section&, const Value& v) { read_stream(v); });
    each("sae", [&](const Section&, const Value& v) {
      plan_.d_sae += number_of(v, "d_sae");  // those that are trained together, as one
      plan_.active += number_of(v, "k");
    });
    each("train", [&](const Section&, const Value& v) { read_train(v); });
    each("analysis", [&](const Section&, const Value&) { plan_.encoded = encoded_; });
    each("encode", [&](const Section&, const Value&) { plan_.encoded = encoded_; });
    return plan_;
  }

 private:
  // Sections of this kind with every value in force; the ones that a script completes, too.
  template <class Use>
  void each(const std::string& kind, Use&& use) {
    for (const Section& section : sections_) {
      if (section.where != kind && !section.where.starts_with(kind + "[")) continue;
      std::vector<std::string> later;
      use(section,
          section.schema.parse(section.where, section.value, Demand::part, later).resolved);
    }
  }

  void read_host(const Section& section, const Value& resolved) {
    std::vector<std::string> missing;
    const AnyParams params =
        section.schema.parse(section.where, section.value, Demand::whole, missing);
    plan_.host = text_of(resolved, "type");
    if (!missing.empty()) return;  // the script completes it
    host_ = registry_.host(plan_.host).make(own_part(params), {});
    const HostInfo& info = host_->info();
    plan_.parameters = static_cast<double>(info.parameters);
    plan_.host_width = static_cast<double>(info.d_model);
    if (text_of(resolved, "dtype") == "bf16") plan_.host_number_bytes = 2;
  }

  void read_data(const Section& section, const Value& resolved) {
    const Value* split = resolved.find("split");
    const double eval = split ? number_of(*split, "eval") : 0;
    encoded_ = eval > 0 ? eval : 1;
    if (!plan_.host.empty()) {
      plan_.data_rows = rows_of_file(resolved);
      return;
    }
    std::vector<std::string> missing;
    const AnyParams params =
        section.schema.parse(section.where, section.value, Demand::whole, missing);
    if (!missing.empty()) return;
    const auto data = registry_.data(text_of(resolved, "type")).make(own_part(params));
    if (!data->rows()) return;
    plan_.d_in = static_cast<double>(data->rows()->width());
    plan_.data_rows = static_cast<double>(data->rows()->rows());
  }

  void read_stream(const Value& resolved) {
    plan_.buffer_rows += number_of(resolved, "buffer_rows");
    plan_.batch_tokens = number_of(resolved, "batch_tokens");
    const Value* prefetch = resolved.find("prefetch");
    plan_.prefetch = host_ && prefetch && *prefetch == Value(true);
    plan_.store_on_disk = text_of(resolved, "store") == "disk";
    const Value* selector = resolved.find("hookpoints");
    if (!host_ || !selector) return;
    const HostInfo& info = host_->info();
    const auto points = select_hookpoints(info, *selector, "activations.hookpoints");
    const HookPoint& last = info.points[hookpoint_index(info, points.back())];
    StreamParams stream;
    if (const Value* target = resolved.find("target")) stream.target = *target;
    const size_t all = points.size() + target_of(info, points, stream).points.size();
    plan_.points = static_cast<double>(all);
    plan_.row_points = text_of(resolved, "layers_as") == "points" ? plan_.points : 1;
    plan_.d_in = static_cast<double>(last.width);
    if (last.block >= 0 && info.layers > 0)
      plan_.depth = static_cast<double>(last.block + 1) / static_cast<double>(info.layers);
  }

  void read_train(const Value& resolved) {
    plan_.batch = number_of(resolved, "batch");
    plan_.train_rows =
        std::max(number_of(resolved, "steps") * plan_.batch, number_of(resolved, "total_rows"));
    const double trained = encoded_ < 1 ? 1 - encoded_ : 1;
    if (plan_.train_rows == 0)
      plan_.train_rows = number_of(resolved, "epochs") * plan_.data_rows * trained;
  }

  const Registry& registry_;
  std::vector<Section> sections_;
  std::unique_ptr<HostModel> host_;
  double encoded_ = 1;  // share of the data that analyses would see
  Plan plan_;
};

}  // namespace

Plan plan_of(const Value& manifest, const Registry& registry) {
  Reader reader(manifest, registry);
  return reader.plan();
}

}  // namespace facet
