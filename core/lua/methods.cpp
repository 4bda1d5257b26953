// The methods by kind of handle, and those that read rows.
#include "lua/methods.h"

#include <facet/torch.h>

#include <array>

#include "facet/schema.h"
#include "lua/live_handles.h"
#include "lua/values.h"

namespace facet::lua {
namespace {

struct Method {
  const char* kind;
  const char* name;
  lua_CFunction call;
};
constexpr Method kMethods[] = {
    {"host", "read", guard<host_read>},       {"activations", "take", guard<activations_take>},
    {"sae", "encode", guard<sae_encode>},     {"sae", "decode", guard<sae_decode>},
    {"sae", "loss", guard<sae_loss>},         {"sae", "bind", guard<sae_bind>},
    {"bound", "logits", guard<bound_logits>}, {"bound", "generate", guard<bound_generate>}};

struct ReadParams {
  std::string text;
  std::vector<std::string> hookpoints;
};

Schema<ReadParams> read_schema() {
  return Schema<ReadParams>()
      .field("text", &ReadParams::text, "What the host reads.", required)
      .field("hookpoints", &ReadParams::hookpoints, "Whose rows are kept, by name or alias.",
             required)
      .check([](const ReadParams& p) {
        return p.hookpoints.empty() ? "hookpoints: is empty" : std::string();
      });
}

std::vector<std::string> texts_of(const Tensor& ids, const HostModel& host) {
  std::vector<std::string> out;
  const Tensor list = ids.to(torch::kInt64).cpu();
  for (int64_t i = 0; i < list.size(0); ++i) {
    const std::array<int64_t, 1> id = {list[i].item<int64_t>()};
    out.push_back(host.text(id));
  }
  return out;
}

}  // namespace

lua_CFunction method_of(const std::string& kind, const std::string& name) {
  for (const Method& method : kMethods)
    if (kind == method.kind && name == method.name) return method.call;
  return nullptr;
}

std::vector<std::string> methods_of(const std::string& kind) {
  std::vector<std::string> out;
  for (const Method& method : kMethods)
    if (kind == method.kind) out.emplace_back(method.name);
  return out;
}

Value method_table(lua_State* L, int index, const std::string& method) {
  const Origin origin = place_of(L, 1);
  if (lua_isnoneornil(L, index)) {
    Value none{Value::Table()};
    none.origin = origin;
    return none;
  }
  if (!lua_istable(L, index))
    throw UserError(method + ": " + described(L, index) + ", should be one table");
  return to_value(L, index, origin, method);
}

// host:read { text = ..., hookpoints = { ... } }
int host_read(lua_State* L) {
  const auto host = handle_for<HostHandle>(L, 1, "host:read", "called on a host");
  const ReadParams params = read_schema().parse("host:read", method_table(L, 2, "host:read"));
  HostModel& model = *host->host;
  const std::array<std::string, 1> texts = {params.text};
  std::vector<Tensor> x(params.hookpoints.size());  // [n, d] each
  std::vector<Hook> hooks;
  auto block = std::make_shared<BlockHandle>();
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t at = hookpoint_index(model.info(), params.hookpoints[i]);
    hooks.push_back({model.info().points[at].name, [&, i](const Rows& rows) {
                       block->rows = rows;
                       x[i] = rows.x.clone();
                       return rows.x;
                     }});
  }
  const torch::NoGradGuard no_gradients;
  const std::lock_guard turn(model.turn());
  model.forward(model.tokenize(texts), hooks, {});
  block->rows.x = torch::stack(x, 1);
  block->tokens = texts_of(block->rows.token, model);
  push_handle(L, block);
  return 1;
}

// activations:take(n): the first rows of the sequential pass.
int activations_take(lua_State* L) {
  const auto rows = handle_for<RowsHandle>(L, 1, "activations:take", "called on activations");
  if (!lua_isinteger(L, 2) || lua_tointeger(L, 2) < 1)
    throw UserError(
        "activations:take: " + (lua_isnone(L, 2) ? std::string("nothing") : described(L, 2)) +
        ", should be a number of rows, at least 1");
  auto block = std::make_shared<BlockHandle>();
  block->rows = rows->stream->open(Order::sequential, 0)->next(lua_tointeger(L, 2));
  if (rows->host) block->tokens = texts_of(block->rows.token, *rows->host->host);
  push_handle(L, block);
  return 1;
}

}  // namespace facet::lua
