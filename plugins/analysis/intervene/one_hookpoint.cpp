// Reads and codes one hookpoint.
#include "one_hookpoint.h"

#include <facet/torch.h>

#include <algorithm>

using namespace facet;

namespace intervene {

Tensor decoder_rows(const Sae& sae, const Normaliser& normaliser,
                    const std::vector<int64_t>& latents, int64_t output, int64_t hookpoint) {
  const Tensor index = torch::tensor(latents, torch::kInt64).to(sae.device());
  const Tensor rows = sae.decoder(output).detach().index_select(0, index);
  const auto map = normaliser.row_map();
  if (!map) return rows.to(torch::kFloat32);
  const Tensor wide = rows.to(torch::kFloat64);
  const Tensor back = map->matrix.defined()
                          ? torch::matmul(wide, map->inverse[hookpoint].to(wide.device()))
                      : map->scale.defined() ? wide / map->scale[hookpoint].item<double>()
                                             : wide;
  return back.to(torch::kFloat32);
}

std::string one_hookpoint(const std::string& analysis, const Place& place) {
  if (place.points.size() != 1 || place.target.size() > 1)
    throw UserError(analysis + ": this SAE reads " + std::to_string(place.points.size()) +
                    " hookpoints and writes to " +
                    std::to_string(std::max(place.target.size(), place.points.size())) +
                    ", should be one");
  return place.target.empty() ? place.points[0] : place.target[0];
}

Coded coded(HostModel& host, Sae& sae, const Normaliser& normaliser, const Place& place,
            const Tokens& tokens) {
  SpliceOptions options;
  options.from = SpliceFrom::clean;
  options.keep = kPad;
  const Splice::Clean clean = Splice(host, sae, normaliser, place, options).clean(tokens, {});
  FACET_ASSERT(clean.index.size(0) == tokens.id.size(0), "a prompt has no pads");
  return {clean.rows.select(1, clean.rows.size(1) - 1), clean.pass.codes, clean.pass.output,
          clean.stats};
}

int64_t position_in(const std::string& analysis, int64_t position, int64_t length, size_t prompt) {
  if (position < length) return position < 0 ? length - 1 : position;
  throw UserError(analysis + ": position: " + std::to_string(position) + " is beyond prompt " +
                  std::to_string(prompt) + " (" + std::to_string(length) + " tokens)");
}

}  // namespace intervene
