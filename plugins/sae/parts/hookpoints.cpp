// Bodies of what architectures over several hookpoints share.
#include "hookpoints.h"

#include <facet/torch.h>

#include "facet/error.h"

namespace facet {

int64_t several_hookpoints(const std::string& type, const std::string& does, const Shape& shape) {
  const std::string where = "sae: " + type + ": " + does + " several hookpoints of one width: ";
  if (shape.transcodes) throw UserError(where + "is given a target of other hookpoints");
  if (shape.points_in > 1 && shape.d_in == shape.d_out) return shape.points_in;
  throw UserError(where + "is given " + std::to_string(shape.points_in) + " of width " +
                  std::to_string(shape.d_in) + " and should return width " +
                  std::to_string(shape.d_out));
}

Tensor rows_at(const Tensor& x, const Tensor& layer) {
  return x.gather(1, layer.view({-1, 1, 1}).expand({-1, 1, x.size(2)})).squeeze(1);
}

Batch batch_of_rows(const Tensor& x) {
  Batch out;
  out.input = out.target = x.unsqueeze(1);
  return out;
}

void note_layer(const Tensor& layer, const Tensor& layers, Notes& notes) {
  notes["layer"] = layer;
  notes["layer_weights"] = at::zeros({layers.size(0), layers.size(1)}, layers.detach().options())
                               .scatter_(1, layer.unsqueeze(1), 1.0);
}

Spliced splice_layer(PlainSae& sae, int64_t point, const Tensor& live, const Pass& seen) {
  Spliced out;
  out.replaced = seen.notes.at("layer").eq(point);
  out.rows = live;
  const Tensor index = out.replaced.nonzero().flatten();
  if (index.size(0) == 0) {
    out.codes = Codes::of(at::zeros({live.size(0), sae.d_sae()}, live.detach().options()));
    return out;
  }
  const Codes codes = sae.encode(live.index_select(0, index), Mode::infer);
  out.rows = live.index_copy(0, index, sae.decode(codes).to(live.dtype()));
  const Tensor count = at::zeros({live.size(0)}, codes.start.options());  // [n] entries of each row
  out.codes = codes;
  out.codes.start = at::cat(
      {codes.start.slice(0, 0, 1), count.index_copy(0, index, codes.start.diff()).cumsum(0)});
  return out;
}

}  // namespace facet
