// Tokens of records, as they are or packed.
#include "activations/token_reader.h"

#include <facet/torch.h>

#include <algorithm>
#include <vector>

#include "activations/row_feed.h"

namespace facet {
namespace {

class RecordTokens final : public TokenReader {
 public:
  RecordTokens(std::shared_ptr<const HostModel> host, const Dataset& data)
      : host_(std::move(host)), records_(data.open()) {}

  bool next(Tokens& tokens) override {
    if (!records_->next(record_)) return false;
    tokens = tokens_of(*host_, record_, sequences_++);
    return true;
  }

  bool skip() override {
    ++sequences_;
    return records_->next(record_);
  }

  SequenceInfo info() const override {
    const auto description = record_.columns.find("description");
    return {record_.id, record_.text,
            description == record_.columns.end() ? "" : description->second};
  }

 private:
  std::shared_ptr<const HostModel> host_;
  std::unique_ptr<RecordReader> records_;
  Record record_;
  int64_t sequences_ = 0;
};

class PackedTokens final : public TokenReader {
 public:
  PackedTokens(std::shared_ptr<const HostModel> host, const Dataset& data, const Packing& packing)
      : host_(std::move(host)), records_(data.open()), packing_(packing) {}

  bool next(Tokens& tokens) override {
    if (!skip()) return false;
    tokens = {torch::tensor(id_, torch::kInt64), torch::tensor({int64_t{0}, size()}, torch::kInt64),
              torch::tensor({sequences_ - 1}, torch::kInt64), torch::tensor(flag_, torch::kUInt8)};
    return true;
  }

  bool skip() override {
    id_.clear();
    flag_.clear();
    while (size() < packing_.length) {
      if (at_ == length_ && !fetch()) return false;
      if (size() == 0) begin();
      take();
    }
    ++sequences_;
    return true;
  }

  SequenceInfo info() const override {
    const std::string end = std::to_string(last_.number);
    const bool is_one = first_.record == last_.record;
    const std::string from = first_.name + "/" + std::to_string(first_.number);
    return {is_one ? from + "-" + end : from + " to " + last_.name + "/" + end, host_->text(id_),
            ""};
  }

 private:
  // A token by its record and its number there, from 1.
  struct Place {
    int64_t record = 0;
    std::string name;
    int64_t number = 0;
  };

  int64_t size() const { return static_cast<int64_t>(id_.size()); }

  // The tokens of the next record that has some but pads.
  bool fetch() {
    for (Record record; records_->next(record);) {
      ++read_;
      const Tokens tokens = tokens_of(*host_, record, 0, Longer::allowed);
      const Tensor wanted = tokens.flag.bitwise_and(kPad).eq(0).nonzero().squeeze(1);
      at_ = 0;
      length_ = wanted.size(0);
      if (length_ == 0) continue;
      record_ = std::move(record.id);
      record_id_ = tokens.id.to(torch::kInt64).index_select(0, wanted);
      record_flag_ = tokens.flag.index_select(0, wanted);
      return true;
    }
    return false;
  }

  // Of a sequence: at_ is the first token of a record that goes into it.
  void begin() {
    first_ = {read_, record_, at_ + 1};
    const int64_t id = host_->info().ids.begin;
    if (!packing_.begin_each || record_id_.const_data_ptr<int64_t>()[at_] == id) return;
    id_.push_back(id);
    flag_.push_back(kSpecial);
  }

  void take() {
    const int64_t end = std::min(length_, at_ + packing_.length - size());
    const auto* ids = record_id_.const_data_ptr<int64_t>();
    const auto* flags = record_flag_.const_data_ptr<uint8_t>();
    id_.insert(id_.end(), ids + at_, ids + end);
    flag_.insert(flag_.end(), flags + at_, flags + end);
    at_ = end;
    last_ = {read_, record_, end};
  }

  std::shared_ptr<const HostModel> host_;
  std::unique_ptr<RecordReader> records_;
  Packing packing_;
  std::string record_;              // name of the one whose tokens are being taken
  Tensor record_id_, record_flag_;  // [length_]
  int64_t at_ = 0, length_ = 0;     // the next of them
  int64_t read_ = 0;                // records
  int64_t sequences_ = 0;
  std::vector<int64_t> id_;  // of the sequence
  std::vector<uint8_t> flag_;
  Place first_, last_;
};

}  // namespace

TokenReader::~TokenReader() = default;

std::unique_ptr<TokenReader> read_tokens(std::shared_ptr<const HostModel> host, Dataset data,
                                         const Packing& packing) {
  if (packing.length == 0) return std::make_unique<RecordTokens>(std::move(host), data);
  return std::make_unique<PackedTokens>(std::move(host), data, packing);
}

void check_packing(const HostInfo& info, const Packing& packing) {
  if (packing.length == 0) return;
  const std::string start = "activations.pack: is " + std::to_string(packing.length) + ", ";
  if (!info.causal)
    throw UserError(start + "but the host " + info.type +
                    " sees tokens on both sides: joined records would change each other's rows");
  if (info.context > 0 && packing.length > info.context)
    throw UserError(start + "should be at most the context of " + info.type + " (" +
                    std::to_string(info.context) + ")");
  if (packing.begin_each && info.ids.begin < 0)
    throw UserError("activations.pack_begin: is \"each\", but the host " + info.type +
                    " has no token that begins a text, should be \"records\"");
}

}  // namespace facet
