// Picks rows by position and flag.
#include "positions.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>

using namespace facet;

namespace intervene {
namespace {

constexpr const char* kShould =
    ", should be \"all\", \"not_first\", \"last\", \"prompt\" or a list of positions from 0";

bool is_word(const std::string& text) {
  return text == "all" || text == "not_first" || text == "last" || text == "prompt";
}

}  // namespace

std::string positions_problem(const Value& value) {
  if (const auto* word = value.as<std::string>())
    return is_word(*word) ? "" : "positions: is \"" + *word + "\"" + kShould;
  const auto* list = value.as<Value::Array>();
  const bool are_positions =
      list && !list->empty() && std::all_of(list->begin(), list->end(), [](const Value& one) {
        return one.is<int64_t>() && *one.as<int64_t>() >= 0;
      });
  return are_positions ? "" : "positions: is " + value.describe() + kShould;
}

Positions::Positions(const Value& value, bool specials) : keep_(specials ? kPad : kPad | kSpecial) {
  if (const auto* word = value.as<std::string>()) {
    word_ = *word;
    return;
  }
  for (const Value& one : *value.as<Value::Array>()) list_.push_back(*one.as<int64_t>());
  std::sort(list_.begin(), list_.end());
}

Tensor Positions::of(const Rows& rows) const {
  const Tensor flag = rows.flag.cpu();
  const Tensor may = flag.bitwise_and(keep_).eq(0);  // [n]
  if (word_ == "all") return may;
  const Tensor position = rows.position.cpu().to(torch::kInt64);
  if (word_ == "not_first") return may.logical_and(position.gt(0));
  if (word_ == "prompt") return may.logical_and(flag.bitwise_and(kPrompt).ne(0));
  if (word_.empty())
    return may.logical_and(torch::isin(position, torch::tensor(list_, torch::kInt64)));
  Tensor out = torch::zeros_like(may);
  auto is_out = out.accessor<bool, 1>();
  const auto is_free = may.accessor<bool, 1>();
  const auto at = position.accessor<int64_t, 1>();
  bool open = true;  // no token of this sequence was taken yet
  for (int64_t i = position.size(0) - 1; i >= 0; --i) {
    if (i + 1 < position.size(0) && at[i] >= at[i + 1]) open = true;
    if (!open || !is_free[i]) continue;
    is_out[i] = true;
    open = false;
  }
  return out;
}

void Positions::check(int64_t tokens, size_t prompt) const {
  if (list_.empty() || list_.back() < tokens) return;
  throw UserError("intervene: positions: " + std::to_string(list_.back()) + " is beyond prompt " +
                  std::to_string(prompt) + " (" + std::to_string(tokens) + " tokens)");
}

}  // namespace intervene
