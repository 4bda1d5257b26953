// Products of blocks, candidates of each row, and the exact values of those.
#include "tensor/screen.h"

#include <ATen/Parallel.h>
#include <facet/torch.h>

#include <algorithm>

#include "tensor/screen_rows.h"
#include "tensor/select.h"

namespace facet {
namespace {

constexpr int64_t kProduct = int64_t{1} << 19;     // numbers of one: it stays in the cache
constexpr int64_t kMostLatents = 8192;             // of a product
constexpr int64_t kPanelBytes = int64_t{1} << 19;  // of rows of w, which stay in a core's cache
constexpr int64_t kInDoubt = 4;  // with more than a quarter of the latents in doubt, all are done
constexpr int64_t kFewInDoubt = 256;      // and with more than these, where there are few latents
constexpr float kRoundSums = 0x1p-23f;    // twice the unit roundoff: some units round down
constexpr float kRoundBf16 = 0x1.02p-8f;  // of a product that is given back as bf16
constexpr float kRoundInt8 = 0x1p-22f;    // of one that is scaled as float32

// What sums of d products may round away, as a share of |x| |w|, in the screen and in the exact
// value. The latter rounds to nearest, half of what it is given here; the rest makes up for |x'|
// |w'|, which is up to 2^-6 more than |x| |w|.
float slack_of_sums(int64_t d) { return 2 * static_cast<float>(d + 8) * kRoundSums; }

float share_of(Numbers numbers) {
  if (numbers == Numbers::int8) return kRoundInt8;
  return numbers == Numbers::bf16 ? kRoundBf16 : 0;
}

at::ScalarType product_type(Numbers numbers) {
  if (numbers == Numbers::int8) return at::kInt;
  return numbers == Numbers::bf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace

Screen::Counts& Screen::counts() {
  thread_local Counts counts;
  return counts;
}

Screen::Screen(const at::Tensor& w, const at::Tensor& b_enc, Numbers numbers)
    : b_enc_(b_enc.contiguous()),
      own_(std::make_unique<RoundedRows>(w.contiguous(), numbers)),
      rows_(own_.get()),
      norm_(&own_->norm),
      residue_(&own_->residue) {}

Screen::Screen(WaitingRows& w, const at::Tensor& b_enc, Numbers numbers)
    : b_enc_(b_enc.contiguous()), waiting_(&w) {
  const WaitingRows::Screened& known = w.screened(numbers);
  rows_ = known.rows;
  norm_ = &known.norm;
  residue_ = &known.residue;
}

// What x is off by when it stands in a product with w, as reaching() adds it up: `norm`
// times the norm of w, `residue` times that of its own residue.
Screen::Rows Screen::rows_of(const at::Tensor& x, int64_t k, int64_t most) const {
  const auto n = static_cast<size_t>(x.size(0));
  Rows out{RoundedRows(x, rows_->numbers), std::vector<Slack>(n),
           std::vector<Candidates>(n, Candidates(k, most)), b_enc_};
  for (size_t i = 0; i < n; ++i) {
    const float norm = out.x.norm[i], residue = out.x.residue[i];
    out.slack[i] = {residue + slack_of_sums(x.size(1)) * norm, norm + residue,
                    share_of(rows_->numbers), out.x.scale[i]};
  }
  return out;
}

at::Tensor Screen::product(const Rows& rows, int64_t begin, const at::Tensor& room) const {
  const at::Tensor& w = rows_->factor();
  const int64_t n = rows.size();
  const int64_t latents =
      std::min({std::max(kStep, kProduct / n / kStep * kStep), kMostLatents, w.size(0) - begin});
  at::Tensor out = room.narrow(0, 0, n * latents).view({n, latents});
  const at::Tensor some = w.narrow(0, begin, latents).t();
  return rows_->numbers == Numbers::int8 ? at::_int_mm_out(out, rows.x.factor(), some)
                                         : at::mm_out(out, rows.x.factor(), some);
}

template <class Number>
void Screen::sift(const at::Tensor& product, int64_t begin, Rows& rows) const {
  const int64_t latents = product.size(1);
  const bool last = begin + latents == rows_->exact.size(0);
  const auto* values = static_cast<const Number*>(product.const_data_ptr());
  const float* bias = rows.bias.const_data_ptr<float>();
  at::parallel_for(0, product.size(0), 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      Candidates& candidates = rows.candidates[static_cast<size_t>(i)];
      for (int64_t l = 0; l < latents && !candidates.too_many(); l += kStep) {
        const int64_t first = begin + l;
        const LatentRun some{bias + first, norm_->data() + first, residue_->data() + first,
                             rows_->scale.data() + first, std::min(kStep, latents - l)};
        candidates.offer(values + i * latents + l, some, rows.slack[static_cast<size_t>(i)],
                         static_cast<int32_t>(first));
      }
      if (last) candidates.tighten();
    }
  });
}

std::vector<float> Screen::worked_out(const Rows& rows, const std::vector<int64_t>& start,
                                      const std::vector<int32_t>& latents) const {
  // Panel by panel of w, so that a row of w is read from memory once: in a panel, row by row.
  const int64_t m = rows_->exact.size(0), d = rows_->exact.size(1);
  const int64_t panel = std::max<int64_t>(1, kPanelBytes / static_cast<int64_t>(sizeof(float)) / d);
  const float* weights = rows_->exact.const_data_ptr<float>();
  const float* bias = b_enc_.const_data_ptr<float>();
  std::vector<float> exact(latents.size());
  at::parallel_for(0, (m + panel - 1) / panel, 1, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> next(static_cast<size_t>(rows.size()));
    for (size_t i = 0; i < next.size(); ++i)
      next[i] = std::lower_bound(latents.begin() + start[i], latents.begin() + start[i + 1],
                                 begin * panel) -
                latents.begin();
    std::vector<const float*> of;
    for (int64_t p = begin; p < end; ++p) {
      for (size_t i = 0; i < next.size(); ++i) {
        of.clear();
        const auto first = static_cast<size_t>(next[i]);
        for (int64_t& c = next[i]; c < start[i + 1]; ++c) {
          const int32_t l = latents[static_cast<size_t>(c)];
          if (l >= (p + 1) * panel) break;
          of.push_back(weights + l * d);
        }
        vectors::dots(rows.row(static_cast<int64_t>(i)), of.data(), static_cast<int64_t>(of.size()),
                      d, exact.data() + first);
        for (size_t c = first; c < first + of.size(); ++c) exact[c] += bias[latents[c]];
      }
    }
  });
  return exact;
}

