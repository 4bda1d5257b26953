-- Does each verb say in one line what is wrong with its call?
local facet  = require "facet"
local expect = require "expect"

expect.refusal(function() facet.run "name" end, 'facet.run: string "name", should be one table: facet.run { name = ... }')
expect.refusal(function() facet.run { nmae = "verbs" } end, 'run.nmae: unknown key (did you mean "name"?)')
expect.refusal(function() facet.run { "verbs", name = "verbs" } end, "run: a table with both names and numbers as keys, should be one or the other")
expect.refusal(function() return facet.rum end, 'facet.rum: no such field (did you mean "run"?), should be one of run, version')

local run = facet.run { name = "verbs", seed = 3 }
expect.refusal(function() facet.run() end, "facet.run: this script has a run already")

local host = run:host { type = "toy" }
local data = run:data { type = "fasta", path = "small.fasta", split = { eval = 0.5 } }
local rows = run:activations { host = host, data = data.train, hookpoints = "layers.1" }
local sae  = run:sae { type = "topk", on = rows, d_sae = 64, k = 4 }

-- The form of a call: one table of names, after a colon.
expect.refusal(function() run.host { type = "toy" } end, "run.host: a table where the run should be: write run:host { ... }")
expect.refusal(function() run.host() end, "run.host: nothing where the run should be: write run:host { ... }")
expect.refusal(function() run:data "small.fasta" end, 'run:data: string "small.fasta", should be one table: run:data { ... }')
expect.refusal(function() run:data(sae) end, "run:data: a handle from run:sae, should be one table: run:data { ... }")
expect.refusal(function() run:activations({ host = host }, { data = data }) end, "run:activations: 2 arguments, should be one table: run:activations { ... }")
expect.refusal(function() run:activations { host, data } end, "run:activations: a list, should be a table with names: run:activations { name = value }")
expect.refusal(function() run:train { sae = sae, on = rows, steps = 3, [true] = 1 } end, "train: a table with a key of type boolean, should be names, or 1, 2, 3 without holes")

-- Handles: the wrong one, none, or one where a value belongs.
expect.refusal(function() run:train { sae = rows, on = rows } end, "train.sae: a handle from run:activations, should be a handle from run:sae or a list of them")
expect.refusal(function() run:train { sae = sae, on = 3 } end, "train.on: number 3, should be a handle from run:activations")
expect.refusal(function() run:train { sae = sae, on = rows, eval_on = 3 } end, "train.eval_on: number 3, should be a handle from run:activations or a list of them")
expect.refusal(function() run:train { on = rows } end, "train.sae: required, a handle from run:sae")
expect.refusal(function() run:train { sae = {} } end, "train.sae: a table, should be a handle from run:sae or a list of them")
expect.refusal(function() run:train { sae = { sae, rows } } end, "train.sae[2]: a handle from run:activations, should be a handle from run:sae")
expect.refusal(function() run:train { sae = { sae, sae } } end, "train.sae: one of 2 has no name, should have: run:sae { name = ... }")
local twin = run:sae { name = "twin", type = "topk", on = rows, d_sae = 64, k = 4 }
expect.refusal(function() run:train { sae = { twin, twin } } end, 'train.sae: "twin" is trained already in this run; give each its own: run:sae { name = ... }')
expect.refusal(function() run:train { sae = sae } end, "train: exactly one of steps, total_rows, epochs must be set")
expect.refusal(function() run:streams { host = host, data = data } end, "activations: the manifest has none")
expect.refusal(function() run:saes { on = { rows } } end, "sae: the manifest has none")
expect.refusal(function() run:saes {} end, "saes.on: required, what run:streams gave")
expect.refusal(function() run:saes { on = rows, k = 3 } end, "saes.k: unknown key; each is written in the manifest, as [[sae]]")
expect.refusal(function() run:train { sae = sae, on = rows, lr = host } end, "train.lr: a handle from run:host, should be a plain value")
expect.refusal(function() run:train { sae = sae, on = rows, lr = print } end, "train.lr: a function, should be a plain value")
expect.refusal(function() run:train { sae = sae, on = rows, on_step = "loss" } end, 'train.on_step: string "loss", should be a function')
expect.refusal(function() run:activations { host = host } end, "activations.data: required, a handle from run:data")
expect.refusal(function() run:activations { data = data, hookpoints = "layers.1" } end, "activations.host: required, a handle from run:host")
expect.refusal(function() run:sae { type = "topk", d_sae = 8 } end, "sae.on: required, a handle from run:activations")
expect.refusal(function() run:encode { on = rows } end, "encode.sae: required, a handle from run:sae")
expect.refusal(function() run:encode { sae = sae } end, "encode.on: required, a handle from run:activations")
expect.refusal(function() run:analyze { type = "latents", on = host } end, "analyze.on: a handle from run:host, should be a handle from run:activations or run:encode")

-- Keys and values; all problems of a call at once.
expect.refusal(function() run:host { type = "tyo" } end, 'host.type: no host "tyo" (did you mean "toy"?)')
expect.refusal(function() run:data { path = "small.fasta" } end, 'data.type: required, should be one of "fasta", "jsonl", "synthetic", "text", "tsv"')
expect.refusal(function() run:data { type = "fasta", path = "small.fasta", split = { eval = 0.3 } } end, "data.split: eval is 0.3, should be 1/n for a whole n of at least 2 (1/3 = 0.333333)")
expect.refusal(function() run:sae { type = "topk", on = rows } end, "sae.d_sae: required")
expect.refusal(function() run:train { sae = sae, on = rows, stepz = 3, batch = "x", lr = 0 } end, 'train.stepz: unknown key (did you mean "steps"?)\ntrain.batch: expected integer, got string "x"\ntrain.lr: integer 0, must be above 0')
expect.refusal(function() run:encode { sae = sae, on = rows, pol = "mean" } end, 'encode.pol: unknown key (did you mean "pool"?)')

-- Codes of a folder: neither an SAE nor rows, and a format that facet reads.
expect.refusal(function() run:encode { sae = sae, on = rows, format = "rep_saes" } end, "encode.format: is set, but from is not")
expect.refusal(function() run:encode { from = "small.fasta" } end, 'encode.format: required beside from, should be "rep_saes"')
expect.refusal(function() run:encode { from = "small.fasta", format = "numpy" } end, 'encode.format: string "numpy", must be one of "rep_saes"')

-- What an analysis cannot do without.
expect.refusal(function() run:analyze { type = "metrics" } end, 'analysis: "metrics" needs an SAE: sae = run:sae { ... }\nanalysis: "metrics" needs rows: on = run:activations { ... }')
expect.refusal(function() run:analyze { type = "latents", sae = sae, on = rows } end, 'analysis: "latents" needs codes: on = run:encode { ... }')
expect.refusal(function() run:analyze { type = "metrix", on = rows } end, 'analysis.type: no analysis "metrix" (did you mean "metrics"?)')
expect.refusal(function() run:analyze_all { type = "latents", on = rows } end, "analyze_all.type: unknown key; each analysis is written in the manifest")
