-- Trains the SAE of the example on rows of a known dictionary, and looks at it with the foreign analysis.
local run  = require("facet").run()
local rows = run:activations { data = run:data() }
local sae  = run:sae { on = rows }
run:train { sae = sae, on = rows }
run:analyze_all { sae = sae, on = run:encode { sae = sae, on = rows } }
