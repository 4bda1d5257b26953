// Bodies of a bound SAE.
#include "run/bound_sae.h"

#include "facet/torch.h"

#include <algorithm>
#include <array>

#include "plugin/call.h"
#include "run/block.h"
#include "run/provenance.h"

namespace facet {
namespace {

constexpr uint8_t kNeverCoded = kSpecial | kPad;  // rows that no SAE was trained on

int64_t single_token(const HostModel& host, const std::string& text, const std::string& where) {
  const Tokens tokens = prompt_tokens(host, text, where);
  const Tensor id = tokens.id.index({tokens.flag.bitwise_and(kSpecial).eq(0)});
  if (id.size(0) != 1)
    throw UserError(where + ": \"" + text + "\" is " + std::to_string(id.size(0)) + " tokens of " +
                    host.info().type + ", should be one");
  return id[0].item<int64_t>();
}

}  // namespace

Schema<BindOptions> bind_schema() {
  return Schema<BindOptions>()
      .field("prompt_only", &BindOptions::prompt_only,
             "Only tokens of the prompt are replaced, not those that are generated.")
      .field("error_term", &BindOptions::error_term,
             "Adds what the SAE leaves over, so that only edits change the host.")
      .field("scaled", &BindOptions::scaled, "What the reconstruction is multiplied by.")
      .field("splice_from", &BindOptions::splice_from,
             "Which row is reconstructed: the one that arrives (live), that of the host by itself "
             "(clean), or what the clean one lacks is added to the live one (difference).",
             one_of(splice_from_words()))
      .field("edits", &BindOptions::edits,
             "A list of { latent = 12, set = 4.0 }; instead of set: add, subtract, multiply, "
             "divide, ablate = true, add_direction.");
}

Schema<ContinueOptions> continue_schema() {
  using C = ContinueOptions;
  return Schema<C>()
      .field("prompt", &C::prompt, "What the host goes on from.", required)
      .field("max_tokens", &C::max_tokens, "New tokens at most.", at_least(1), unit("tokens"))
      .field("temperature", &C::temperature, "0: always the most likely token.", at_least(0))
      .field("top_p", &C::top_p, "Draws among the fewest tokens that hold this share.",
             between(1e-9, 1))
      .field("seed", &C::seed, "Of the draws.", at_least(0));
}

BoundSae::BoundSae(std::shared_ptr<SaeHandle> sae, std::shared_ptr<HostHandle> host,
                   const std::vector<std::string>& points, const BindOptions& options)
    : sae_(std::move(sae)), host_(std::move(host)), options_(options) {
  if (sae_->folder.empty())
    throw UserError("sae:bind: the SAE is not trained yet, should be after run:train");
  place_ = place_of(sae_->record, *host_, sae_->rows.get(), "sae:bind");
  for (LatentEdit& edit : latent_edits(options.edits, sae_->sae->d_sae(), "sae:bind: edits"))
    (edit.kind == LatentEditKind::add_direction ? directions_ : values_).push_back(edit);
  SpliceOptions how;
  how.from = splice_from(options.splice_from);
  how.error_term = options.error_term;
  how.scale = options.scaled;
  how.keep = kNeverCoded;
  how.at = points;
  if (!values_.empty())
    how.edit = [this](const Codes& codes, const Rows&) { return change_of(codes, values_); };
  try {
    splice_ = std::make_unique<Splice>(*host_->host, *sae_->sae, *sae_->normaliser, place_, how);
  } catch (const UserError& e) {
    throw UserError("sae:bind: " + std::string(e.what()));
  }
}

// With the error term and no edit of values the host stays as it is, bit for bit.
bool BoundSae::splices() const {
  return !options_.error_term || options_.scaled != 1 || !values_.empty();
}

Edit BoundSae::only_where_wanted(Edit edit) const {
  const bool prompt_only = options_.prompt_only;
  return [edit = std::move(edit), prompt_only](const Rows& rows) {
    Tensor wanted = rows.flag.bitwise_and(kNeverCoded).eq(0);
    if (prompt_only) wanted = wanted & rows.flag.bitwise_and(kPrompt).ne(0);
    return torch::where(wanted.to(rows.x.device()).unsqueeze(1),
                        edit(rows).to(rows.x.scalar_type()), rows.x);
  };
}

// The sum of amount times row of W_dec, [d] in the host's units; the row as it is where the
// normaliser looks at each row by itself.
Tensor BoundSae::direction(size_t point) const {
  const std::vector<std::string>& outputs = place_.target.empty() ? place_.points : place_.target;
  const int64_t column =
      std::find(outputs.begin(), outputs.end(), points()[point]) - outputs.begin();
  const auto count = static_cast<int64_t>(outputs.size());
  const int64_t written = sae_->record.shape.points_out;
  const Tensor w_dec = sae_->sae->decoder(written > 1 ? column : 0);  // [d_sae, d]
  Tensor way = torch::zeros({w_dec.size(1)}, w_dec.options().requires_grad(false));
  for (const LatentEdit& edit : directions_) way += edit.amount * w_dec[edit.latent];
  if (!sae_->normaliser->row_map()) return way;
  Stats stats;
  const int64_t read = place_.target.empty() ? 0 : static_cast<int64_t>(place_.points.size());
  sae_->normaliser->apply(torch::zeros({1, read + count, way.size(0)}, way.options()), stats);
  Tensor ways = torch::zeros({1, count, way.size(0)}, way.options());
  const Tensor origin = sae_->normaliser->invert(ways, stats);
  ways.select(1, column).copy_(way);
  return (sae_->normaliser->invert(ways, stats) - origin)[0][column];
}

std::vector<Hook> BoundSae::direction_hooks() const {
  std::vector<Hook> out;
  for (size_t point = 0; point < points().size() && !directions_.empty(); ++point)
    out.push_back({points()[point], only_where_wanted([way = direction(point)](const Rows& rows) {
                     return rows.x.to(torch::kFloat32) + way.to(rows.x.device());
                   })});
  return out;
}

std::vector<Hook> BoundSae::hooks(const Splice::Clean* clean) {
  std::vector<Hook> out;
  if (splices()) out = splice_->hooks(clean);
  for (size_t i = out.size() - (splices() ? points().size() : 0); i < out.size(); ++i)
    out[i].edit = only_where_wanted(std::move(out[i].edit));
  for (Hook& hook : direction_hooks()) out.push_back(std::move(hook));
  return out;
}

std::string BoundSae::generate(const ContinueOptions& options) {
  HostModel& host = *host_->host;
  if (splices() && splice_->needs_clean())
    throw UserError("bound:generate: splice_from is \"" + options_.splice_from +
                    "\" or the SAE reads several hookpoints at once, so each new token would need "
                    "a pass of the host by itself; should be an SAE of one hookpoint, live");
  const torch::NoGradGuard no_grad;
  const Tokens prompt = prompt_tokens(host, options.prompt, "bound:generate: prompt");
  GenerateParams params;
  params.max_tokens = options.max_tokens;
  params.temperature = options.temperature;
  params.top_p = options.top_p;
  Rng rng(static_cast<uint64_t>(options.seed), "bound/generate");
  const auto ids = facet::generate(host, prompt, hooks(nullptr), params, rng);
  return host.text(ids[0]);
}

BoundSae::Pair BoundSae::logits_behind(const std::string& prompt, const std::string& where) {
  HostModel& host = *host_->host;
  if (!host.info().causal)
    throw UserError(where + ": " + host.info().type +
                    " says no next token, should be a causal language model");
  const torch::NoGradGuard no_grad;
  const Tokens tokens = prompt_tokens(host, prompt, where + ": prompt");
  const Want want{.logits = true, .last = true};
  const auto forward = [&](const std::vector<Hook>& hooks) {
    const std::lock_guard turn(host.turn());
    return host.forward(tokens, hooks, want).value[0].to(torch::kCPU, torch::kFloat32);
  };
  if (!splices() || !splice_->needs_clean()) return {forward(hooks(nullptr)), forward({})};
  const Splice::Clean clean = splice_->clean(tokens, want);
  return {forward(hooks(&clean)), clean.logits.value[0].to(torch::kCPU, torch::kFloat32)};
}

std::vector<BoundSae::Next> BoundSae::next(const std::string& prompt, int64_t n) {
  const Pair logits = logits_behind(prompt, "bound:next");
  const Tensor share = logits.bound.to(torch::kFloat64).softmax(0);
  const Tensor clean = logits.clean.to(torch::kFloat64).softmax(0);
  const auto [sorted, ids] = share.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
  std::vector<Next> out;
  for (int64_t i = 0; i < std::min(n, ids.size(0)); ++i) {
    const std::array<int64_t, 1> id = {ids[i].item<int64_t>()};
    out.push_back({host_->host->text(id), sorted[i].item<double>(), clean[id[0]].item<double>()});
  }
  return out;
}

BoundSae::Logit BoundSae::logit(const std::string& prompt, const std::string& token) {
  const int64_t id = single_token(*host_->host, token, "bound:logit: token");
  const Pair logits = logits_behind(prompt, "bound:logit");
  return {logits.bound[id].item<double>(), logits.clean[id].item<double>()};
}

}  // namespace facet
