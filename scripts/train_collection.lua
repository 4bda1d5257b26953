-- Trains every SAE that a manifest describes on shared passes of the host, and runs every analysis of each on the held-out part.
local run  = require("facet").run()               -- the manifest this was started with
local host = run:host()
local data = run:data()

local rows     = run:streams { host = host, data = data.train }
local held_out = run:streams { host = host, data = data.eval }

local saes = run:saes { on = rows }
run:train { sae = saes }

for _, sae in ipairs(saes) do
  local figures = run:analyze_all { on = run:encode { sae = sae, on = held_out[sae.stream] } }
  print(("%s: NMSE %.4f with %.1f latents a row"):format(sae.name, figures.metrics.nmse, figures.metrics.l0))
end
