// The rows of a feed that the filter keeps, pooled where that is wanted.
#include <facet/torch.h>

#include "activations/row_feed.h"

namespace facet {
namespace {

class KeptFeed final : public RowFeed {
 public:
  KeptFeed(std::unique_ptr<RowFeed> raw, const RowFilter& filter)
      : raw_(std::move(raw)), filter_(filter) {}

  void start(int64_t item) override { raw_->start(item); }

  bool next(Rows& piece) override {
    if (!raw_->next(piece)) return false;
    keep(piece, wanted(piece.flag));
    if (filter_.max_norm > 0 && piece.size() > 0) keep_low(piece);
    if (filter_.pool != Pool::none) piece = pooled(piece, filter_.pool);
    return true;
  }

  void rest() override { raw_->rest(); }
  int64_t item() const override { return raw_->item(); }

  RowCount count() const override {
    if (filter_.max_norm > 0) return {-1, -1, -1, -1, -1};
    const RowCount all = raw_->count();
    const int64_t sequences = filter_.content_only ? all.content_sequences : all.sequences;
    if (filter_.pool != Pool::none) return {sequences, sequences, sequences, sequences};
    const int64_t pads = filter_.pads ? all.pads : 0;
    const int64_t rows =
        filter_.content_only ? all.content_rows + pads : all.rows - all.pads + pads;
    return {rows, filter_.content_only ? rows : all.content_rows, sequences, sequences, pads};
  }

  Tensor dictionary() const override { return raw_->dictionary(); }
  LeftOut left_out() const override { return left_out_; }

 private:
  // [n] bool of flag [n].
  Tensor wanted(const Tensor& flag) {
    const Tensor pad = flag.bitwise_and(kPad).ne(0);
    if (!filter_.pads) left_out_.pads += pad.sum().item<int64_t>();
    const Tensor special = flag.bitwise_and(kSpecial).ne(0);
    const Tensor ordinary = filter_.content_only ? special.logical_not() : torch::ones_like(pad);
    return filter_.pads ? ordinary.logical_or(pad) : ordinary.logical_and(pad.logical_not());
  }

  void keep_low(Rows& piece) {
    const int64_t normed = filter_.normed > 0 ? filter_.normed : piece.x.size(1);
    const Tensor x = piece.x.narrow(1, 0, normed);
    const Tensor norm = x.to(torch::kFloat32).norm(2, {-1});  // [n, points]
    const Tensor median = std::get<0>(norm.median(0));        // [points]
    const Tensor low = norm.gt(median * filter_.max_norm).any(1).logical_not();
    left_out_.high_norm += low.size(0) - low.sum().item<int64_t>();
    keep(piece, low);
  }

  static void keep(Rows& piece, const Tensor& which) {
    const Tensor rows = which.nonzero().squeeze(1);
    if (rows.size(0) < piece.size()) piece = piece.select(rows);
  }

  std::unique_ptr<RowFeed> raw_;
  RowFilter filter_;
  LeftOut left_out_;
};

}  // namespace

RowFeed::~RowFeed() = default;

int64_t memory_of(const Rows& rows) {
  return static_cast<int64_t>(rows.x.nbytes()) + rows.size() * kOriginBytes;
}

void refuse_no_rows() {
  throw UserError(
      "activations: no rows: the data has no records, or none with a token that is kept");
}

void refuse_shorter_data(int64_t item, int64_t sequences) {
  throw UserError("activations: record " + std::to_string(item) +
                  " is where to go on, but the data ends after " + std::to_string(sequences) +
                  ": it is not the data that the run began with");
}

std::unique_ptr<RowFeed> feed_of_kept(std::unique_ptr<RowFeed> raw, const RowFilter& filter) {
  return std::make_unique<KeptFeed>(std::move(raw), filter);
}

}  // namespace facet
