// Bodies of blocks.
#include "run/block.h"

#include "facet/torch.h"

#include <array>

#include "host/hookpoints.h"

namespace facet {
namespace {

std::string sizes_text(const Tensor& x) {
  return std::to_string(x.size(0)) + " rows of " + std::to_string(x.size(1)) + " x " +
         std::to_string(x.size(2));
}

}  // namespace

std::vector<std::string> Block::tokens() const {
  std::vector<std::string> out;
  if (!host) return out;
  for (int64_t i = 0; i < rows.size(); ++i) {
    const std::array<int64_t, 1> id = {rows.token[i].item<int32_t>()};
    out.push_back(host->host->text(id));
  }
  return out;
}

Block take_rows(const RowsHandle& rows, int64_t n) {
  if (n < 1) throw UserError("rows:take: is " + std::to_string(n) + ", should be at least 1");
  const torch::NoGradGuard no_grad;
  const auto source = rows.stream->open(Order::sequential, 0);
  Block out{source->next(n), rows.stream->points(), rows.host};
  if (out.rows.size() == 0) throw UserError("rows:take: these activations have no rows");
  out.rows.x = out.rows.x.cpu();
  return out;
}

Tokens prompt_tokens(const HostModel& host, const std::string& text, const std::string& where) {
  const std::array<std::string, 1> texts = {text};
  const std::lock_guard turn(host.turn());
  Tokens tokens = host.tokenize(texts);
  if (tokens.id.size(0) == 0) throw UserError(where + ": \"" + text + "\" has no token");
  tokens.flag = tokens.flag.bitwise_or(kPrompt);
  return tokens;
}

Block read_text(std::shared_ptr<HostHandle> host, const std::string& text,
                const Value& hookpoints) {
  HostModel& model = *host->host;
  Block out;
  out.hookpoints = select_hookpoints(model.info(), hookpoints, "host:read: hookpoints");
  const int64_t width = model.info().points[hookpoint_index(model.info(), out.hookpoints[0])].width;
  for (const std::string& point : out.hookpoints)
    if (const int64_t its = model.info().points[hookpoint_index(model.info(), point)].width;
        its != width)
      throw UserError("host:read: hookpoints: " + out.hookpoints[0] + " has width " +
                      std::to_string(width) + " and " + point + " " + std::to_string(its) +
                      ", should be equal");
  Tokens tokens = prompt_tokens(model, text, "host:read: text");
  tokens.flag = tokens.flag.bitwise_and(kSpecial | kPad);
  std::vector<Tensor> x(out.hookpoints.size());  // [t, d] each
  std::vector<Hook> hooks;
  for (size_t i = 0; i < x.size(); ++i)
    hooks.push_back({out.hookpoints[i], [&x, &out, i](const Rows& seen) {
                       x[i] =
                           seen.x.detach().to(torch::kCPU, /*non_blocking=*/false, /*copy=*/true);
                       out.rows = seen;
                       return seen.x;
                     }});
  const torch::NoGradGuard no_grad;
  const std::lock_guard turn(model.turn());
  model.forward(tokens, hooks, {});
  out.rows.x = torch::stack(x, 1);
  out.host = std::move(host);
  return out;
}

Tensor distances(const Block& a, const Block& b) {
  if (a.rows.x.sizes() != b.rows.x.sizes())
    throw UserError("block:distance: the other has " + sizes_text(b.rows.x) + ", should be " +
                    sizes_text(a.rows.x) + " as this one");
  const Tensor apart = a.rows.x.to(torch::kFloat32) - b.rows.x.to(torch::kFloat32);
  return apart.flatten(1).norm(2, 1);
}

}  // namespace facet
