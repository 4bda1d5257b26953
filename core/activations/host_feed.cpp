// Rows of a host: groups sequences into batches and runs the host.
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

Tensor copied(const Tensor& t) { return t.to(torch::kCPU, false, true).contiguous(); }

class HostFeed final : public RowFeed {
 public:
  HostFeed(std::shared_ptr<HostModel> host, Dataset data, std::vector<std::string> points,
           int64_t batch_tokens, const Packing& packing)
      : host_(std::move(host)),
        data_(std::move(data)),
        points_(std::move(points)),
        batch_tokens_(batch_tokens),
        packing_(packing) {}

  void start(int64_t item) override {
    waiting_.reset();
    item_ = 0;
    reader_ = read_tokens(host_, data_, packing_);
    for (; item_ < item; ++item_)
      if (!reader_->skip()) refuse_shorter_data(item, item_);
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
    piece = rows_of(Tokens::joined(batch));
    return true;
  }

  int64_t item() const override { return item_; }

  RowCount count() const override {
    RowCount out;
    const auto reader = read_tokens(host_, data_, packing_);
    for (Tokens tokens; reader->next(tokens);) {
      const Tensor& flag = tokens.flag;
      const auto content = flag.bitwise_and(kSpecial | kPad).eq(0).sum().item<int64_t>();
      out.pads += flag.bitwise_and(kPad).ne(0).sum().item<int64_t>();
      out.rows += flag.size(0);
      out.content_rows += content;
      out.sequences += flag.size(0) > 0;
      out.content_sequences += content > 0;
    }
    return out;
  }

 private:
  // The tokens of the next sequence stand in waiting_; false at the end.
  bool fetch() {
    if (waiting_) return true;
    Tokens tokens;
    if (!reader_->next(tokens)) return false;
    waiting_ = std::move(tokens);
    return true;
  }

  Rows rows_of(const Tokens& tokens) {
    std::vector<Tensor> x(points_.size());  // [n, d] each
    Rows ids;
    std::vector<Hook> hooks;
    for (size_t i = 0; i < points_.size(); ++i)
      hooks.push_back({points_[i], [&, i](const Rows& seen) {
                         x[i] = copied(seen.x.detach());  // the host may write over its own
                         if (i == 0)
                           ids = {{},
                                  copied(seen.sequence),
                                  copied(seen.position),
                                  copied(seen.token),
                                  copied(seen.flag)};
                         return seen.x;
                       }});
    const torch::NoGradGuard no_grad;
    const std::lock_guard turn(host_->turn());
    host_->forward(tokens, hooks, Want{});
    for (size_t i = 0; i < points_.size(); ++i)
      FACET_ASSERT(x[i].defined(), "the host never reached " + points_[i]);
    ids.x = x.size() == 1 ? x[0].unsqueeze(1) : torch::stack(x, 1);  // [n, points, d]
    return ids;
  }

  std::shared_ptr<HostModel> host_;
  Dataset data_;
  std::vector<std::string> points_;
  int64_t batch_tokens_;
  Packing packing_;
  std::unique_ptr<TokenReader> reader_;
  std::optional<Tokens> waiting_;  // read and tokenised, but too long for the batch before it
  int64_t item_ = 0;
};

}  // namespace

Tokens tokens_of(const HostModel& host, const Record& record, int64_t index, Longer longer) {
  const std::string name = "record \"" + record.id + "\"";
  Tokens tokens;
  try {
    const std::lock_guard turn(host.turn());
    tokens = host.tokenize({&record.text, 1});
  } catch (const UserError& e) {
    throw UserError(with_record(e.what(), name));
  }
  tokens.sequence = torch::full({1}, index, torch::kInt64);
  const int64_t length = tokens.id.size(0), context = host.info().context;
  if (longer == Longer::refused && context > 0 && length > context) {
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
                                      std::vector<std::string> points, int64_t batch_tokens,
                                      const Packing& packing) {
  return std::make_unique<HostFeed>(std::move(host), std::move(data), std::move(points),
                                    batch_tokens, packing);
}

}  // namespace facet
