// Methods of an SAE, and of one that is bound to its host.
#include "facet/torch.h"

#include "lua/matrix.h"
#include "lua/methods.h"
#include "lua/values.h"
#include "run/block_codes.h"
#include "run/bound_sae.h"

namespace facet::lua {
namespace {

struct CodingOptions {
  bool all = false;
};

Schema<CodingOptions> coding_schema() {
  return Schema<CodingOptions>().field("all", &CodingOptions::all,
                                       "What every latent saw, before any was chosen.");
}

// A number for each row; of several hookpoints a list for each.
void push_by_row(lua_State* L, const Tensor& values) {
  if (values.size(1) == 1) return push_numbers(L, values.select(1, 0));
  lua_createtable(L, static_cast<int>(values.size(0)), 0);
  for (int64_t i = 0; i < values.size(0); ++i) {
    push_numbers(L, values[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

int sae_encode(lua_State* L) {
  const MethodCall call(L, "sae:encode(block, { all = true })", 2);
  auto sae = call.self<SaeHandle>();
  const auto block = call.handle<Block>(1, "block");
  const bool all = coding_schema().parse("sae:encode", call.table(2, "keys")).all;
  const CodedBlock coded =
      encode_block(sae, *block, all ? PreActivations::kept : PreActivations::left_out);
  lua_createtable(L, 0, 4);
  push_handle(L, coded.codes);
  lua_setfield(L, -2, "codes");
  push_by_row(L, coded.mean);
  lua_setfield(L, -2, "input_mean");
  push_by_row(L, coded.deviation);
  lua_setfield(L, -2, "input_std");
  if (all) {
    push_handle(L, std::make_shared<Matrix>(Matrix{coded.pre_activations}));
    lua_setfield(L, -2, "pre_activations");
  }
  return 1;
}

int sae_decode(lua_State* L) {
  const MethodCall call(L, "sae:decode(codes)", 1);
  const auto sae = call.self<SaeHandle>();
  const auto codes = call.handle<BlockCodes>(1, "codes");
  if (codes->sae != sae)
    throw UserError("sae:decode: codes: another SAE gave them, should be of this one");
  push_handle(L, std::make_shared<Block>(decode_block(*codes)));
  return 1;
}

int sae_loss(lua_State* L) {
  const MethodCall call(L, "sae:loss(block)", 1);
  const auto sae = call.self<SaeHandle>();
  Value out{Value::Table()};
  for (const auto& [name, value] : losses_on_block(*sae, *call.handle<Block>(1, "block")))
    out.set(name, value);
  push_value(L, out);
  return 1;
}

// A hookpoint, a list of them, or nothing.
std::vector<std::string> points_of(const Value& given) {
  if (given.empty()) return {};
  if (const auto* one = given.as<std::string>()) return {*one};
  std::vector<std::string> out;
  const auto* list = given.as<Value::Array>();
  for (const Value& one : list ? *list : Value::Array())
    if (const auto* name = one.as<std::string>()) out.push_back(*name);
  if (!list || out.size() != list->size())
    throw UserError("sae:bind: hookpoint: " + given.describe() +
                    ", should be the name of a hookpoint, or a list of names");
  return out;
}

int sae_bind(lua_State* L) {
  const MethodCall call(L, "sae:bind(host, hookpoint, { ... })", 3);
  auto sae = call.self<SaeHandle>();
  auto host = call.handle<HostHandle>(1, "host");
  const auto points = points_of(call.value(2));
  const BindOptions options = bind_schema().parse("sae:bind", call.table(3, "keys"));
  push_handle(L, std::make_shared<BoundSae>(sae, host, points, options));
  return 1;
}

int bound_generate(lua_State* L) {
  const MethodCall call(L, "bound:generate { prompt = ... }", 1);
  const auto bound = call.self<BoundSae>();
  push_value(L, bound->generate(continue_schema().parse("bound:generate", call.table(1, "keys"))));
  return 1;
}

int bound_next(lua_State* L) {
  const MethodCall call(L, "bound:next(prompt, n)", 2);
  const auto bound = call.self<BoundSae>();
  Value::Array out;
  for (const BoundSae::Next& one : bound->next(call.text(1, "prompt"), call.integer(2, "n")))
    out.emplace_back(
        Value::Table{{"token", one.token}, {"probability", one.probability}, {"clean", one.clean}});
  push_value(L, out);
  return 1;
}

int bound_logit(lua_State* L) {
  const MethodCall call(L, "bound:logit(prompt, token)", 2);
  const auto bound = call.self<BoundSae>();
  const BoundSae::Logit logit = bound->logit(call.text(1, "prompt"), call.text(2, "token"));
  push_value(L, Value::Table{{"bound", logit.bound}, {"clean", logit.clean}});
  return 1;
}

}  // namespace

std::vector<luaL_Reg> sae_methods() {
  return {{"encode", guard<sae_encode>},
          {"decode", guard<sae_decode>},
          {"loss", guard<sae_loss>},
          {"bind", guard<sae_bind>}};
}
std::vector<luaL_Reg> bound_methods() {
  return {{"generate", guard<bound_generate>},
          {"next", guard<bound_next>},
          {"logit", guard<bound_logit>}};
}

}  // namespace facet::lua
