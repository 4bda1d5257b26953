// facet activations: rows of a host into a safetensors file, in bounded memory.
#include <facet/torch.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/interrupt.h"
#include "cli/row_file.h"
#include "cli/sections.h"
#include "host/hookpoints.h"
#include "run/open_parts.h"
#include "tensor/safetensors_writer.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

ActivationStream stream_of(const Value& sections, const Kernel& kernel,
                           const std::shared_ptr<HostHandle>& host) {
  const Value& section = sections.at("activations");
  const auto params = parse_section("activations", section, kernel.registry).as<StreamParams>();
  const std::vector<std::string> points =
      select_hookpoints(host->host->info(), section.at("hookpoints"), "hookpoints");
  const auto data = data_of(sections, kernel);
  if (data->data->rows())
    throw UserError("--set: data.type: \"" + sections.at("data").text("type") +
                    "\" makes rows by itself, should be a source of sequences");
  ActivationStream stream(host->host, *data->data, points, params);
  if (!stream.target().points.empty() || stream.rows_of_a_token() > 1)
    throw UserError(
        "--set: activations.target and layers_as say how an SAE learns; a file of rows has a "
        "tensor of each hookpoint: name them all in --hookpoints");
  return stream;
}

// How far it is, on a terminal only.
void show_progress(int64_t done, int64_t total) {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\r" << done << " of " << total << " rows" << (done == total ? "\n" : "")
            << std::flush;
}

class RowFile {
 public:
  RowFile(fs::path file, const ActivationStream& stream, const RowOrigin& origin, int64_t rows)
      : file_(std::move(file)),
        points_(stream.points()),
        width_(stream.shape().d_in),
        rows_(rows),
        metadata_(metadata_of(origin)) {}

  void add(const Rows& rows) {
    if (!writer_) open(rows.x.scalar_type());  // the host's own dtype is known by its rows
    writer_->add("row_sequence", rows.sequence);
    writer_->add("row_position", rows.position);
    writer_->add("row_token", rows.token);
    for (size_t i = 0; i < points_.size(); ++i)
      writer_->add(points_[i], rows.x.select(1, static_cast<int64_t>(i)));
    written_ += rows.size();
  }

  /// The names of the sequences, one line each, in the order that row_sequence counts.
  int64_t add_names(const Dataset& data) {
    const auto reader = data.open();
    int64_t count = 0;
    for (Record record; reader->next(record); ++count) {
      if (record.id.find('\n') != std::string::npos)
        throw UserError("record " + std::to_string(count + 1) +
                        ": its name has a line end, should be one line");
      const std::string line = record.id + "\n";
      writer_->add("sequence_names",
                   torch::from_blob(const_cast<char*>(line.data()),
                                    {static_cast<int64_t>(line.size())}, torch::kUInt8));
    }
    return count;
  }

  void commit() { writer_->commit(); }
  int64_t written() const { return written_; }

 private:
  void open(at::ScalarType dtype) {
    std::vector<GrowingTensor> tensors = {{"row_sequence", torch::kInt64, {}, rows_}};
    for (const std::string& point : points_) tensors.push_back({point, dtype, {width_}, rows_});
    tensors.push_back({"row_position", torch::kInt32, {}, rows_});
    tensors.push_back({"row_token", torch::kInt32, {}, rows_});
    tensors.push_back({"sequence_names", torch::kUInt8, {}});
    writer_ = std::make_unique<SafetensorsWriter>(file_, std::move(tensors), metadata_);
  }

  fs::path file_;
  std::vector<std::string> points_;
  int64_t width_ = 0, rows_ = 0, written_ = 0;
  std::map<std::string, std::string> metadata_;
  std::unique_ptr<SafetensorsWriter> writer_;
};

// Known before the host has worked for an hour.
void check_out(const fs::path& out) {
  const fs::path folder = fs::absolute(out).parent_path();
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw UserError("--out: " + out.string() + ": no folder " + folder.string());
  if (fs::is_directory(out, error))
    throw UserError("--out: " + out.string() + ": is a folder, should be a file");
}

}  // namespace

int activations(const RunRequest& request, const ActivationsRequest& asked,
                const PluginPaths& plugin_paths) {
  check_out(asked.out);
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  prepare_device(request);
  const bool named = std::any_of(asked.host.sets.begin(), asked.host.sets.end(),
                                 [](const std::string& s) { return s.starts_with("data.type="); });
  const Value sections =
      sections_of({{"--host", "host", "type", asked.host.type},
                   {"--weights", "host", "weights", asked.host.weights},
                   {"--input", "data", "type", named ? "" : data_type_of(asked.host.input)},
                   {"--input", "data", "path", asked.host.input},
                   {"--hookpoints", "activations", "hookpoints", asked.hookpoints},
                   {"--rows", "activations", "rows", asked.rows},
                   {"--pool", "activations", "pool", asked.pool}},
                  asked.host.sets, {"host", "data", "activations"});
  const auto host = host_of(sections, kernel, request);
  const ActivationStream stream = stream_of(sections, kernel, host);
  const RowOrigin origin{host->type, host->weights_hash, stream.points(), stream.row_policy(),
                         stream.params().pool};

  catch_interrupts();
  const torch::NoGradGuard no_grad;
  const auto source = stream.open(Order::sequential, 0);
  const int64_t total = source->epoch_rows();
  if (total < 0)
    throw UserError(
        "activations.max_norm: how many rows it keeps is known when all were read, and a file of "
        "rows needs their number first: leave it out");
  RowFile file(asked.out, stream, origin, total);
  int64_t read = 0;
  while (true) {
    if (interrupted()) throw Stopped(asked.out.string() + ": stopped, nothing was written");
    const Rows rows = source->next(kRowsAtOnce);
    read += rows.size();
    show_progress(read, total);
    file.add(rows);
    if (rows.size() < kRowsAtOnce) break;
  }
  const int64_t sequences = file.add_names(stream.data());
  file.commit();
  std::cout << asked.out.string() << ": " << file.written() << " rows of " << sequences
            << " sequences at " << stream.points().size() << " hookpoints, width "
            << stream.shape().d_in << "\n";
  return 0;
}

}  // namespace facet::cli
