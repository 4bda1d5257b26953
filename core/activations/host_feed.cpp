// Rows of a host: groups sequences into batches, runs the host, and keeps the rows that the policy
// wants.
#include "activations/row_feed.h"

#include <facet/torch.h>

#include <optional>

namespace facet {
namespace {

// The host names the only text it was given by its index; users know records by their id.
std::string with_record(std::string problem, const std::string& record) {
  const std::string index = "text 0";
  const size_t at = problem.find(index);
  if (at == std::string::npos) return record + ": " + problem;
  return problem.replace(at, index.size(), record);
}

Tokens joined(const std::vector<Tokens>& parts) {
  std::vector<Tensor> id, sequence, flag;
  std::vector<int64_t> start = {0};
  for (const Tokens& part : parts) {
    id.push_back(part.id);
    sequence.push_back(part.sequence);
    flag.push_back(part.flag);
    start.push_back(start.back() + part.id.size(0));
  }
  return {torch::cat(id), torch::tensor(start, torch::kInt64), torch::cat(sequence),
          torch::cat(flag)};
}

Tensor kept_tokens(const Tensor& flag, bool content_only) {
  return content_only ? flag.bitwise_and(kSpecial).eq(0) : torch::ones_like(flag, torch::kBool);
}

class HostFeed final : public RowFeed {
 public:
  HostFeed(std::shared_ptr<HostModel> host, Dataset data, std::vector<std::string> points,
           bool content_only, int64_t batch_tokens)
      : host_(std::move(host)),
        data_(std::move(data)),
        points_(std::move(points)),
        content_only_(content_only),
        batch_tokens_(batch_tokens) {}

  void start(int64_t item) override {
    reader_ = data_.open();
    waiting_.reset();
    read_ = 0;
    for (Record skipped; read_ < item; ++read_)
      if (!reader_->next(skipped))
        throw UserError("activations: record " + std::to_string(item) +
                        " is where to go on, but the data ends after " + std::to_string(read_) +
                        ": it is not the data that the run began with");
    item_ = item;
  }

  bool next(Rows& piece) override {
    std::vector<Tokens> batch;
    int64_t tokens = 0;
    while (fetch()) {
      const int64_t length = waiting_->id.size(0);
      if (!batch.empty() && tokens + length > batch_tokens_) break;
      tokens += length;
      batch.push_back(std::move(*waiting_));
      waiting_.reset();
    }
    if (batch.empty()) return false;
    item_ += static_cast<int64_t>(batch.size());
    piece = rows_of(joined(batch));
    return true;
  }

  int64_t item() const override { return item_; }

  int64_t count() const override {
    int64_t rows = 0, index = 0;
    const auto reader = data_.open();
    for (Record record; reader->next(record);) {
      const Tensor flag = tokens_of(*host_, record, index++).flag;
      rows += kept_tokens(flag, content_only_).sum().item<int64_t>();
    }
    return rows;
  }

 private:
  // The tokens of the next record stand in waiting_; false at the end.
  bool fetch() {
    if (waiting_) return true;
    Record record;
    if (!reader_->next(record)) return false;
    waiting_ = tokens_of(*host_, record, read_++);
    return true;
  }

  Rows rows_of(const Tokens& tokens) {
    std::vector<Tensor> x(points_.size());  // [kept, d] each
    Rows ids;
    std::vector<Hook> hooks;
    for (size_t i = 0; i < points_.size(); ++i)
      hooks.push_back({points_[i], [&, i](const Rows& seen) {
                         const Tensor keep =
                             kept_tokens(seen.flag, content_only_).nonzero().squeeze(1);
                         x[i] = seen.x.detach().index_select(0, keep.to(seen.x.device())).cpu();
                         if (i == 0) ids = ids_of(seen, keep);
                         return seen.x;
                       }});
    const torch::NoGradGuard no_grad;
    host_->forward(tokens, hooks, Want{});
    for (size_t i = 0; i < points_.size(); ++i)
      FACET_ASSERT(x[i].defined(), "the host never reached " + points_[i]);
    ids.x = torch::stack(x, 1);  // [kept, points, d]
    return ids;
  }

  static Rows ids_of(const Rows& seen, const Tensor& keep) {
    const auto pick = [&](const Tensor& t) { return t.index_select(0, keep.to(t.device())).cpu(); };
    return {{}, pick(seen.sequence), pick(seen.position), pick(seen.token), pick(seen.flag)};
  }

  std::shared_ptr<HostModel> host_;
  Dataset data_;
  std::vector<std::string> points_;
  bool content_only_;
  int64_t batch_tokens_;
  std::unique_ptr<RecordReader> reader_;
  std::optional<Tokens> waiting_;  // read and tokenised, but too long for the batch before it
  int64_t read_ = 0;               // records
  int64_t item_ = 0;
};

}  // namespace

RowFeed::~RowFeed() = default;

Tokens tokens_of(const HostModel& host, const Record& record, int64_t index) {
  const std::string name = "record \"" + record.id + "\"";
  Tokens tokens;
  try {
    tokens = host.tokenize({&record.text, 1});
  } catch (const UserError& e) {
    throw UserError(with_record(e.what(), name));
  }
  tokens.sequence = torch::full({1}, index, torch::kInt64);
  const int64_t length = tokens.id.size(0), context = host.info().context;
  if (context > 0 && length > context) {
    const int64_t specials = tokens.flag.bitwise_and(kSpecial).ne(0).sum().item<int64_t>();
    throw UserError(name + ": " + std::to_string(length) + " tokens exceed the context of " +
                    host.info().type + " (" + std::to_string(context) +
                    ")\nset data.max_length to at most " + std::to_string(context - specials));
  }
  return tokens;
}

int64_t leading_specials(const Tokens& tokens) {
  const Tensor letters = tokens.flag.bitwise_and(kSpecial).eq(0).nonzero();
  return letters.size(0) > 0 ? letters[0][0].item<int64_t>() : 0;
}

std::unique_ptr<RowFeed> feed_of_host(std::shared_ptr<HostModel> host, Dataset data,
                                      std::vector<std::string> points, bool content_only,
                                      int64_t batch_tokens) {
  return std::make_unique<HostFeed>(std::move(host), std::move(data), std::move(points),
                                    content_only, batch_tokens);
}

}  // namespace facet
