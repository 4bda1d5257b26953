// Builds a codes store part by part, pooled where that is wanted.
#include "activations/codes_store.h"

#include <facet/torch.h>

#include <algorithm>

#include "activations/codes_files.h"
#include "activations/row_feed.h"
#include "activations/store_parts.h"
#include "base/files.h"
#include "facet/safetensors.h"

namespace facet {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kBatchRows = 4096;  // given to the SAE at once

void check_finite(const Codes& codes, const Rows& rows) {
  const Tensor bad = codes.value.isfinite().logical_not().nonzero();
  if (bad.size(0) == 0) return;
  const Tensor row = codes.row()[bad[0][0].item<int64_t>()];
  throw UserError("encode: sequence " + std::to_string(rows.sequence[row].item<int64_t>()) +
                  " position " + std::to_string(rows.position[row].item<int64_t>()) +
                  ": a code is not finite");
}

struct CodesPart {
  std::vector<Codes> codes;
  std::vector<Rows> ids;
  int64_t rows = 0;
  int64_t read = 0;  // before pooling
};

class CodesBuilder {
 public:
  CodesBuilder(const fs::path& folder, Sae& sae, const Normaliser& normaliser,
               const ActivationStream& stream, std::string key, EventSink& events, Pool pool,
               int64_t part_rows)
      : files_{folder},
        sae_(sae),
        normaliser_(normaliser),
        stream_(stream),
        events_(events),
        pool_(pool),
        part_rows_(part_rows),
        feed_(stream.feed()) {
    at_.key = std::move(key);
  }

  void encode(const std::function<void()>& breathe) {
    const std::vector<PartEnd> finished = finished_parts(files_.folder, files_.parts(), at_.key);
    parts_ = static_cast<int64_t>(finished.size());
    if (parts_ > 0) at_ = finished.back();
    feed_->start(at_.next_item);
    const int64_t total = std::max<int64_t>(feed_->count().rows, 0);  // 0: unknown
    while (true) {
      const CodesPart part = next_part(total, breathe);
      if (part.read == 0) break;
      at_.rows += part.rows;
      at_.read += part.read;
      at_.next_item = feed_->item();
      save_part(part_file(files_.parts(), parts_),
                codes_part(Codes::joined(part.codes), Rows::joined(part.ids)), at_);
      ++parts_;
    }
    if (parts_ == 0) refuse_no_rows();
  }

  void finish() {
    const int64_t letter_offset = write_sequences();
    const int64_t entries = write_by_latent(files_, parts_, sae_.d_sae());
    write_codes_record(files_, {at_.key, name_of(pool_), "stream", stream_.describe(), at_.rows,
                                sae_.d_sae(), parts_, sequences_, entries, letter_offset});
  }

 private:
  CodesPart next_part(int64_t total, const std::function<void()>& breathe) {
    CodesPart part;
    for (Rows piece; part.read < part_rows_;) {
      breathe();
      if (!feed_->next(piece)) break;
      if (piece.size() == 0) continue;
      add(part, piece);
      events_.progress("encode", at_.read + part.read, total, "rows");
    }
    return part;
  }

  void add(CodesPart& part, const Rows& piece) {
    std::vector<Codes> batches;
    for (int64_t begin = 0; begin < piece.size(); begin += kBatchRows)
      batches.push_back(codes_of(piece.slice(begin, std::min(piece.size(), begin + kBatchRows))));
    Codes codes = batches.size() == 1 ? std::move(batches[0]) : Codes::joined(batches);
    Rows ids = piece;
    ids.x = Tensor();
    part.read += ids.size();
    if (pool_ != Pool::none) {
      codes = pooled(codes, ids.sequence, pool_);
      ids = pooled(ids, pool_);
    }
    part.rows += ids.size();
    part.codes.push_back(std::move(codes));
    part.ids.push_back(std::move(ids));
  }

  Codes codes_of(const Rows& rows) {
    const torch::NoGradGuard no_grad;
    Batch batch = make_batch(normaliser_, rows);
    batch.input = batch.input.to(sae_.device());
    if (batch.target.defined()) batch.target = batch.target.to(sae_.device());
    Codes codes = sae_.pass(batch, Mode::infer).codes.cpu();
    check_finite(codes, batch.ids);
    return codes;
  }

  // One line a sequence, in the order of the pass; returns the letter offset.
  int64_t write_sequences() {
    FileWriter out(files_.sequences());
    int64_t letter_offset = 0;
    if (stream_.host()) {
      const auto reader = stream_.tokens();
      Tokens first;
      for (bool more = reader->next(first); more; more = reader->skip(), ++sequences_)
        out.write(sequence_line(reader->info()));
      if (sequences_ > 0) letter_offset = leading_specials(first);
    }
    out.commit();
    return letter_offset;
  }

  CodesFiles files_;
  Sae& sae_;
  const Normaliser& normaliser_;
  const ActivationStream& stream_;
  EventSink& events_;
  Pool pool_;
  int64_t part_rows_;
  std::unique_ptr<RowFeed> feed_;
  PartEnd at_;
  int64_t parts_ = 0;      // finished
  int64_t sequences_ = 0;  // written
};

}  // namespace

void build_codes(const fs::path& folder, Sae& sae, const Normaliser& normaliser,
                 const ActivationStream& stream, const std::string& key, EventSink& events,
                 const std::function<void()>& breathe, Pool pool, int64_t part_rows) {
  if (pool != Pool::none && stream.params().pack > 0)
    throw UserError("encode: pool is \"" + name_of(pool) +
                    "\", but activations.pack joins records: a row would be of several");
  const CodesFiles files{folder};
  if (fs::exists(files.record())) return;
  make_folder(files.parts());
  CodesBuilder builder(folder, sae, normaliser, stream, key, events, pool, part_rows);
  builder.encode(breathe);
  builder.finish();
}

}  // namespace facet
