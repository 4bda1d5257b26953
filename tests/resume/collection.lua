-- Every SAE of the manifest together, each encoded on the held-out part of its own rows.
local run  = require("facet").run()
local host = run:host()
local data = run:data()
local rows = run:streams { host = host, data = data.train }
local saes = run:saes { on = rows }
run:train { sae = saes }
local held_out = run:streams { host = host, data = data.eval }
for _, sae in ipairs(saes) do run:encode { sae = sae, on = held_out[sae.stream] } end