void Screen::work_all_out(const Rows& rows, int64_t i, std::vector<float>& exact) const {
  const int64_t m = rows_->exact.size(0), d = rows_->exact.size(1);
  const float* weights = rows_->exact.const_data_ptr<float>();
  const float* bias = b_enc_.const_data_ptr<float>();
  const float* row = rows.row(i);
  exact.resize(static_cast<size_t>(m));
  for (int64_t l = 0; l < m; ++l)
    exact[static_cast<size_t>(l)] = vectors::dot(row, weights + l * d, d) + bias[l];
}

void Screen::settle(const Rows& rows, int64_t k, int32_t* latent, float* value) const {
  const int64_t n = rows.size();
  int64_t dense_rows = 0;
  const auto [start, latents] = rows.listed();
  for (const Candidates& one : rows.candidates) dense_rows += one.too_many();
  counts().rows += n;
  counts().dense += dense_rows;
  if (waiting_ && dense_rows > 0) waiting_->bring_all();
  if (waiting_) waiting_->bring(latents.data(), static_cast<int64_t>(latents.size()));
  const std::vector<float> exact = worked_out(rows, start, latents);
  at::parallel_for(0, n, 1, [&](int64_t first, int64_t last) {
    RowSelection selection(k);
    std::vector<float> all;
    for (int64_t i = first; i < last; ++i) {
      const bool dense = rows.candidates[static_cast<size_t>(i)].too_many();
      if (dense) work_all_out(rows, i, all);
      const auto begin = static_cast<size_t>(start[static_cast<size_t>(i)]);
      const int64_t count = start[static_cast<size_t>(i) + 1] - static_cast<int64_t>(begin);
      const float* values = dense ? all.data() : exact.data() + begin;
      int32_t* chosen = latent + i * k;
      selection.choose(values, dense ? static_cast<int64_t>(all.size()) : count, chosen);
      for (int64_t e = 0; e < k; ++e) {
        value[i * k + e] = values[chosen[e]];
        if (!dense) chosen[e] = latents[begin + static_cast<size_t>(chosen[e])];
      }
    }
  });
}

bool Screen::screen(Rows& rows, const std::function<bool(int64_t)>& goes_on) const {
  const int64_t m = rows_->exact.size(0);
  const at::Tensor room = at::empty({std::max(kProduct, kRowsTogether * kStep)},
                                    at::dtype(product_type(rows_->numbers)));
  for (int64_t l = 0; l < m;) {
    const at::Tensor some = product(rows, l, room);
    if (rows_->numbers == Numbers::int8)
      sift<int32_t>(some, l, rows);
    else if (rows_->numbers == Numbers::bf16)
      sift<uint16_t>(some, l, rows);
    else
      sift<float>(some, l, rows);
    l += some.size(1);
    if (!goes_on(l)) return false;
  }
  return true;
}

void Screen::choose(const at::Tensor& x, int64_t k, int32_t* latent, float* value) const {
  const at::Tensor given = x.contiguous();
  const int64_t most = std::max(8 * k + kFewInDoubt, rows_->exact.size(0) / kInDoubt);
  for (int64_t begin = 0; begin < x.size(0); begin += kRowsTogether) {
    const int64_t n = std::min(kRowsTogether, x.size(0) - begin);
    Rows rows = rows_of(given.narrow(0, begin, n), k, most);
    screen(rows, [](int64_t) { return true; });
    settle(rows, k, latent + begin * k, value + begin * k);
  }
}

}  // namespace facet
