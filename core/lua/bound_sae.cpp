// sae:bind, and what a host says with an SAE spliced into it.
#include <facet/torch.h>

#include <algorithm>
#include <array>

#include "facet/generate.h"
#include "facet/schema.h"
#include "lua/code_tables.h"
#include "lua/live_handles.h"
#include "lua/methods.h"
#include "lua/values.h"
#include "run/provenance.h"
#include "train/foreign_sae.h"

namespace facet::lua {
namespace {

struct BindOptions {
  bool prompt_only = false;
  bool error_term = true;
};
Schema<BindOptions> bind_options() {
  return Schema<BindOptions>()
      .field("prompt_only", &BindOptions::prompt_only, "New tokens are left alone.")
      .field("error_term", &BindOptions::error_term,
             "What the SAE leaves over is added back, so that only on_codes changes the host.");
}

struct LogitsParams {
  std::string prompt;
  int64_t top = 10;
};
Schema<LogitsParams> logits_schema() {
  return Schema<LogitsParams>()
      .field("prompt", &LogitsParams::prompt, "What the host reads.", required)
      .field("top", &LogitsParams::top, "Tokens that are listed, most likely first.", at_least(1));
}

struct GoOnParams {
  std::string prompt;
  int64_t max_tokens = 32;
  double temperature = 0;
  double top_p = 1;
  int64_t seed = 0;
};
Schema<GoOnParams> go_on_schema() {
  return Schema<GoOnParams>()
      .field("prompt", &GoOnParams::prompt, "What the host goes on with.", required)
      .field("max_tokens", &GoOnParams::max_tokens, "New ones.", at_least(1))
      .field("temperature", &GoOnParams::temperature, "0: the most likely token.", at_least(0))
      .field("top_p", &GoOnParams::top_p, "Draws among the fewest tokens that hold this share.",
             above(0), at_most(1))
      .field("seed", &GoOnParams::seed, "Of the draws.", at_least(0));
}

// The hookpoint at 3, or the one that the SAE's record names; they must agree.
std::string bound_point(lua_State* L, const SaeHandle& sae, const HostHandle& host) {
  const HostInfo& info = host.host->info();
  SaeRecord record = sae.record;
  const bool is_known =
      record.hookpoints.size() == 1 &&
      std::any_of(info.points.begin(), info.points.end(),
                  [ours = facet_hookpoint(record.hookpoints[0])](const HookPoint& point) {
                    return point.name == ours || point.alias == ours;
                  });
  std::string named;
  if (lua_type(L, 3) == LUA_TSTRING)
    named = info.points[hookpoint_index(info, lua_tostring(L, 3))].name;
  else if (!lua_isnoneornil(L, 3) || !is_known)
    throw UserError(
        "sae:bind: hookpoint: " + (lua_isnone(L, 3) ? std::string("nothing") : described(L, 3)) +
        ", should be the name of one");
  if (!is_known) record.hookpoints = {named};
  const std::string point = place_of(record, host, nullptr, "sae:bind").points[0];
  if (named.empty() || named == point) return point;
  throw UserError("sae:bind: hookpoint: is " + named + ", this SAE belongs to " + point);
}

// z' - z as the script's function changes each row's table.
Codes change_by_script(lua_State* L, int function, const Codes& codes, const Rows& rows) {
  const Codes here = codes.cpu();
  const Tensor before = here.dense();
  std::vector<Tensor> after;
  for (int64_t row = 0; row < here.rows(); ++row) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    push_codes_row(L, here, row);
    lua_pushvalue(L, -1);
    lua_insert(L, -3);  // the table, the function, the table
    push_value(L, Value::Table{{"position", rows.position[row].item<int64_t>()},
                               {"token", rows.token[row].item<int64_t>()},
                               {"prompt", (rows.flag[row].item<int64_t>() & kPrompt) != 0}});
    call(L, 2, 0);
    after.push_back(codes_row_at(L, -1, here.d_sae, "on_codes"));
    lua_pop(L, 1);
  }
  Codes change = Codes::of(torch::stack(after) - before);
  const at::Device device = codes.value.device();
  change.latent = change.latent.to(device);
  change.value = change.value.to(device);
  return change;
}

SpliceOptions options_of(lua_State* L, const BoundHandle& bound) {
  SpliceOptions out;
  out.error_term = bound.error_term;
  if (bound.on_codes != LUA_NOREF)
    out.edit = [L, function = bound.on_codes](const Codes& codes, const Rows& rows) {
      return change_by_script(L, function, codes, rows);
    };
  return out;
}

Splice splice_of(lua_State* L, const BoundHandle& bound) {
  return {*bound.host->host, *bound.sae->sae, *bound.sae->normaliser,
          Place{{bound.point}, {}, false, false}, options_of(L, bound)};
}

std::vector<Hook> hooks_of(Splice& splice, const BoundHandle& bound) {
  std::vector<Hook> hooks = splice.hooks(nullptr);
  if (!bound.prompt_only) return hooks;
  for (Hook& hook : hooks)
    hook.edit = [edit = hook.edit](const Rows& rows) {
      const Tensor prompt = rows.flag.bitwise_and(kPrompt).ne(0);
      return prompt.any().item<bool>()
                 ? torch::where(prompt.to(rows.x.device()).unsqueeze(1), edit(rows), rows.x)
                 : rows.x;
    };
  return hooks;
}

Tokens prompt_of(const std::string& text, const HostModel& host) {
  const std::array<std::string, 1> texts = {text};
  Tokens tokens = host.tokenize(texts);
  tokens.flag = tokens.flag.bitwise_or(kPrompt);
  return tokens;
}

}  // namespace

