// Builds a codes store part by part, then sorts its entries by latent.
#include "activations/codes_store.h"

#include <facet/torch.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "activations/codes_files.h"
#include "activations/row_feed.h"
#include "base/files.h"
#include "facet/safetensors.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kBatchRows = 4096;  // given to the SAE at once

// Where the build stands after a part; kept in the part's own metadata, so a part is whole with it
// or absent.
struct Progress {
  Value cursor;
  int64_t rows = 0;
  bool ended = false;
};

std::map<std::string, std::string> metadata_of(const Progress& progress) {
  return {{"cursor", emit_json(progress.cursor)},
          {"rows", std::to_string(progress.rows)},
          {"ended", progress.ended ? "true" : "false"}};
}

Progress progress_of(const Safetensors& part) {
  const auto& said = part.metadata();
  if (!said.count("cursor") || !said.count("rows") || !said.count("ended"))
    throw UserError(part.file().string() + ": not a part of a codes store");
  return {parse_json(said.at("cursor"), part.file().string()), std::stoll(said.at("rows")),
          said.at("ended") == "true"};
}

void check_finite(const Codes& codes, const Rows& rows) {
  const Tensor bad = codes.value.isfinite().logical_not().nonzero();
  if (bad.size(0) == 0) return;
  const Tensor row = codes.row()[bad[0][0].item<int64_t>()];
  throw UserError("encode: sequence " + std::to_string(rows.sequence[row].item<int64_t>()) +
                  " position " + std::to_string(rows.position[row].item<int64_t>()) +
                  ": a code is not finite");
}

struct Part {
  std::vector<Codes> codes;
  std::vector<Rows> ids;
  int64_t rows = 0;
};

NamedTensors tensors_of(const Part& part) {
  const Codes codes = Codes::joined(part.codes);
  const Rows ids = Rows::joined(part.ids);
  return {{"start", codes.start},     {"latent", codes.latent},   {"value", codes.value},
          {"sequence", ids.sequence}, {"position", ids.position}, {"token", ids.token},
          {"flag", ids.flag}};
}

class Builder {
 public:
  Builder(const fs::path& folder, Sae& sae, const Normaliser& normaliser,
          const ActivationStream& stream, EventSink& events, int64_t part_rows)
      : files_{folder},
        sae_(sae),
        normaliser_(normaliser),
        stream_(stream),
        events_(events),
        part_rows_(part_rows),
        source_(stream.open(Order::sequential, 0)) {}

  void encode(const std::function<void()>& breathe) {
    skip_finished();
    const int64_t total = std::max<int64_t>(source_->epoch_rows(), 0);
    while (!at_.ended) {
      breathe();
      const Part part = next_part(total);
      if (part.rows == 0) break;
      save_safetensors(files_.part(parts_), tensors_of(part), metadata_of(at_));
      ++parts_;
    }
  }

  void finish(const std::string& key) {
    const int64_t letter_offset = write_sequences();
    const int64_t entries = write_by_latent();
    Value record;
    record.set("format", kCodesFormat);
    record.set("key", key);
    record.set("rows", at_.rows);
    record.set("d_sae", sae_.d_sae());
    record.set("parts", parts_);
    record.set("sequences", sequences_);
    record.set("firing_entries", entries);
    record.set("letter_offset", letter_offset);
    write_file(files_.record(), emit_json_pretty(record));
  }

 private:
  void skip_finished() {
    while (fs::exists(files_.part(parts_))) ++parts_;
    if (parts_ == 0) return;
    at_ = progress_of(Safetensors(files_.part(parts_ - 1)));
    if (!at_.ended) source_->seek(at_.cursor);
  }

  Part next_part(int64_t total) {
    Part part;
    while (part.rows < part_rows_ && !at_.ended) {
      const int64_t wanted = std::min(kBatchRows, part_rows_ - part.rows);
      Rows rows = source_->next(wanted);
      const int64_t got = rows.size();
      at_.ended = got < wanted;
      if (got == 0) break;
      add(part, std::move(rows));
      events_.progress("encode", at_.rows + part.rows, total, "rows");
    }
    at_.rows += part.rows;
    at_.cursor = source_->cursor();
    return part;
  }

  void add(Part& part, Rows rows) {
    const torch::NoGradGuard no_grad;
    Batch batch = make_batch(normaliser_, std::move(rows));
    batch.input = batch.target = batch.input.to(sae_.device());
    Codes codes = sae_.pass(batch, Mode::infer).codes.cpu();
    check_finite(codes, batch.ids);
    part.rows += batch.ids.size();
    batch.ids.x = Tensor();
    part.codes.push_back(std::move(codes));
    part.ids.push_back(std::move(batch.ids));
  }

