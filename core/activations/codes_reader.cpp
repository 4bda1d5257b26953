// Reads a finished codes store, memory-mapped.
#include <facet/torch.h>

#include <algorithm>
#include <sstream>

#include "activations/codes_files.h"
#include "activations/codes_store.h"
#include "activations/store_parts.h"
#include "base/files.h"
#include "facet/safetensors.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

std::vector<SequenceInfo> read_sequences(const fs::path& file) {
  std::vector<SequenceInfo> out;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const Value v = parse_json(line, file.string());
    out.push_back({v.text("id"), v.text("text"), v.text("description")});
  }
  return out;
}

class Store final : public CodesReader {
 public:
  explicit Store(const fs::path& folder) : files_{folder} {
    if (!fs::exists(files_.record()))
      throw UserError(folder.string() + ": not a finished codes store: it has no codes.json");
    const Value record = parse_json(read_file(files_.record()), files_.record().string());
    check_equal(files_.folder, files_.record(), "format", record.integer("format"), kCodesFormat);
    key_ = record.text("key");
    pool_ = record.text("pool") != "none" ? record.text("pool") : record.at("stream").text("pool");
    d_sae_ = record.integer("d_sae");
    letter_offset_ = record.integer("letter_offset");
    open_parts(record.integer("parts"));
    check_equal(files_.folder, files_.record(), "rows", begin_.back(), record.integer("rows"));
    by_latent_ = std::make_unique<Safetensors>(open_part(files_.folder, files_.by_latent()));
    by_latent_start_ = by_latent_->tensor("start");
    check_equal(files_.folder, files_.by_latent(), "latents", by_latent_start_.size(0) - 1, d_sae_);
    check_equal(files_.folder, files_.by_latent(), "entries", by_latent_->tensor("value").size(0),
                record.integer("firing_entries"));
    sequences_ = read_sequences(files_.sequences());
    check_equal(files_.folder, files_.sequences(), "lines", static_cast<int64_t>(sequences_.size()),
                record.integer("sequences"));
  }

  int64_t rows() const override { return begin_.back(); }
  int64_t d_sae() const override { return d_sae_; }

  Codes slice(int64_t begin, int64_t end) const override {
    FACET_ASSERT(0 <= begin && begin <= end && end <= rows(), "no such rows in the store");
    std::vector<Codes> out;
    const auto first = std::upper_bound(begin_.begin(), begin_.end(), begin) - begin_.begin() - 1;
    for (auto p = static_cast<size_t>(first); p < parts_.size() && begin_[p] < end; ++p) {
      const int64_t from = std::max(begin, begin_[p]) - begin_[p];
      const int64_t to = std::min(end, begin_[p + 1]) - begin_[p];
      out.push_back(codes_of(parts_[p]).slice(from, to));
    }
    if (out.empty()) return codes_of(parts_.front()).slice(0, 0);
    return out.size() == 1 ? out[0] : Codes::joined(out);
  }

  Firing firing(int64_t latent) const override {
    FACET_ASSERT(0 <= latent && latent < d_sae_, "no such latent in the store");
    const auto* start = by_latent_start_.const_data_ptr<int64_t>();
    return {by_latent_->tensor("row").slice(0, start[latent], start[latent + 1]),
            by_latent_->tensor("value").slice(0, start[latent], start[latent + 1])};
  }

  Tensor firing_counts() const override { return by_latent_start_.diff(); }

  Rows ids() const override {
    const auto all = [&](const char* name) {
      std::vector<Tensor> parts;
      for (const Safetensors& part : parts_) parts.push_back(part.tensor(name));
      return torch::cat(parts);
    };
    return {{}, all("sequence"), all("position"), all("token"), all("flag")};
  }

  const std::vector<SequenceInfo>& sequences() const override { return sequences_; }
  int64_t letter_offset() const override { return letter_offset_; }
  std::string pool() const override { return pool_; }
  std::string key() const override { return key_; }

 private:
  void open_parts(int64_t count) {
    if (count < 1) check_equal(files_.folder, files_.record(), "parts", count, 1);
    begin_ = {0};
    for (int64_t p = 0; p < count; ++p) {
      parts_.push_back(open_part(files_.folder, part_file(files_.parts(), p)));
      const Safetensors& part = parts_.back();
      const Tensor start = part.tensor("start");
      const int64_t rows = start.size(0) - 1;
      check_equal(files_.folder, part.file(), "entries", part.tensor("value").size(0),
                  start[rows].item<int64_t>());
      check_equal(files_.folder, part.file(), "rows with an origin",
                  part.tensor("sequence").size(0), rows);
      begin_.push_back(begin_.back() + rows);
    }
  }

  Codes codes_of(const Safetensors& part) const {
    return {part.tensor("start"), part.tensor("latent"), part.tensor("value"), d_sae_};
  }

  CodesFiles files_;
  std::string key_, pool_;
  int64_t d_sae_ = 0;
  int64_t letter_offset_ = 0;
  std::vector<Safetensors> parts_;
  std::vector<int64_t> begin_;  // [parts + 1] first row of each
  std::unique_ptr<Safetensors> by_latent_;
  Tensor by_latent_start_;  // [d_sae + 1]
  std::vector<SequenceInfo> sequences_;
};

}  // namespace

std::shared_ptr<const CodesReader> open_codes(const fs::path& folder) {
  return std::make_shared<Store>(folder);
}

}  // namespace facet
