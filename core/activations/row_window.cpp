// Finds rows in their pieces and copies them.
#include "activations/row_window.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>
#include <cstring>

#include "facet/error.h"
#include "tensor/row_members.h"

namespace facet {
namespace {

constexpr int64_t kThreadBytes = 1 << 18;  // a thread copies about so many or more

size_t bytes_of_a_row(const Tensor& rows) {
  return rows.nbytes() / static_cast<size_t>(rows.size(0));
}

}  // namespace

void RowWindow::add(Rows piece) {
  FACET_ASSERT(piece.size() > 0, "a piece without rows");
  for (const auto member : kRowMembers) {
    Tensor& rows = piece.*member;
    if (!rows.defined()) continue;
    rows = rows.contiguous();
    if (pieces_.empty()) columns_.push_back({member, rows.scalar_type(), bytes_of_a_row(rows), {}});
  }
  for (Column& column : columns_) {
    const Tensor& rows = piece.*column.member;
    FACET_ASSERT(rows.defined() && rows.scalar_type() == column.dtype &&
                     bytes_of_a_row(rows) == column.row_bytes,
                 "pieces of different forms");
    column.pieces.push_back(static_cast<const char*>(rows.const_data_ptr()));
  }
  starts_.push_back(size() + piece.size());
  pieces_.push_back(std::move(piece));
}

void RowWindow::permute(std::vector<int64_t> order) {
  FACET_ASSERT(order_.empty() && static_cast<int64_t>(order.size()) == size(),
               "an order of other rows");
  order_ = std::move(order);
}

void RowWindow::take(int64_t begin, int64_t end, std::vector<Rows>& parts) const {
  if (!order_.empty()) {
    parts.push_back(copied(begin, end));
    return;
  }
  while (begin < end) {
    const size_t piece = piece_of(begin);
    const int64_t stop = std::min(end, starts_[piece + 1]);
    parts.push_back(pieces_[piece].slice(begin - starts_[piece], stop - starts_[piece]));
    begin = stop;
  }
}

size_t RowWindow::piece_of(int64_t row) const {
  return static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), row) -
                             starts_.begin()) -
         1;
}

// Each row straight from its piece.
Rows RowWindow::copied(int64_t begin, int64_t end) const {
  Rows out;
  std::vector<char*> to;
  size_t row_bytes = 0;
  for (const Column& column : columns_) {
    const Tensor& like = pieces_[0].*column.member;
    std::vector<int64_t> sizes = like.sizes().vec();
    sizes[0] = end - begin;
    out.*column.member = torch::empty(sizes, like.options());
    to.push_back(static_cast<char*>((out.*column.member).data_ptr()));
    row_bytes += column.row_bytes;
  }
  const int64_t grain = kThreadBytes / static_cast<int64_t>(row_bytes) + 1;
  at::parallel_for(begin, end, grain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = order_[static_cast<size_t>(i)];
      const size_t piece = piece_of(row);
      const auto within = static_cast<size_t>(row - starts_[piece]);
      for (size_t c = 0; c < columns_.size(); ++c) {
        const Column& column = columns_[c];
        std::memcpy(to[c] + static_cast<size_t>(i - begin) * column.row_bytes,
                    column.pieces[piece] + within * column.row_bytes, column.row_bytes);
      }
    }
  });
  return out;
}

}  // namespace facet
