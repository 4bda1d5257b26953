// sae:encode, sae:decode and sae:loss.
#include <facet/torch.h>

#include "facet/ops.h"
#include "facet/schema.h"
#include "lua/code_tables.h"
#include "lua/live_handles.h"
#include "lua/methods.h"
#include "lua/values.h"

namespace facet::lua {
namespace {

struct EncodeOptions {
  bool all = false;
};

Schema<EncodeOptions> encode_options() {
  return Schema<EncodeOptions>().field(
      "all", &EncodeOptions::all,
      "A table: also pre-activations, and what the normaliser took from each row.");
}

// The rows at 2 as this SAE's batch.
Batch batch_of(lua_State* L, const SaeHandle& sae, const std::string& method) {
  const auto block =
      handle_for<BlockHandle>(L, 2, method, "rows from host:read or activations:take");
  const Shape& shape = sae.record.shape;
  const Tensor& x = block->rows.x;
  const bool with_target = shape.transcodes && x.size(1) == shape.points_in + shape.points_out;
  if ((x.size(1) != shape.points_in && !with_target) || x.size(2) != shape.d_in)
    throw UserError(method + ": rows of " + std::to_string(x.size(1)) + " hookpoints of width " +
                    std::to_string(x.size(2)) + ", should be " + std::to_string(shape.points_in) +
                    " of " + std::to_string(shape.d_in));
  Rows rows = block->rows;
  rows.x = x.to(sae.sae->device());
  return make_batch(*sae.normaliser, std::move(rows));
}

// One number a row, or a list of them where there are several hookpoints or dimensions.
Value nested(const Tensor& x) {
  if (x.dim() == 0) return x.item<double>();
  Value::Array out;
  for (int64_t i = 0; i < x.size(0); ++i) out.push_back(nested(x[i]));
  return out;
}

// [n, points, 1] as a list of n, or nothing when the normaliser has no such figure of each row.
Value of_rows(const Stats& stats, const std::string& name) {
  const auto found = stats.find(name);
  if (found == stats.end() || found->second.dim() != 3 || found->second.size(2) != 1) return {};
  const Tensor each = found->second.select(2, 0).cpu();
  return nested(each.size(1) == 1 ? each.select(1, 0) : each);
}

// [n, d_sae], or undefined: known of the architectures whose form their SAELens config tells.
Tensor pre_activations_of(const Sae& sae, const Tensor& input) {
  const Value config = sae.saelens();
  const Value* architecture = config.find("architecture");
  const std::string form = architecture ? *architecture->as<std::string>() : "";
  if (form != "topk" && form != "standard" && form != "jumprelu") return {};
  const auto named = [&](const std::string& name) {
    for (const auto& [known, value] : sae.params())
      if (known == name) return value;
    return Tensor();
  };
  const Tensor w_enc = named("W_enc"), b_enc = named("b_enc");
  if (!w_enc.defined() || !b_enc.defined()) return {};
  const Value* centred = config.find("apply_b_dec_to_input");
  const bool is_centred = centred && *centred->as<bool>();
  return ops::pre_activations(input.select(1, 0), w_enc, b_enc,
                              is_centred ? named("b_dec") : Tensor());
}

// Figures for the way back of codes without rows: those of a normaliser that treats all alike.
Stats stats_of_any(const SaeHandle& sae, int64_t rows) {
  if (sae.record.normaliser != "none" && !sae.normaliser->row_map())
    throw UserError("sae:decode: the normaliser of this SAE (" + sae.record.normaliser +
                    ") looks at each row by itself, should be with the rows as well: "
                    "sae:decode(codes, rows)");
  const Shape& shape = sae.record.shape;
  Rows any;
  any.x = torch::zeros({rows, shape.points_in, shape.d_in});
  return make_batch(*sae.normaliser, any).stats;
}

}  // namespace

// sae:encode(rows, { all = true })
int sae_encode(lua_State* L) {
  const auto sae = handle_for<SaeHandle>(L, 1, "sae:encode", "called on an sae");
  const EncodeOptions options =
      encode_options().parse("sae:encode", method_table(L, 3, "sae:encode"));
  const torch::NoGradGuard no_gradients;
  const Batch batch = batch_of(L, *sae, "sae:encode");
  const Pass pass = sae->sae->pass(batch, Mode::infer);
  if (!options.all) {
    push_codes(L, pass.codes);
    return 1;
  }
  lua_createtable(L, 0, 4);
  push_codes(L, pass.codes);
  lua_setfield(L, -2, "codes");
  const Tensor pre = pre_activations_of(*sae->sae, batch.input);
  push_value(L, pre.defined() ? nested(pre.cpu()) : Value());
  lua_setfield(L, -2, "pre_activations");
  push_value(L, of_rows(batch.stats, "mean"));
  lua_setfield(L, -2, "input_mean");
  push_value(L, of_rows(batch.stats, "scale"));
  lua_setfield(L, -2, "input_std");
  return 1;
}

// sae:decode(codes, rows)
int sae_decode(lua_State* L) {
  const auto sae = handle_for<SaeHandle>(L, 1, "sae:decode", "called on an sae");
  const torch::NoGradGuard no_gradients;
  const Codes codes = codes_at(L, 2, sae->sae->d_sae(), "sae:decode");
  lua_remove(L, 2);  // the rows, where there are some, stand where batch_of() looks
  const bool by_rows = !lua_isnoneornil(L, 2);
  const Stats stats =
      by_rows ? batch_of(L, *sae, "sae:decode").stats : stats_of_any(*sae, codes.rows());
  if (by_rows && handle_at<BlockHandle>(L, 2)->rows.size() != codes.rows())
    throw UserError("sae:decode: codes of " + std::to_string(codes.rows()) + " rows and " +
                    std::to_string(handle_at<BlockHandle>(L, 2)->rows.size()) +
                    " rows, should be as many");
  const at::Device device = sae->sae->device();
  const Codes there{codes.start, codes.latent.to(device), codes.value.to(device), codes.d_sae};
  const Tensor x = sae->normaliser->invert(sae->sae->reconstruction(there), stats).cpu();
  push_value(L, nested(x.size(1) == 1 ? x.select(1, 0) : x));
  return 1;
}

// sae:loss(rows)
int sae_loss(lua_State* L) {
  const auto sae = handle_for<SaeHandle>(L, 1, "sae:loss", "called on an sae");
  const torch::NoGradGuard no_gradients;
  const Batch batch = batch_of(L, *sae, "sae:loss");
  if (!batch.target.defined())
    throw UserError(
        "sae:loss: rows without the target of this transcoder, should be from "
        "activations:take");
  const Group alone;
  Step step;
  step.group = &alone;
  step.dead = torch::zeros({sae->sae->d_sae()},
                           torch::TensorOptions(torch::kBool).device(sae->sae->device()));
  const Pass pass = sae->sae->pass(batch, Mode::infer);
  Value out{Value::Table()};
  for (const Loss& loss : sae->sae->losses(pass, step))
    out.set(loss.name, loss.value.item<double>());
  push_value(L, out);
  return 1;
}

}  // namespace facet::lua
