-- Trains the SAE that a manifest describes, encodes the held-out part, and runs every analysis on it.
local run  = require("facet").run()               -- the manifest this was started with
local host = run:host()
local data = run:data()

local rows     = run:activations { host = host, data = data.train }
local held_out = run:activations { host = host, data = data.eval }

local sae = run:sae { on = rows }
run:train { sae = sae, on = rows }

local figures = run:analyze_all { on = run:encode { sae = sae, on = held_out } }
print(("NMSE %.4f with %.1f latents a residue"):format(figures.metrics.nmse, figures.metrics.l0))
