// Compares logits token by token.
#include "scores.h"

#include <facet/torch.h>

#include <algorithm>

namespace facet::kl_eval {

namespace {

// Rows whose logarithms are worked out together: bounds the memory of float64 copies.
constexpr int64_t kBlock = 64;

struct OfTokens {
  std::vector<Tensor> kl, nll;  // [t] float64 of each pass
};

OfTokens of_tokens(const std::vector<Tensor>& logits, const Tensor& target) {
  const int64_t t = target.size(0);
  const Tensor named = target.clamp_min(0).unsqueeze(1);
  OfTokens out;
  for (size_t i = 0; i < logits.size(); ++i) {
    out.kl.push_back(torch::zeros({t}, torch::kFloat64));
    out.nll.push_back(torch::zeros({t}, torch::kFloat64));
  }
  for (int64_t begin = 0; begin < t; begin += kBlock) {
    const int64_t end = std::min(t, begin + kBlock);
    Tensor clean, shares;  // log p and p, [block, vocabulary]
    for (size_t i = 0; i < logits.size(); ++i) {
      const Tensor logs = logits[i].slice(0, begin, end).to(torch::kFloat64).log_softmax(-1);
      const Tensor said = named.slice(0, begin, end).to(logs.device());
      out.nll[i].slice(0, begin, end).copy_(-logs.gather(1, said).squeeze(1));
      if (i == 0) {
        clean = logs;
        shares = logs.exp();
      } else {
        out.kl[i].slice(0, begin, end).copy_((shares * (clean - logs)).sum(-1));
      }
    }
  }
  return out;
}

// The token after each in its sequence: [t] int64, -1 after the last.
Tensor next_ids(const Tokens& tokens) {
  Tensor out = torch::cat({tokens.id.slice(0, 1), torch::full({1}, -1, torch::kInt64)});
  return out.index_fill_(0, tokens.start.slice(0, 1) - 1, -1);
}

}  // namespace

Scores::Scores(size_t passes, size_t most_groups)
    : passes_(passes), sums_(first(passes), most_groups) {}

void Scores::add(const Tokens& tokens, const std::vector<Tensor>& logits, Says says,
                 const Tensor& guessed) {
  const Tensor target = says == Says::next ? next_ids(tokens) : tokens.id;
  const OfTokens scored = of_tokens(logits, target);
  const Tensor said = target.ge(0);
  const Tensor real = tokens.flag.bitwise_and(kPad).eq(0);
  const Tensor content = tokens.flag.bitwise_and(kPad | kSpecial).eq(0);
  const bool any = guessed.any().item<bool>();
  const std::vector<Tensor> kl_over = {real, content, torch::ones_like(real),
                                       any ? guessed : content};
  const Tensor next_real = torch::cat({real.slice(0, 1), torch::zeros({1}, torch::kBool)});
  std::vector<Tensor> ce_over(kOvers, guessed);
  if (!any)
    ce_over = {says == Says::next ? real & said & next_real : content, content & said, said,
               content & said};
  // [t, columns], summed over each sequence.
  std::vector<Tensor> columns;
  const auto push = [&](const Tensor& column) { columns.push_back(column.to(torch::kFloat64)); };
  for (const Tensor& over : kl_over) push(over);
  for (const Tensor& over : ce_over) push(over);
  push(torch::zeros_like(real));
  for (size_t i = 0; i < passes_; ++i) {
    for (const Tensor& over : kl_over) push(scored.kl[i] * over);
    for (const Tensor& over : ce_over) push(scored.nll[i] * over);
    push(torch::zeros_like(real));
  }
  const Tensor table = torch::stack(columns, 1).contiguous();
  for (int64_t s = 0; s < tokens.sequences(); ++s) {
    const int64_t begin = tokens.start[s].item<int64_t>(),
                  end = tokens.start[s + 1].item<int64_t>();
    const Tensor sum = table.slice(0, begin, end).sum(0).contiguous();
    double* of = sum.data_ptr<double>();
    of[sequence_count()] = 1;
    Sequence one{
        tokens.sequence[s].item<int64_t>(), static_cast<int64_t>(of[kl_count(kReal)]), {}, {}};
    for (size_t i = 0; i < passes_; ++i) {
      of[ce_of_sequence(i)] =
          of[ce_count(kContent)] > 0 ? of[ce(i, kContent)] / of[ce_count(kContent)] : 0;
      one.kl.push_back(of[kl(i, kReal)] / std::max(1.0, of[kl_count(kReal)]));
      one.ce.push_back(of[ce(i, kReal)] / std::max(1.0, of[ce_count(kReal)]));
    }
    sums_.add(one.sequence, of);
    sequences_.push_back(std::move(one));
  }
}

}  // namespace facet::kl_eval
