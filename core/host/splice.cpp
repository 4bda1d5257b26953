// Puts reconstructions in the place of live rows.
#include "facet/splice.h"

#include <facet/torch.h>

#include <algorithm>
#include <array>

#include "facet/error.h"
#include "facet/ops.h"
#include "facet/stream.h"

namespace facet {
namespace {

constexpr std::array<const char*, 3> kFrom = {"live", "clean", "difference"};

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

std::string text_of(SpliceFrom from) { return kFrom[static_cast<size_t>(from) - 1]; }

SpliceFrom splice_from(const std::string& text) {
  const auto found = std::find(kFrom.begin(), kFrom.end(), text);
  if (found == kFrom.end())
    throw UserError("splice_from: is \"" + text + "\", should be one of " +
                    listed(splice_from_words()));
  return static_cast<SpliceFrom>(found - kFrom.begin() + 1);
}

std::vector<std::string> splice_from_words() { return {kFrom.begin(), kFrom.end()}; }

bool chooses_hookpoint(const HostInfo& info, const Sae& sae, const Place& place) {
  if (!place.joint() || !place.target.empty()) return false;
  const auto points = static_cast<int64_t>(place.points.size());
  const int64_t width = info.points[hookpoint_index(info, place.points[0])].width;
  return sae.shape({points, points, width, width}).points_out == 1;
}

SpliceFrom default_splice_from(const HostInfo& info, const Sae& sae, const Place& place) {
  return !place.joint() || chooses_hookpoint(info, sae, place) ? SpliceFrom::live
                                                               : SpliceFrom::difference;
}

Splice::Splice(HostModel& host, Sae& sae, const Normaliser& normaliser, Place place,
               SpliceOptions options)
    : host_(host),
      sae_(sae),
      normaliser_(normaliser),
      place_(std::move(place)),
      options_(std::move(options)) {
  const HostInfo& info = host_.info();
  const std::vector<std::string>& outputs = place_.target.empty() ? place_.points : place_.target;
  std::vector<std::string> at;
  for (const std::string& name : options_.at)
    at.push_back(info.points[hookpoint_index(info, name)].name);
  for (const std::string& name : at)
    if (std::find(outputs.begin(), outputs.end(), name) == outputs.end())
      throw UserError("splice: at " + name + ": this SAE reconstructs " + listed(outputs));
  std::vector<size_t> order(outputs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return hookpoint_index(info, outputs[a]) < hookpoint_index(info, outputs[b]);
  });
  for (const size_t i : order) {
    if (!at.empty() && std::find(at.begin(), at.end(), outputs[i]) == at.end()) continue;
    written_.push_back(outputs[i]);
    output_.push_back(i);
  }
  if (options_.from == SpliceFrom::live && default_splice_from(info, sae_, place_) != options_.from)
    throw UserError("splice: splice_from is \"live\", but this SAE reads " +
                    std::to_string(place_.points.size()) +
                    " hookpoints at once, should be \"clean\" or \"difference\"");
}

bool Splice::needs_clean() const { return options_.from != SpliceFrom::live || place_.joint(); }

// The tokens that the SAE is given: [m] int64.
Tensor Splice::given(const Tensor& flag) const {
  return flag.cpu().bitwise_and(options_.keep).eq(0).nonzero().flatten();
}

Splice::Clean Splice::clean(const Tokens& tokens, Want want) {
  std::vector<std::string> names = place_.points;
  names.insert(names.end(), place_.target.begin(), place_.target.end());
  std::vector<Tensor> x(names.size());  // [t, d] each
  std::vector<Hook> hooks;
  Rows ids;
  for (size_t i = 0; i < names.size(); ++i)
    hooks.push_back({names[i], [&x, &ids, i](const Rows& seen) {
                       x[i] = seen.x.detach().to(torch::kFloat32, false, /*copy=*/true);
                       ids = seen;
                       return seen.x;
                     }});
  Clean out;
  {
    const torch::NoGradGuard no_grad;
    const std::lock_guard turn(host_.turn());
    want.gradients = false;
    out.logits = host_.forward(tokens, hooks, want);
  }
  for (size_t i = 0; i < names.size(); ++i)
    FACET_ASSERT(x[i].defined(), "the host never reached " + names[i]);
  const size_t points = place_.points.size();
  if (place_.minus_input)
    for (size_t i = points; i < names.size(); ++i) x[i] = x[i] - x[i - points];
  out.rows = torch::stack(x, 1);
  out.index = given(tokens.flag);
  if (place_.by_layer || out.index.size(0) == 0) return out;
  const torch::NoGradGuard no_grad;
  ids.x = out.rows;
  const Batch batch = make_batch(normaliser_, ids.select(out.index));
  out.pass = sae_.pass(batch, Mode::infer);
  out.stats = output_stats(out.pass, batch.stats);
  return out;
}

std::vector<Hook> Splice::hooks(const Clean* clean) {
  FACET_ASSERT(clean || !needs_clean(), "this splice needs the clean pass");
  std::vector<Hook> out;
  replaced_ = Tensor();
  if (!place_.target.empty() && options_.from == SpliceFrom::live) {
    read_.assign(place_.points.size(), Tensor());
    for (size_t i = 0; i < read_.size(); ++i)
      out.push_back({place_.points[i], [this, i](const Rows& rows) {
                       read_[i] = rows.x.to(torch::kFloat32);
                       return rows.x;
                     }});
  }
  for (size_t i = 0; i < written_.size(); ++i)
    out.push_back(
        {written_[i], [this, i, clean](const Rows& rows) { return spliced(i, rows, clean); }});
  return out;
}

Tensor Splice::spliced(size_t written, const Rows& rows, const Clean* clean) {
  if (written == 0 || !replaced_.defined())
    replaced_ = torch::zeros({rows.x.size(0)}, torch::kBool);
  const Tensor index = given(rows.flag);
  if (index.size(0) == 0) return rows.x;
  const size_t output = output_[written], points = place_.points.size();
  const bool is_live = options_.from == SpliceFrom::live;
  const auto column = [&](size_t i) {
    return clean->rows.select(1, static_cast<int64_t>(i)).index_select(0, clean->index);
  };
  const Rows ids = rows.select(index);
  const Tensor arrived = ids.x.to(torch::kFloat32);
  const size_t target_column = place_.target.empty() ? output : points + output;
  Tensor own = is_live ? arrived : column(target_column);  // what is reconstructed, [m, d]
  Tensor input = own;
  if (!place_.target.empty()) {
    input = is_live ? read_[output].index_select(0, index) : column(output);
    if (is_live && place_.minus_input) own = own - input;
  }
  Outcome outcome = place_.joint() ? of_several(output, own, *clean, ids)
                                   : by_itself(input, place_.target.empty() ? Tensor() : own, ids);
  Tensor put = outcome.edited * options_.scale;
  if (options_.error_term) put = put + (own - outcome.plain);
  if (options_.from == SpliceFrom::difference)
    put = arrived + (put - own);
  else if (place_.minus_input)
    put = put + input;
  const Tensor taken = outcome.replaced.nonzero().flatten();
  const Tensor to = index.index_select(0, taken.cpu());
  replaced_.index_fill_(0, to, true);
  return rows.x.index_copy(0, to.to(rows.x.device()),
                           put.index_select(0, taken).to(rows.x.scalar_type()));
}

// `rows` [m, d] as the SAE decoded them from `codes`, with the edit's change decoded and added.
Tensor Splice::edited(const Tensor& rows, const Codes& codes, size_t output,
                      const Rows& ids) const {
  if (!options_.edit) return rows;
  const Codes change = options_.edit(codes, ids);
  FACET_ASSERT(change.rows() == codes.rows(), "an edit of codes changed their number of rows");
  return rows + ops::decode(change, sae_.decoder(static_cast<int64_t>(output)), Tensor());
}

// An SAE that codes the rows of one hookpoint: input and target [m, d] in the host's units.
Splice::Outcome Splice::by_itself(const Tensor& input, const Tensor& target, const Rows& ids) {
  std::vector<Tensor> columns = {input};
  if (target.defined()) columns.push_back(target);
  Stats stats;
  const Tensor x = normaliser_.apply(torch::stack(columns, 1), stats);
  const Spliced own = sae_.splice(0, x.select(1, 0), Pass());
  const auto back = [&](const Tensor& rows) {
    return normaliser_.invert(rows.unsqueeze(1), stats).select(1, 0);
  };
  Outcome out;
  out.replaced = own.replaced;
  out.plain = back(own.rows);
  out.edited = options_.edit ? back(edited(own.rows, own.codes, 0, ids)) : out.plain;
  return out;
}

// An SAE that reads several hookpoints at once: `live` [m, d] at the one that is replaced.
Splice::Outcome Splice::of_several(size_t output, const Tensor& live, const Clean& clean,
                                   const Rows& ids) {
  const auto at = static_cast<int64_t>(output);
  const Pass& seen = clean.pass;
  const bool one = seen.output.size(1) == 1;  // of the hookpoint that it chose for each row
  Outcome out;
  if (options_.from == SpliceFrom::live) {
    Tensor all = clean.rows.index_select(0, clean.index);
    all.select(1, at).copy_(live);
    Stats stats;
    const Tensor x = normaliser_.apply(all, stats);
    const Spliced own = sae_.splice(at, x.select(1, at), seen);
    const auto back = [&](const Tensor& rows) {
      Tensor columns = x.clone();
      columns.select(1, at).copy_(rows);
      return normaliser_.invert(columns, stats).select(1, at);
    };
    out.replaced = own.replaced;
    out.plain = back(own.rows);
    out.edited = options_.edit ? back(edited(own.rows, own.codes, 0, ids)) : out.plain;
    return out;
  }
  const int64_t of = one ? 0 : at;
  const auto back = [&](const Tensor& rows) {
    Tensor columns = seen.output.clone();
    columns.select(1, of).copy_(rows);
    return normaliser_.invert(columns, clean.stats).select(1, of);
  };
  const Tensor rows = seen.output.select(1, of);
  out.plain = back(rows);
  out.edited =
      options_.edit ? back(edited(rows, seen.codes, static_cast<size_t>(of), ids)) : out.plain;
  const auto layer = seen.notes.find("layer");
  if (one && layer == seen.notes.end())
    throw UserError("splice: this SAE mixes its hookpoints, so none has a row to replace");
  out.replaced = one ? layer->second.eq(at) : torch::ones({live.size(0)}, torch::kBool);
  return out;
}

}  // namespace facet
