// Bodies of coding a block.
#include "run/block_codes.h"

#include "facet/torch.h"

#include <algorithm>

#include "facet/stream.h"
#include "plugin/call.h"
#include "run/verb_text.h"

namespace facet {
namespace {

// "2 hookpoints of width 32".
std::string points_text(int64_t points, int64_t width) {
  return std::to_string(points) + (points == 1 ? " hookpoint" : " hookpoints") + " of width " +
         std::to_string(width);
}

// Of an SAE of another program only widths are known for sure.
void check_block(const SaeHandle& sae, const Block& block, const std::string& where) {
  const SaeRecord& record = sae.record;
  if (sae.folder.empty())
    throw UserError(where + ": the SAE is not trained yet, should be after run:train");
  std::vector<std::string> problems;
  const int64_t points = block.rows.x.size(1), width = block.rows.x.size(2);
  const auto targets = static_cast<int64_t>(record.target.hookpoints.size());
  const bool by_layer = record.layers_as != "points";
  const int64_t wanted = by_layer ? 1 : record.shape.points_in;
  if (width != record.shape.d_in || (points != wanted && points != wanted + targets))
    problems.push_back(where + ": the block has rows of " + points_text(points, width) +
                       ", should be " + points_text(wanted, record.shape.d_in));
  if (record.program.empty() && block.host) {
    if (block.host->weights_hash != record.host_weights)
      problems.push_back(where + ": trained on host weights " + record.host_weights +
                         ", the block is of " + block.host->weights_hash);
    const auto& known = record.hookpoints;
    const bool same =
        by_layer ? std::all_of(block.hookpoints.begin(), block.hookpoints.end(),
                               [&](const std::string& one) {
                                 return std::find(known.begin(), known.end(), one) != known.end();
                               })
                 : block.hookpoints == known;
    if (!same)
      problems.push_back(where + ": trained on " + joined(known) + ", the block is of " +
                         joined(block.hookpoints));
  }
  if (!problems.empty()) throw UserError(problems);
}

Batch batch_for(const SaeHandle& sae, const Block& block) {
  Rows rows = block.rows;
  rows.x = rows.x.to(sae.sae->device());
  return make_batch(*sae.normaliser, std::move(rows));
}

// With the same weights, so that a training's pass leaves no trace in the SAE itself.
std::unique_ptr<Sae> twin_of(const SaeHandle& handle) {
  Init init(handle.record.seed, handle.sae->device().str());
  auto out = handle.part->make(handle.params, handle.record.shape, init);
  const auto copy = [](const Tensor& from, Tensor to) { to.copy_(from); };
  for (size_t i = 0; i < out->params().size(); ++i)
    copy(handle.sae->params()[i].second, out->params()[i].second);
  for (size_t i = 0; i < out->buffers().size(); ++i)
    copy(handle.sae->buffers()[i].value, out->buffers()[i].value);
  return out;
}

}  // namespace

std::vector<std::pair<int64_t, double>> BlockCodes::row(int64_t i) const {
  const int64_t begin = codes.start[i].item<int64_t>(), end = codes.start[i + 1].item<int64_t>();
  std::vector<std::pair<int64_t, double>> out;
  for (int64_t at = begin; at < end; ++at)
    out.emplace_back(codes.latent[at].item<int32_t>(), codes.value[at].item<float>());
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return out;
}

Tensor BlockCodes::values(int64_t latent) const {
  check_latent(latent, codes.d_sae, "codes:values");
  const Tensor entry = codes.latent.eq(latent).nonzero().flatten();
  return torch::zeros({codes.rows()}, torch::kFloat32)
      .index_copy(0, codes.row().index_select(0, entry), codes.value.index_select(0, entry));
}

std::vector<BlockCodes::Top> BlockCodes::top(int64_t n) const {
  const Tensor row = codes.row();
  std::vector<Top> all;
  for (int64_t i = 0; i < codes.nonzeros(); ++i)
    all.push_back(
        {codes.latent[i].item<int32_t>(), row[i].item<int64_t>(), codes.value[i].item<float>()});
  std::stable_sort(all.begin(), all.end(), [](const Top& a, const Top& b) {
    return a.value != b.value ? a.value > b.value : a.latent < b.latent;
  });
  std::vector<Top> out;
  for (const Top& one : all) {
    if (static_cast<int64_t>(out.size()) >= n) break;
    const bool known = std::any_of(out.begin(), out.end(),
                                   [&](const Top& other) { return other.latent == one.latent; });
    if (!known) out.push_back(one);
  }
  return out;
}

BlockCodes BlockCodes::edited(const std::vector<LatentEdit>& edits) const {
  const Codes change = change_of(codes, edits);
  BlockCodes out = *this;
  const Tensor dense = codes.dense().index_put({change.row(), change.latent.to(torch::kInt64)},
                                               change.value, /*accumulate=*/true);
  out.codes = Codes::of(dense);
  return out;
}

CodedBlock encode_block(std::shared_ptr<SaeHandle> sae, const Block& block, PreActivations wanted) {
  check_block(*sae, block, "sae:encode");
  const torch::NoGradGuard no_grad;
  const Batch batch = batch_for(*sae, block);
  CodedBlock out;
  const Tensor given = block.rows.x.narrow(1, 0, batch.input.size(1)).to(torch::kFloat32);
  out.mean = given.mean(-1);
  out.deviation = given.std(-1, /*unbiased=*/true);
  call_plugin(sae->part->plugin, [&] {
    const Pass pass = sae->sae->pass(batch, Mode::infer);
    Rows ids = block.rows;
    ids.x = Tensor();
    out.codes = std::make_shared<BlockCodes>(
        BlockCodes{pass.codes.cpu(), sae, output_stats(pass, batch.stats), ids, block.host});
    if (wanted == PreActivations::kept)
      out.pre_activations = sae->sae->pre_activations(batch.input).to(torch::kCPU, torch::kFloat32);
  });
  return out;
}

Block decode_block(const BlockCodes& codes) {
  const SaeHandle& sae = *codes.sae;
  const torch::NoGradGuard no_grad;
  Codes there = codes.codes;
  there.value = there.value.to(sae.sae->device());
  there.latent = there.latent.to(sae.sae->device());
  const Tensor rows = call_plugin(sae.part->plugin, [&] { return sae.sae->reconstruction(there); });
  Block out{codes.ids, sae.record.hookpoints, codes.host};
  if (!sae.record.target.hookpoints.empty()) out.hookpoints = sae.record.target.hookpoints;
  out.rows.x = sae.normaliser->invert(rows, codes.stats).cpu();
  return out;
}

std::vector<std::pair<std::string, double>> losses_on_block(const SaeHandle& sae,
                                                            const Block& block) {
  check_block(sae, block, "sae:loss");
  const torch::NoGradGuard no_grad;
  const Batch batch = batch_for(sae, block);
  if (!batch.target.defined())
    throw UserError("sae:loss: the block has the SAE's input alone, should have its target too: " +
                    std::string("rows:take of the activations that it was trained on"));
  const Losses losses = call_plugin(sae.part->plugin, [&] {
    const auto twin = twin_of(sae);
    return twin->losses(twin->pass(batch, Mode::train), Step());
  });
  std::vector<std::pair<std::string, double>> out;
  double total = 0;
  for (const Loss& loss : losses) {
    out.emplace_back(loss.name, loss.value.item<double>());
    total += out.back().second;
  }
  out.emplace_back("total", total);
  return out;
}

}  // namespace facet
