// Bodies of pooling.
#include "cli/sequence_pool.h"

#include <facet/torch.h>

namespace facet::cli {

Rows SequencePool::mean(const Rows& rows, bool last) {
  std::vector<Tensor> means;  // [points, d] each
  std::vector<int64_t> sequences;
  const auto close = [&] {
    if (count_ > 0) {
      means.push_back((sum_ / count_).to(rows.x.scalar_type()));
      sequences.push_back(sequence_);
    }
    count_ = 0;
    sum_ = Tensor();
  };
  const auto* number = rows.sequence.const_data_ptr<int64_t>();
  for (int64_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && number[end] == number[begin]) ++end;
    if (number[begin] != sequence_) close();
    const Tensor part = rows.x.slice(0, begin, end).to(torch::kFloat64).sum(0);
    sum_ = sum_.defined() ? sum_ + part : part;
    sequence_ = number[begin];
    count_ += end - begin;
  }
  if (last) close();
  const auto n = static_cast<int64_t>(means.size());
  const auto zeros = [n](at::ScalarType dtype) { return torch::zeros({n}, dtype); };
  const Tensor x = n > 0 ? torch::stack(means) : rows.x.slice(0, 0, 0);
  return {x, torch::tensor(sequences, torch::kInt64), zeros(torch::kInt32), zeros(torch::kInt32),
          zeros(torch::kUInt8)};
}

}  // namespace facet::cli