  // One line a record, in the order of the pass; returns the letter offset.
  int64_t write_sequences() {
    FileWriter out(files_.sequences());
    int64_t letter_offset = 0;
    if (stream_.host()) {
      const auto reader = stream_.data().open();
      for (Record record; reader->next(record); ++sequences_) {
        if (sequences_ == 0)
          letter_offset = leading_specials(tokens_of(*stream_.host_model(), record, 0));
        Value line;
        line.set("id", record.id);
        line.set("text", record.text);
        const auto description = record.columns.find("description");
        line.set("description", description == record.columns.end() ? "" : description->second);
        out.write(emit_json(line) + "\n");
      }
    }
    out.commit();
    return letter_offset;
  }

  // Calls f(latent, row in the store, value) for each entry that fires, rows ascending.
  template <class F>
  void each_firing(F&& f) const {
    int64_t before = 0;
    for (int64_t p = 0; p < parts_; ++p) {
      const Safetensors part(files_.part(p));
      const Tensor start = part.tensor("start"), latent = part.tensor("latent"),
                   value = part.tensor("value");
      const auto* starts = start.const_data_ptr<int64_t>();
      const auto* latents = latent.const_data_ptr<int32_t>();
      const auto* values = value.const_data_ptr<float>();
      for (int64_t row = 0; row + 1 < start.size(0); ++row)
        for (int64_t e = starts[row]; e < starts[row + 1]; ++e)
          if (values[e] > 0) f(latents[e], before + row, values[e]);
      before += start.size(0) - 1;
    }
  }

  int64_t write_by_latent() const {
    const int64_t latents = sae_.d_sae();
    std::vector<int64_t> start(static_cast<size_t>(latents) + 1, 0);
    each_firing([&](int32_t latent, int64_t, float) { ++start[static_cast<size_t>(latent) + 1]; });
    std::partial_sum(start.begin(), start.end(), start.begin());

    struct Entry {
      int64_t row;
      float value;
    };
    std::vector<Entry> entries(static_cast<size_t>(start.back()));
    std::vector<int64_t> room(start.begin(), start.end() - 1);
    each_firing([&](int32_t latent, int64_t row, float value) {
      entries[static_cast<size_t>(room[static_cast<size_t>(latent)]++)] = {row, value};
    });
    for (int64_t latent = 0; latent < latents; ++latent)
      std::stable_sort(entries.begin() + start[static_cast<size_t>(latent)],
                       entries.begin() + start[static_cast<size_t>(latent) + 1],
                       [](const Entry& a, const Entry& b) { return a.value > b.value; });

    const Tensor row = torch::empty({start.back()}, torch::kInt64);
    const Tensor value = torch::empty({start.back()}, torch::kFloat32);
    for (size_t e = 0; e < entries.size(); ++e) {
      row.data_ptr<int64_t>()[e] = entries[e].row;
      value.data_ptr<float>()[e] = entries[e].value;
    }
    save_safetensors(
        files_.by_latent(),
        {{"start", torch::tensor(start, torch::kInt64)}, {"row", row}, {"value", value}});
    return start.back();
  }

  CodesFiles files_;
  Sae& sae_;
  const Normaliser& normaliser_;
  const ActivationStream& stream_;
  EventSink& events_;
  int64_t part_rows_;
  std::unique_ptr<ActivationSource> source_;
  Progress at_;
  int64_t parts_ = 0;      // finished
  int64_t sequences_ = 0;  // written
};

}  // namespace

fs::path CodesFiles::part(int64_t index) const {
  char name[40];
  std::snprintf(name, sizeof(name), "%05lld.safetensors", static_cast<long long>(index));
  return folder / "parts" / name;
}

void build_codes(const fs::path& folder, Sae& sae, const Normaliser& normaliser,
                 const ActivationStream& stream, const std::string& key, EventSink& events,
                 const std::function<void()>& breathe, int64_t part_rows) {
  if (fs::exists(CodesFiles{folder}.record())) return;
  std::error_code error;
  fs::create_directories(folder / "parts", error);
  if (error)
    throw UserError((folder / "parts").string() + ": cannot make folder: " + error.message());
  Builder builder(folder, sae, normaliser, stream, events, part_rows);
  builder.encode(breathe);
  builder.finish(key);
}

}  // namespace facet
