-- Trains a protein-level SAE, asks the Gene Ontology what its latents mark, and asks the same of its baselines.
local run  = require("facet").run()                  -- the manifest this was started with
local data = run:data()

-- Every analysis of the manifest, over all proteins.
local function explain(sae, rows) return run:analyze_all { on = run:encode { sae = sae, on = rows } }.go_enrichment end

local function learn(name, host)
  local rows = run:activations { host = host, data = data }
  local sae  = run:sae { name = name, on = rows }
  run:train { sae = sae, on = rows }
  return sae, rows
end

local sae, rows = learn("sae", run:host())
local found     = explain(sae, rows)
local compared  = { { "SAE", found } }
for _, plain in ipairs(run:baselines { like = sae, on = rows }) do
  compared[#compared + 1] = { plain.type == "identity" and "neurons of the host" or plain.type .. " SAE", explain(plain, rows) }
end
compared[#compared + 1] = { "SAE on a random host", explain(learn("random_host", run:host { random_weights = run.seed })) }

local lines = {}
for _, one in ipairs(compared) do
  local name, go = table.unpack(one)
  lines[#lines + 1] = { name, go.live, go.enriched, go.enriched_share, go.median_terms, go.median_ic, go.terms_covered }
end
lines[#lines + 1] = { "SAE, labels permuted", found.live, found.enriched_permuted, found.enriched_share_permuted, "", "", "" }

run:table {
  name = "go_baselines", title = "Latents with an enriched GO term, beside four baselines.",
  columns = {
    { name = "what", definition = "whose latents; permuted: the same latents after proteins changed places within classes of length" },
    { name = "live", definition = "latents with a protein, by the rule of go_enrichment" },
    { name = "enriched", definition = "of them those with an enriched term (the test stands with go_enrichment)" },
    { name = "enriched_share", definition = "enriched / live" },
    { name = "median_terms", definition = "median over the enriched latents of their enriched terms" },
    { name = "median_ic", definition = "median over the enriched latents of the largest information content of their terms" },
    { name = "terms_covered", definition = "terms that are enriched in some latent" },
  },
  rows = lines,
}
print(("%d of %d live latents have an enriched GO term; by chance %d"):format(found.enriched, found.live, found.enriched_permuted))
