-- Trains the SAE that a manifest describes and its baselines, and runs every analysis on the held-out part.
local run  = require("facet").run()               -- the manifest this was started with
local host = run:host()
local data = run:data()

local rows     = run:activations { host = host, data = data.train }
local held_out = run:activations { host = host, data = data.eval }

local sae = run:sae { on = rows }
run:train { sae = sae, on = rows, eval_on = held_out }

local figures = run:analyze_all { on = run:encode { sae = sae, on = held_out } }
for _, plain in ipairs(run:baselines { like = sae, on = rows }) do
  run:analyze_all { on = run:encode { sae = plain, on = held_out } }
end
print(("NMSE %.4f with %.1f latents a residue"):format(figures.metrics.nmse, figures.metrics.l0))