// sae:bind(host, hookpoint, { prompt_only, error_term, on_codes })
int sae_bind(lua_State* L) {
  auto bound = std::make_shared<BoundHandle>();
  bound->sae = handle_for<SaeHandle>(L, 1, "sae:bind", "called on an sae");
  bound->host = handle_for<HostHandle>(L, 2, "sae:bind", "a handle from run:host");
  if (lua_istable(L, 4) && lua_getfield(L, 4, "on_codes") != LUA_TNIL) {
    if (!lua_isfunction(L, -1))
      throw UserError("sae:bind: on_codes: " + described(L, -1) + ", should be a function");
    bound->on_codes = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  Value given = lua_istable(L, 4) ? to_value(L, 4, place_of(L, 1), "sae:bind", {"on_codes"})
                                  : method_table(L, 4, "sae:bind");
  const BindOptions options = bind_options().parse("sae:bind", given);
  bound->prompt_only = options.prompt_only;
  bound->error_term = options.error_term;
  const Shape& shape = bound->sae->record.shape;
  if (shape.points_in != 1 || shape.points_out != 1 || shape.transcodes)
    throw UserError("sae:bind: this SAE does not reconstruct the rows of one hookpoint");
  bound->point = bound_point(L, *bound->sae, *bound->host);
  push_handle(L, bound);
  return 1;
}

// bound:logits { prompt, top }: of the last token.
int bound_logits(lua_State* L) {
  const auto bound = handle_for<BoundHandle>(L, 1, "bound:logits", "called on a bound SAE");
  const LogitsParams params =
      logits_schema().parse("bound:logits", method_table(L, 2, "bound:logits"));
  HostModel& host = *bound->host->host;
  Splice splice = splice_of(L, *bound);
  const std::vector<Hook> hooks = hooks_of(splice, *bound);
  const torch::NoGradGuard no_gradients;
  const std::lock_guard turn(host.turn());
  const Logits all =
      host.forward(prompt_of(params.prompt, host), hooks, {.logits = true, .last = true});
  const Tensor logits = all.value[0].cpu().to(torch::kFloat64), share = logits.log_softmax(0);
  const Tensor order = logits.argsort(/*stable=*/true, 0, /*descending=*/true);
  Value::Array out;
  for (int64_t i = 0; i < std::min(params.top, order.size(0)); ++i) {
    const std::array<int64_t, 1> id = {order[i].item<int64_t>()};
    out.push_back(Value::Table{{"token", host.text(id)},
                               {"id", id[0]},
                               {"logit", logits[id[0]].item<double>()},
                               {"log_probability", share[id[0]].item<double>()}});
  }
  push_value(L, out);
  return 1;
}

// bound:generate { prompt, max_tokens, temperature, top_p, seed }: the new text.
int bound_generate(lua_State* L) {
  const auto bound = handle_for<BoundHandle>(L, 1, "bound:generate", "called on a bound SAE");
  const GoOnParams params =
      go_on_schema().parse("bound:generate", method_table(L, 2, "bound:generate"));
  HostModel& host = *bound->host->host;
  Splice splice = splice_of(L, *bound);
  const std::vector<Hook> hooks = hooks_of(splice, *bound);
  Rng rng(static_cast<uint64_t>(params.seed), "lua/generate");
  const GenerateParams how{params.max_tokens, params.temperature, params.top_p};
  push_value(L, host.text(generate(host, prompt_of(params.prompt, host), hooks, how, rng)[0]));
  return 1;
}

}  // namespace facet::lua
