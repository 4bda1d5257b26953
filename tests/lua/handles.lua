-- What does a script see of its handles?
local facet  = require "facet"
local expect = require "expect"

local run  = facet.run { name = "handles", seed = 3 }
local host = run:host { type = "toy" }
local data = run:data { type = "fasta", path = "small.fasta", split = { eval = 0.5 } }
local rows = run:activations { host = host, data = data.train, hookpoints = "layers.{1..2}" }
local one  = run:activations { host = host, data = data.eval, hookpoints = "layers.1" }
local sae  = run:sae { type = "topk", on = one, d_sae = 2 * one.d_in, k = 4 }

expect.equal(run.seed, 3)
expect.equal(#run.id, 12)
expect.equal(run.folder:sub(-12), run.id)
expect.equal({ host.type, host.layers, host.d_model, host.vocabulary }, { "toy", 2, 32, 32 })
expect.equal({ host.hookpoints[1], host.hookpoints[#host.hookpoints] }, { "embeddings", "final_norm.out" })
expect.equal(rows.hookpoints, { "blocks.0.out", "final_norm.out" })
expect.equal({ one.d_in, one.points }, { 32, 1 })
expect.equal({ sae.type, sae.d_sae, sae.d_in, sae.folder }, { "topk", 64, 32, "" })

local codes = run:encode { sae = sae, on = one }
expect.equal({ codes.d_sae, codes.rows % 30, #codes.key }, { 64, 0, 64 })

-- A field that is not there is an error, never a silent nil; and nothing can be set.
expect.refusal(function() return run.trian end, 'run.trian: no such field (did you mean "train"?), should be one of id, folder, seed, host, data, activations, sae, streams, saes, train, baselines, encode, analyze, analyze_all, table')
expect.refusal(function() return host.layer end, 'host.layer: no such field (did you mean "layers"?), should be one of context, d_model, hookpoints, layers, type, vocabulary, read')
expect.refusal(function() return data.path end, "data.path: no such field, should be one of train, eval")
expect.refusal(function() return rows.width end, "activations.width: no such field, should be one of d_in, hookpoints, name, points, target, take")
expect.refusal(function() return sae.d_sea end, 'sae.d_sea: no such field (did you mean "d_sae"?), should be one of d_in, d_sae, folder, name, stream, type, encode, decode, loss, bind')
expect.refusal(function() return codes.row end, 'codes.row: no such field (did you mean "rows"?), should be one of d_sae, key, rows')
expect.refusal(function() return rows[1] end, "activations: has named fields only, asked for number 1")
expect.refusal(function() sae.k = 8 end, "sae.k: cannot be set; a handle is read only")
expect.refusal(function() run.seed = 8 end, "run.seed: cannot be set; a handle is read only")

-- No addresses, which would tell one run from the next; no way to a handle's inside.
expect.equal({ tostring(run), tostring(sae), tostring(codes) }, { "the run itself", "a handle from run:sae", "a handle from run:encode" })
expect.equal(getmetatable(sae), "sae")

local whole = run:data { type = "fasta", path = "small.fasta" }
expect.refusal(function() return whole.train end, "data.split: is not set, so there is no train part; set split = { eval = 0.05 }")
