// Runs the host by itself, then with the SAE in it.
#include "train/end_to_end.h"

#include <facet/torch.h>

#include "facet/error.h"
#include "facet/stream.h"

namespace facet {
namespace {

// Whole are sequences that begin in these rows and are followed by another, or by nothing after an
// end of their own (a special).
Tokens whole_sequences(const Rows& rows) {
  const Tensor begins = rows.position.eq(0).nonzero().flatten();  // [s]
  const int64_t n = rows.size();
  std::vector<int64_t> cut;
  for (int64_t i = 0; i < begins.size(0); ++i) cut.push_back(begins[i].item<int64_t>());
  const bool ended = n > 0 && rows.position[n - 1].item<int64_t>() > 0 &&
                     (rows.flag[n - 1].item<int64_t>() & kSpecial) != 0;
  if (!cut.empty() && ended) cut.push_back(n);
  if (cut.size() < 2)
    throw UserError("train.batch: " + std::to_string(n) +
                    " rows hold no whole sequence, which train.end_to_end needs; raise it");
  const int64_t from = cut.front(), to = cut.back();
  Tokens out;
  out.id = rows.token.slice(0, from, to).to(torch::kInt64);
  out.flag = rows.flag.slice(0, from, to);
  out.sequence = rows.sequence.index_select(
      0, torch::tensor(std::vector<int64_t>(cut.begin(), cut.end() - 1), torch::kInt64));
  out.start = torch::tensor(cut, torch::kInt64) - from;
  return out;
}

Tensor log_shares(const Logits& logits) {
  return logits.value.to(torch::kFloat32).log_softmax(-1);  // [t, vocabulary]
}

}  // namespace

std::vector<std::string> EndToEnd::words() { return {"kl", "ce"}; }

EndToEnd::EndToEnd(std::shared_ptr<HostModel> host, std::string point, const std::string& word)
    : host_(std::move(host)), point_(std::move(point)), word_(word) {}

EndToEnd::Outcome EndToEnd::run(const Rows& rows, Sae& sae, const Normaliser& normaliser) const {
  const Tokens tokens = whole_sequences(rows);
  Outcome out;
  const Hook hook{
      point_, [&](const Rows& seen) {
        Rows live = seen;
        live.x = seen.x.detach().unsqueeze(1);
        out.batch = make_batch(normaliser, std::move(live));
        out.pass = sae.pass(out.batch, Mode::train);
        const Stats stats = output_stats(out.pass, out.batch.stats);
        return normaliser.invert(out.pass.output, stats).select(1, 0).to(seen.x.scalar_type());
      }};
  Want want;
  want.logits = true;
  const std::lock_guard turn(host_->turn());
  Tensor clean;
  if (word_ == "kl") {
    const torch::NoGradGuard no_grad;
    clean = log_shares(host_->forward(tokens, {}, want));
  }
  want.gradients = true;
  const Tensor spliced = log_shares(host_->forward(tokens, {&hook, 1}, want));
  FACET_ASSERT(out.pass.output.defined(), "the host never reached " + point_);
  const Tensor by_token =
      word_ == "kl" ? (clean.exp() * (clean - spliced)).sum(-1)
                    : -spliced.gather(1, tokens.id.to(spliced.device()).unsqueeze(1)).squeeze(1);
  out.loss = {word_, by_token.mean()};
  return out;
}

}  // namespace facet
