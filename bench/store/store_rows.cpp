// Times the activation store: rows of a host that costs nothing go to disk and come back. See
// README.md.
#include <facet/data.h>
#include <facet/error.h>
#include <facet/host.h>
#include <facet/torch.h>

#include <ATen/Parallel.h>

#include <filesystem>
#include <iostream>

#include "activations/activation_store.h"
#include "base/allocator.h"
#include "blocks.h"

using namespace facet;

namespace {

constexpr int64_t kText = 1000;     // tokens of a record
constexpr int64_t kBatch = 4096;    // rows read at once
constexpr int64_t kMade = 1 << 16;  // rows that differ
const std::string kKey = "bench/store";

/// Records of kText letters.
class Letters final : public Data {
 public:
  explicit Letters(int64_t records) : records_(records) {}
  std::unique_ptr<RecordReader> open() const override {
    struct Reader final : RecordReader {
      explicit Reader(int64_t records) : left(records) {}
      bool next(Record& record) override {
        if (left == 0) return false;
        record = {std::to_string(left--), std::string(kText, 'a'), {}, {}};
        return true;
      }
      int64_t left;
    };
    return std::make_unique<Reader>(records_);
  }

 private:
  int64_t records_;
};

/// A letter is a token; rows are those of a matrix, one after another, over and over.
class Ready final : public HostModel {
 public:
  explicit Ready(int64_t width) : x_(torch::randn({kMade, width})) {
    info_.type = "ready";
    info_.points = {{"embeddings", "layers.0", width, -1}};
    info_.vocabulary = 1;
    info_.d_model = width;
    info_.weights_hash = "none";
    info_.switches = Value::Table();
  }
  const HostInfo& info() const override { return info_; }
  Tokens tokenize(std::span<const std::string> texts) const override {
    const auto n = static_cast<int64_t>(texts.size());
    return {torch::zeros({n * kText}, torch::kInt64), torch::arange(n + 1) * kText,
            torch::arange(n), torch::zeros({n * kText}, torch::kUInt8)};
  }
  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want, Decoding*) override {
    const int64_t rows = tokens.id.size(0);
    const int64_t begin = tokens.sequence[0].item<int64_t>() * kText % (kMade - rows);
    Rows out;
    out.x = x_.narrow(0, begin, rows);
    out.sequence = tokens.sequence.repeat_interleave(kText);
    out.position = torch::arange(kText, torch::kInt32).repeat(tokens.sequences());
    out.token = tokens.id.to(torch::kInt32);
    out.flag = tokens.flag;
    apply_hooks(hooks, "embeddings", out);
    return {};
  }

 private:
  HostInfo info_;
  Tensor x_;
};

struct Silent final : EventSink {
  void emit(const Event&) override {}
};

int run(char** given) {
  const std::string mode = given[1];
  const std::filesystem::path folder = given[2];
  const int64_t rows = std::atoll(given[3]), width = std::atoll(given[4]);
  at::set_num_threads(std::atoi(given[5]));
  DatasetParams data;
  data.type = "letters";
  ActivationStream stream(std::make_shared<Ready>(width),
                          Dataset(std::make_shared<Letters>(rows / kText), data, "letters"),
                          {"embeddings"}, {});
  const double gigabytes = 1e-9 * static_cast<double>(width) * sizeof(float);
  Silent silent;
  if (mode == "write") {
    bench::Blocks blocks(1);
    do {
      std::filesystem::remove_all(folder);
      build_activations(folder, stream, kKey, silent, [] {});
    } while (blocks.stepped(gigabytes * static_cast<double>(rows)));
  } else {
    const bool scan = mode == "scan";
    if (!std::filesystem::exists(folder)) build_activations(folder, stream, kKey, silent, [] {});
    stream.read_from(open_activations(folder, kKey));
    const auto source = stream.open(scan ? Order::sequential : Order::shuffled, 1);
    bench::Blocks blocks(rows / kBatch);  // all rows
    double read = 0;
    do {
      read = static_cast<double>(source->next(kBatch).size());
    } while (blocks.stepped(scan ? gigabytes * read : read));
  }
  bench::print_peak();
  return 0;
}

}  // namespace

/// store_rows write|scan|draw FOLDER ROWS WIDTH THREADS
/// write: builds the store anew and prints GB a second of its numbers, each time until the disk has
/// them; scan: reads it in its order, GB a second; draw: shuffled as for a training, rows a second.
/// Both make the store where it is not there.
int main(int count, char** given) {
  if (count != 6) {
    std::cerr << "store_rows write|scan|draw FOLDER ROWS WIDTH THREADS\n";
    return 2;
  }
  keep_large_blocks();  // as the program facet does
  try {
    return run(given);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
}
