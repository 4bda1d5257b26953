// Finds neighbours of tokens by sequence and position.
#include "token_rows.h"

#include <facet/torch.h>

#include <algorithm>

#include "code_points.h"

using namespace facet;

TokenRows::TokenRows(const CodesReader& codes, const HostModel& host)
    : ids_(codes.ids()), sequences_(codes.sequences()), host_(host) {
  if (ids_.size() == 0) throw UserError("contexts: there are no rows to look at");
  ids_.sequence = ids_.sequence.to(torch::kInt64).contiguous();
  const auto differs = [](const Tensor& x) { return x.slice(0, 1).ne(x.slice(0, 0, -1)); };
  const Tensor is_first = torch::cat(
      {torch::ones({1}, torch::kBool), differs(ids_.sequence).logical_or(differs(ids_.position))});
  if (!is_first.all().item<bool>()) {
    const Tensor token = is_first.cumsum(0).sub(1).contiguous();
    token_of_.assign(token.const_data_ptr<int64_t>(),
                     token.const_data_ptr<int64_t>() + token.numel());
    ids_ = ids_.select(is_first.nonzero().squeeze(1));
  }
  ids_.position = ids_.position.to(torch::kInt32).contiguous();
  ids_.token = ids_.token.to(torch::kInt32).contiguous();
  ids_.flag = ids_.flag.to(torch::kUInt8).contiguous();
  sequence_ = ids_.sequence.const_data_ptr<int64_t>();
  position_ = ids_.position.const_data_ptr<int32_t>();
  id_ = ids_.token.const_data_ptr<int32_t>();
  flag_ = ids_.flag.const_data_ptr<uint8_t>();
  tokens_ = ids_.size();
}

std::string TokenRows::name(int64_t sequence) const {
  const bool known = sequence >= 0 && sequence < static_cast<int64_t>(sequences_.size());
  return known ? sequences_[static_cast<size_t>(sequence)].id
               : "sequence " + std::to_string(sequence);
}

std::string TokenRows::raw(int32_t id) const {
  const std::vector<std::string>& names = host_.info().tokens;
  const bool known = id >= 0 && id < static_cast<int64_t>(names.size());
  return known ? names[static_cast<size_t>(id)] : "token " + std::to_string(id);
}

bool TokenRows::follows(int64_t token) const {
  return token > 0 && token < tokens_ && sequence_[token] == sequence_[token - 1] &&
         position_[token] == position_[token - 1] + 1;
}

TokenSpan TokenRows::around(int64_t token, int64_t before, int64_t after) const {
  TokenSpan span{token, token + 1, token};
  while (token - span.begin < before && follows(span.begin)) --span.begin;
  while (span.end - token <= after && follows(span.end)) ++span.end;
  return span;
}

std::string TokenRows::text(int64_t begin, int64_t end) const {
  if (begin >= end) return "";
  return host_.text(std::vector<int64_t>(id_ + begin, id_ + end));
}

std::string TokenRows::marked(const TokenSpan& span, const std::string& open,
                              const std::string& close) const {
  return whole_text(text(span.begin, span.at) + open + text(span.at, span.at + 1) + close +
                    text(span.at + 1, span.end));
}
