-- Looks at the contexts of an SAE's latents on held-out text, then doses some of them: every analysis of the manifest.
local run  = require("facet").run()                       -- the manifest this was started with
local host = run:host()
local rows = run:activations { host = host, data = run:data().eval }
local sae  = run:sae { on = rows }
run:analyze_all { on = run:encode { sae = sae, on = rows } }
