-- One independent SAE for each layer of the host, all on the same passes; every analysis of each on the held-out part.
local run  = require("facet").run()               -- the manifest this was started with
local host = run:host()
local data = run:data()

local saes, held_out = {}, {}
for layer = 0, host.layers - 1 do
  local point = ("blocks.%d.out"):format(layer)
  local name  = ("layer_%02d"):format(layer + 1)
  local rows = run:activations { name = name, host = host, data = data.train, hookpoints = point }
  held_out[name] = run:activations { name = name, host = host, data = data.eval, hookpoints = point }
  saes[#saes + 1] = run:sae { name = name, on = rows }
end
run:train { sae = saes }

for _, sae in ipairs(saes) do
  local figures = run:analyze_all { on = run:encode { sae = sae, on = held_out[sae.stream] } }
  print(("%s: NMSE %.4f"):format(sae.name, figures.metrics.nmse))
end
