// Runs the host with and without what takes the place of its rows.
#include "passes.h"

#include <facet/torch.h>

#include <algorithm>

namespace facet::kl_eval {

namespace {

SpliceFrom from_of(const Params& params, const Sae& sae, const Place& place, const HostInfo& info) {
  if (params.splice_from != "auto") return splice_from(params.splice_from);
  return default_splice_from(info, sae, place);
}

SpliceOptions options_of(const Params& params, SpliceFrom from, std::vector<std::string> at,
                         bool error_term) {
  SpliceOptions out;
  out.from = from;
  out.error_term = error_term;
  out.scale = error_term ? 1 : params.scaled;
  if (params.replace == "all") out.keep = 0;
  out.at = std::move(at);
  return out;
}

}  // namespace

Site::Site(HostModel& host, Sae& sae, const Normaliser& normaliser, const Place& place,
           const Params& params, std::vector<std::string> at)
    : host_(host),
      place_(place),
      from_(from_of(params, sae, place, host.info())),
      splice_(host, sae, normaliser, place, options_of(params, from_, at, false)),
      names_{"spliced"} {
  if (params.error_term) {
    with_error_.emplace(host, sae, normaliser, place, options_of(params, from_, at, true));
    names_.emplace_back("error_term");
  }
  if (params.zero) names_.emplace_back("zero");
  if (params.mean) names_.emplace_back("mean");
}

std::vector<Tensor> Site::passes(const Tokens& tokens, Splice::Clean& clean) {
  const Want want{.logits = true};
  if (!clean.rows.defined()) clean = splice_.clean(tokens, want);
  chosen_ = Tensor();
  const auto layer = clean.pass.notes.find("layer");
  if (layer != clean.pass.notes.end()) {
    chosen_ = torch::full({tokens.id.size(0)}, -1, torch::kInt64);
    chosen_.index_copy_(0, clean.index, layer->second.cpu());
  }
  std::vector<Tensor> out;
  for (const std::string& name : names_) {
    if (name == "zero" || name == "mean") {
      out.push_back(ablated(tokens, clean, name == "mean"));
      continue;
    }
    Splice& splice = name == "spliced" ? splice_ : *with_error_;
    const std::vector<Hook> hooks = splice.hooks(&clean);
    const std::lock_guard turn(host_.turn());
    out.push_back(host_.forward(tokens, hooks, want).value);
    if (name == "spliced") replaced_ = splice.replaced();
  }
  return out;
}

int64_t Site::column(size_t i) const {
  const std::vector<std::string>& outputs = place_.target.empty() ? place_.points : place_.target;
  return std::find(outputs.begin(), outputs.end(), splice_.points()[i]) - outputs.begin();
}

Tensor Site::ablated(const Tokens& tokens, const Splice::Clean& clean, bool by_mean) {
  const Tensor real = tokens.flag.bitwise_and(kPad).eq(0).nonzero().flatten();
  std::vector<Hook> hooks;
  for (size_t i = 0; i < points().size(); ++i) {
    const int64_t output = column(i);
    const int64_t before = place_.target.empty() ? 0 : static_cast<int64_t>(place_.points.size());
    Tensor row = clean.rows.select(1, before + output);  // [t, d]
    if (place_.minus_input) row = row + clean.rows.select(1, output);
    row = row.index_select(0, real).mean(0);
    if (!by_mean) row = torch::zeros_like(row);
    const Tensor taken =
        chosen_.defined() ? chosen_.eq(output) : torch::ones({tokens.id.size(0)}, torch::kBool);
    hooks.push_back({points()[i], [row, taken](const Rows& rows) {
                       return torch::where(taken.to(rows.x.device()).unsqueeze(1),
                                           row.to(rows.x.options()), rows.x);
                     }});
  }
  const std::lock_guard turn(host_.turn());
  return host_.forward(tokens, hooks, {.logits = true}).value;
}

}  // namespace facet::kl_eval
