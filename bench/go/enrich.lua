-- Tests every latent of a folder of codes against every GO term.
local run = require("facet").run { name = "bench/go" }
local go  = run:analyze {
  type = "go_enrichment", on = run:encode { from = os.getenv("GO_BENCH_CODES"), format = "rep_saes" },
  gaf = "../../experiments/data/goa_human.gaf.zst", obo = "../../experiments/data/go-basic.obo.zst",
  scope = "latent", auroc = false, permuted_baseline = false,
}
print(("%d of %d latents have an enriched term"):format(go.enriched, go.live))
