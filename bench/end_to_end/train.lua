-- Trains the SAE, and nothing else.
local run  = require("facet").run()
local rows = run:activations { host = run:host(), data = run:data() }
local sae  = run:sae { on = rows }
run:train { sae = sae, on = rows }
