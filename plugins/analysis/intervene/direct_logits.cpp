// Takes a logit apart.
#include "direct_logits.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <cmath>

using namespace facet;

namespace intervene {
namespace {

// Sums of parts may miss the host's logit by this share of it: float32 hosts, and those that round
// rows and logits to 16 bits.
constexpr double kGap = 1e-3;
constexpr double kGapOf16Bits = 0.05;

Tensor wide(const Tensor& x) { return x.detach().cpu().to(torch::kFloat64); }

std::vector<std::pair<int64_t, double>> first(const Tensor& value, const Tensor& order,
                                              int64_t count) {
  std::vector<std::pair<int64_t, double>> out;
  for (int64_t i = 0; i < std::min(count, order.size(0)); ++i) {
    const int64_t id = order[i].item<int64_t>();
    out.emplace_back(id, value[id].item<double>());
  }
  return out;
}

}  // namespace

DirectLogits::DirectLogits(HostModel& host, Sae& sae, const Normaliser& normaliser, Place place)
    : host_(host), sae_(sae), normaliser_(normaliser), place_(std::move(place)) {
  const std::string point = one_hookpoint("logit_attribution", place_);
  if (point == "final_norm.out")
    throw UserError(
        "logit_attribution: final_norm.out lies behind the final norm, should be a "
        "hookpoint whose rows go into it");
  const auto unembedding = host.unembedding();
  if (!unembedding)
    throw UserError("logit_attribution: " + host.info().type +
                    " has no plain unembedding: its logits are more than a norm and a matrix");
  unembedding_ = *unembedding;
  last_ = "blocks." + std::to_string(host.info().layers - 1) + ".out";
}

// The linear part of the final norm, its divisor left out: [n, d] float64.
Tensor DirectLogits::normed(const Tensor& rows) const {
  const Tensor x = wide(rows);
  return (unembedding_.centred ? x - x.mean(1, true) : x) * wide(unembedding_.gain);
}

Tensor DirectLogits::vocabulary(const std::vector<int64_t>& ids) const {
  const Tensor index = torch::tensor(ids, torch::kInt64).to(unembedding_.weight.device());
  return wide(unembedding_.weight.index_select(0, index)).t();  // [d, ids]
}

DirectLogits::Read DirectLogits::read(const Tokens& tokens, int64_t position,
                                      const std::vector<int64_t>& ids) {
  Read out;
  const std::lock_guard turn(host_.turn());
  const Hook hook{last_, [&](const Rows& rows) {
                    out.end = wide(rows.x.narrow(0, position, 1));
                    out.is_float32 = rows.x.scalar_type() == torch::kFloat32;
                    return rows.x;
                  }};
  const Tensor logits = host_.forward(tokens, {&hook, 1}, {.logits = true}).value[position];
  out.logits = wide(logits).index_select(0, torch::tensor(ids, torch::kInt64));
  return out;
}

DirectLogits::Written DirectLogits::written(const Coded& seen, int64_t position) const {
  // Rows [k, d] of the SAE's own units, with this token's figures of the normaliser.
  const auto back = [&](const Tensor& rows) {
    const int64_t count = rows.size(0);
    Stats stats;
    for (const auto& [name, value] : seen.stats)
      stats[name] = value.dim() == 3  // [t, 1, 1]: of each token
                        ? value.narrow(0, position, 1).expand({count, -1, -1})
                        : value;
    return wide(normaliser_.invert(rows.unsqueeze(1), stats).select(1, 0));
  };
  Written out;
  const Codes codes = seen.codes.slice(position, position + 1).cpu();
  out.latent = codes.latent.to(torch::kInt64);
  out.activation = codes.value;
  const Tensor rows = sae_.decoder(0).detach().index_select(0, out.latent.to(sae_.device()));
  const Tensor own = seen.output[position].detach();  // [1, d]
  out.each = back(codes.value.to(rows.device()).unsqueeze(1) * rows) - back(torch::zeros_like(own));
  out.all = back(own);
  out.h = wide(seen.h.narrow(0, position, 1));
  return out;
}

DirectLogits::At DirectLogits::at(const Tokens& tokens, int64_t position,
                                  const std::vector<int64_t>& ids) {
  const Written row = written(coded(host_, sae_, normaliser_, place_, tokens), position);
  const Read last = read(tokens, position, ids);
  const Tensor centred = unembedding_.centred ? last.end - last.end.mean() : last.end;
  At out;
  out.divisor = std::sqrt(centred.pow(2).mean().item<double>() + unembedding_.eps);
  const Tensor words = vocabulary(ids);
  const auto said = [&](const Tensor& rows) {
    return torch::matmul(normed(rows), words) / out.divisor;  // [n, ids]
  };
  const Tensor each = said(row.each), error = said(row.h - row.all)[0],
               later = said(last.end - row.h)[0];
  Tensor bias = said(row.all - row.each.sum(0, true))[0];
  if (unembedding_.bias.defined()) bias = bias + torch::matmul(wide(unembedding_.bias), words);
  for (int64_t i = 0; i < words.size(1); ++i) {
    const LogitParts parts{each.select(1, i).sum().item<double>(), error[i].item<double>(),
                           bias[i].item<double>(), later[i].item<double>(),
                           last.logits[i].item<double>()};
    const double gap = std::abs(parts.total() - parts.logit);
    const double allowed = last.is_float32 ? kGap : kGapOf16Bits;
    FACET_ASSERT(gap <= allowed * std::max(1.0, std::abs(parts.logit)),
                 "parts of a logit miss it by " + std::to_string(gap));
    out.parts.push_back(parts);
  }
  for (int64_t k = 0; k < row.latent.size(0); ++k) {
    out.latents.push_back({row.latent[k].item<int64_t>(), row.activation[k].item<double>(), {}});
    for (int64_t i = 0; i < words.size(1); ++i)
      out.latents.back().logits.push_back(each[k][i].item<double>());
  }
  return out;
}

Taken DirectLogits::taken(int64_t latent, Reads reads, int64_t top) const {
  const Tensor row = decoder_rows(sae_, normaliser_, {latent}, 0, 0);
  const Tensor read = reads == Reads::plain ? wide(row) : normed(row);
  const Tensor value = torch::matmul(read, wide(unembedding_.weight).t())[0];  // [vocabulary]
  Taken out;
  out.top = first(value, value.argsort(/*stable=*/true, 0, /*descending=*/true), top);
  out.bottom = first(value, value.argsort(/*stable=*/true, 0, /*descending=*/false), top);
  out.mean = value.mean().item<double>();
  const Tensor centred = value - out.mean;
  out.std = std::sqrt(centred.pow(2).mean().item<double>());
  out.skew = (centred / out.std).pow(3).mean().item<double>();
  out.kurtosis = (centred / out.std).pow(4).mean().item<double>();
  return out;
}

}  // namespace intervene
