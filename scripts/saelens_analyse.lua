-- Loads a trained SAE and looks at one sentence: the latents of each token, and what is lost on the way back.
local run  = require("facet").run()                       -- the manifest this was started with
local host = run:host()
local sae  = run:sae()
print(("%s: %d latents over rows of width %d"):format(sae.type, sae.d_sae, sae.d_in))

local sentence = "The capital of France is Paris"
local block = host:read { text = sentence, hookpoints = "layers.16" }
local codes = sae:encode(block).codes
local away  = block:distance(sae:decode(codes))
print(("%.1f latents a token"):format(codes.l0))

local lines = {}
for i, token in ipairs(block.tokens) do
  local first, length = {}, 0
  for rank, one in ipairs(codes:row(i)) do
    if rank <= 5 then first[#first + 1] = ("%d (%.2f)"):format(one.latent, one.value) end
  end
  for _, x in ipairs(block:row(i)) do length = length + x * x end
  lines[#lines + 1] = { token, table.concat(first, ", "), away[i], away[i] / math.sqrt(length) }
  print(("%-10s %s"):format(token, lines[#lines][2]))
end
run:table {
  name = "tokens", title = "The strongest latents of each token, and how far it comes back from where it was.",
  columns = {
    { name = "token", definition = "its text" },
    { name = "latents", definition = "the five largest codes: latent (value)" },
    { name = "error", definition = "Euclidean norm of the row less its reconstruction, in the host's units" },
    { name = "share", definition = "error divided by the row's own norm" },
  },
  rows = lines,
}
