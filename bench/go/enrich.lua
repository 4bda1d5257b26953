-- Tests every latent of a folder of codes against every GO term.
local run = require("facet").run()
local go  = run:analyze_all { on = run:encode {} }.go_enrichment
print(("%d of %d latents have an enriched term"):format(go.enriched, go.live))
