// Bodies of the comparison of latents.
#include "train/latent_match.h"

#include <facet/torch.h>

#include <algorithm>
#include <cmath>

#include "facet/stats.h"

namespace facet {
namespace {

constexpr int64_t kBlock = 1024;  // rows of a at a time

// Rows of norm 1 in float64, those of zeros left as they are.
Tensor unit_rows(const Tensor& x) {
  const Tensor wide = x.to(torch::kFloat64);
  const Tensor norm = wide.norm(2, 1, true);
  return wide / torch::where(norm > 0, norm, torch::ones_like(norm));
}

// The nearest row of the other side, for each row of both, and its score.
struct Nearest {
  Tensor of_a, of_b;        // [a], [b] int64
  Tensor score_a, score_b;  // the same, float32
};

// By cosine, or by its size; a and b [rows, d], of norm 1 or 0.
enum class By { cosine = 1, size };
Nearest nearest(const Tensor& a, const Tensor& b, By by) {
  const Tensor other = b.to(torch::kFloat32).t();
  Nearest out;
  out.of_b = torch::zeros({b.size(0)}, torch::kInt64);
  out.score_b = torch::full({b.size(0)}, -INFINITY);
  std::vector<Tensor> found, scores;
  for (int64_t begin = 0; begin < a.size(0); begin += kBlock) {
    Tensor score = a.slice(0, begin, begin + kBlock).to(torch::kFloat32).matmul(other);
    if (by == By::size) score.abs_();
    const auto [of_row, row] = score.max(1);
    scores.push_back(of_row);
    found.push_back(row);
    const auto [of_column, column] = score.max(0);
    const Tensor nearer = of_column > out.score_b;
    out.of_b = torch::where(nearer, column + begin, out.of_b);
    out.score_b = torch::where(nearer, of_column, out.score_b);
  }
  out.of_a = torch::cat(found);
  out.score_a = torch::cat(scores);
  return out;
}

// Cosines of row i of a with row of[i] of b, in float64.
std::vector<double> cosines(const Tensor& a, const Tensor& b, const Tensor& of) {
  const Tensor all = (a * b.index_select(0, of)).sum(1).contiguous();
  return {all.const_data_ptr<double>(), all.const_data_ptr<double>() + all.numel()};
}

struct Pairs {
  Tensor a, b;  // [pairs] int64
};

Pairs best_pairs(const Tensor& a, const Tensor& b) {
  const Tensor score = a.matmul(b.t()).abs().contiguous();  // [rows of a, rows of b]
  const double* scores = score.const_data_ptr<double>();
  const std::vector<int64_t> column =
      best_pairing({scores, scores + score.numel()}, score.size(0), score.size(1));
  const Tensor of_row = torch::tensor(column);
  const Tensor paired = of_row.ge(0).nonzero().flatten();
  return {paired, of_row.index_select(0, paired)};
}

// Rows that are each other's nearest are paired and leave, until one side is empty: the same as
// taking the largest |cosine| of all that is left, again and again.
Pairs greedy_pairs(const Tensor& a, const Tensor& b) {
  Tensor left_a = torch::arange(a.size(0)), left_b = torch::arange(b.size(0));
  std::vector<Tensor> out_a, out_b;
  while (left_a.size(0) > 0 && left_b.size(0) > 0) {
    const Nearest near = nearest(a.index_select(0, left_a), b.index_select(0, left_b), By::size);
    const Tensor back = near.of_b.index_select(0, near.of_a);
    const Tensor mutual = back.eq(torch::arange(left_a.size(0)));
    const Tensor rows = mutual.nonzero().flatten(), columns = near.of_a.index_select(0, rows);
    out_a.push_back(left_a.index_select(0, rows));
    out_b.push_back(left_b.index_select(0, columns));
    left_a = left_a.index({mutual.logical_not()});
    const Tensor stays = torch::ones({left_b.size(0)}, torch::kBool).index_fill_(0, columns, false);
    left_b = left_b.index({stays});
  }
  if (out_a.empty()) return {left_a, left_a};
  return {torch::cat(out_a), torch::cat(out_b)};
}

}  // namespace

LatentDirections directions_of(const Sae& sae, const Shape& shape) {
  std::vector<Tensor> points;
  for (int64_t point = 0; point < sae.shape(shape).points_out; ++point)
    points.push_back(sae.decoder(point).detach().cpu());
  LatentDirections out{torch::cat(points, 1), {}};
  for (const auto& [name, value] : sae.params())
    if (name == "W_enc" && value.dim() == 2) out.encoder = value.detach().cpu().t();
  return out;
}

LatentMatch match_latents(const LatentDirections& a, const LatentDirections& b,
                          int64_t most_scores) {
  const torch::NoGradGuard no_grad;
  const Tensor rows_a = unit_rows(a.decoder), rows_b = unit_rows(b.decoder);
  LatentMatch out;
  const Nearest near = nearest(rows_a, rows_b, By::cosine);
  out.a_in_b = cosines(rows_a, rows_b, near.of_a);
  out.b_in_a = cosines(rows_b, rows_a, near.of_b);

  const Tensor some_a = rows_a.ne(0).any(1).nonzero().flatten();
  const Tensor some_b = rows_b.ne(0).any(1).nonzero().flatten();
  if (some_a.size(0) == 0 || some_b.size(0) == 0) return out;
  const Tensor from = rows_a.index_select(0, some_a), to = rows_b.index_select(0, some_b);
  out.best = from.size(0) * to.size(0) <= most_scores;
  const Pairs pairs = out.best ? best_pairs(from, to) : greedy_pairs(from, to);
  const Tensor in_order = pairs.a.argsort();
  const Tensor of_a = some_a.index_select(0, pairs.a.index_select(0, in_order));
  const Tensor of_b = some_b.index_select(0, pairs.b.index_select(0, in_order));

  const std::vector<double> decoder = cosines(rows_a.index_select(0, of_a), rows_b, of_b);
  std::vector<double> encoder(decoder.size(), std::nan(""));
  if (a.encoder.defined() && b.encoder.defined() && a.encoder.size(1) == b.encoder.size(1))
    encoder = cosines(unit_rows(a.encoder).index_select(0, of_a), unit_rows(b.encoder), of_b);
  for (size_t i = 0; i < decoder.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    out.pairs.push_back(
        {of_a[at].item<int64_t>(), of_b[at].item<int64_t>(), decoder[i], encoder[i]});
  }
  return out;
}

}  // namespace facet
