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

DirectLogits::At DirectLogits::at(const Tokens& tokens, int64_t position,
                                  const std::vector<int64_t>& ids) {
  const Coded seen = coded(host_, sae_, normaliser_, place_, tokens);
  Tensor last, logits;  // [d], [ids]
  bool is_float32 = false;
  {
    const std::lock_guard turn(host_.turn());
    const Hook read{last_, [&](const Rows& rows) {
                      last = wide(rows.x[position]);
                      is_float32 = rows.x.scalar_type() == torch::kFloat32;
                      return rows.x;
                    }};
    logits = host_.forward(tokens, {&read, 1}, {.logits = true}).value[position];
    logits = wide(logits).index_select(0, torch::tensor(ids, torch::kInt64));
  }
  // Rows [k, 1, d] of the SAE's own units with this token's figures of the normaliser.
  const auto back = [&](const Tensor& rows) {
    const Tensor same = seen.h[position].expand({rows.size(0), seen.h.size(1)}).unsqueeze(1);
    Stats stats;
    for (const auto& [name, value] : seen.stats)
      stats[name] = value.size(0) == seen.h.size(0) && value.dim() == 3
                        ? value.narrow(0, position, 1).expand({rows.size(0), -1, -1})
                        : value;
    return wide(normaliser_.invert(rows, stats).select(1, 0));
  };
  const Codes codes = seen.codes.slice(position, position + 1);
  const Tensor latent = codes.latent.to(torch::kInt64);
  const Tensor written = codes.value.detach().unsqueeze(1) *
                         sae_.decoder(0).detach().index_select(0, latent);  // [k, d]
  const Tensor nothing = back(torch::zeros_like(seen.output.narrow(0, position, 1)));
  const Tensor each = back(written.unsqueeze(1)) - nothing;  // [k, d], the host's units
  const Tensor all = back(seen.output.narrow(0, position, 1));
  const Tensor h = wide(seen.h.narrow(0, position, 1)), end = last.unsqueeze(0);
  const Tensor centred = unembedding_.centred ? end - end.mean() : end;
  At out;
  out.divisor = std::sqrt(centred.pow(2).mean().item<double>() + unembedding_.eps);
  const Tensor words = vocabulary(ids);
  const auto said = [&](const Tensor& rows) {
    return torch::matmul(normed(rows), words) / out.divisor;  // [n, ids]
  };
  const Tensor by_latent = said(each), error = said(h - all), bias = said(all - each.sum(0, true)),
               later = said(end - h);
  const Tensor norm_bias = unembedding_.bias.defined()
                               ? torch::matmul(wide(unembedding_.bias), words)
                               : torch::zeros({words.size(1)}, torch::kFloat64);
  for (int64_t i = 0; i < words.size(1); ++i) {
    LogitParts parts{by_latent.select(1, i).sum().item<double>(), error[0][i].item<double>(),
                     (bias[0][i] + norm_bias[i]).item<double>(), later[0][i].item<double>(),
                     logits[i].item<double>()};
    const double gap = std::abs(parts.total() - parts.logit);
    FACET_ASSERT(gap <= (is_float32 ? kGap : kGapOf16Bits) * std::max(1.0, std::abs(parts.logit)),
                 "parts of a logit miss it by " + std::to_string(gap));
    out.parts.push_back(parts);
  }
  for (int64_t k = 0; k < latent.size(0); ++k) {
    Contribution one{latent[k].item<int64_t>(), codes.value[k].item<double>(), {}};
    for (int64_t i = 0; i < words.size(1); ++i)
      one.logits.push_back(by_latent[k][i].item<double>());
    out.latents.push_back(std::move(one));
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
