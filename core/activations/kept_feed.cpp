// The rows of a feed that the row policy keeps, pooled where that is wanted.
#include <facet/torch.h>

#include "activations/row_feed.h"

namespace facet {
namespace {

class KeptFeed final : public RowFeed {
 public:
  KeptFeed(std::unique_ptr<RowFeed> raw, bool content_only, Pool pool)
      : raw_(std::move(raw)), content_only_(content_only), pool_(pool) {}

  void start(int64_t item) override { raw_->start(item); }

  bool next(Rows& piece) override {
    if (!raw_->next(piece)) return false;
    if (content_only_) {
      const Tensor keep = piece.flag.bitwise_and(kSpecial).eq(0).nonzero().squeeze(1);
      if (keep.size(0) < piece.size()) piece = piece.select(keep);
    }
    if (pool_ != Pool::none) piece = pooled(piece, pool_);
    return true;
  }

  int64_t item() const override { return raw_->item(); }

  RowCount count() const override {
    const RowCount all = raw_->count();
    const int64_t sequences = content_only_ ? all.content_sequences : all.sequences;
    if (pool_ != Pool::none) return {sequences, sequences, sequences, sequences};
    if (content_only_) return {all.content_rows, all.content_rows, sequences, sequences};
    return all;
  }

  Tensor dictionary() const override { return raw_->dictionary(); }

 private:
  std::unique_ptr<RowFeed> raw_;
  bool content_only_;
  Pool pool_;
};

}  // namespace

RowFeed::~RowFeed() = default;

void refuse_no_rows() {
  throw UserError(
      "activations: no rows: the data has no records, or none with a token that is kept");
}

void refuse_shorter_data(int64_t item, int64_t records) {
  throw UserError("activations: record " + std::to_string(item) +
                  " is where to go on, but the data ends after " + std::to_string(records) +
                  ": it is not the data that the run began with");
}

std::unique_ptr<RowFeed> feed_of_kept(std::unique_ptr<RowFeed> raw, bool content_only, Pool pool) {
  return std::make_unique<KeptFeed>(std::move(raw), content_only, pool);
}

}  // namespace facet
