// Bodies of batches and their turns.
#include "train/batches.h"

#include <facet/torch.h>

namespace facet {

Rows Batches::read() { return source_.next(batch_ * turns_); }

Rows Batches::next() {
  if (turn_ == 0) {
    for (int epoch = 0; epoch < 2; ++epoch) {  // this one, or the next
      begin_ = source_.cursor();
      read_ = read();
      if (read_.size() == batch_ * turns_) break;
    }
    if (turns_ == 1) return std::move(read_);
  }
  const Tensor rows = torch::arange(turn_, read_.size(), turns_);
  if (read_.size() == batch_ * turns_) turn_ = (turn_ + 1) % turns_;
  return read_.select(rows);
}

Value Batches::cursor() const {
  if (turn_ == 0) return source_.cursor();
  Value out = begin_;
  out.set("turn", turn_);
  return out;
}

void Batches::seek(const Value& cursor) {
  source_.seek(cursor);
  const Value* turn = cursor.find("turn");
  turn_ = turn ? *turn->as<int64_t>() : 0;
  if (turn_ == 0) return;
  begin_ = source_.cursor();
  read_ = read();
}

}  // namespace facet
