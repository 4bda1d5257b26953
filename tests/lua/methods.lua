-- What can a script ask an SAE about rows in memory, and of a host that it is spliced into?
local facet  = require "facet"
local expect = require "expect"

local run  = facet.run { name = "methods", seed = 3 }
local toy  = run:host { type = "toy" }
local data = run:data { type = "fasta", path = "small.fasta" }
local rows = run:activations { host = toy, data = data, hookpoints = "layers.1", normalize = "layer_norm" }
local sae  = run:sae { type = "topk", on = rows, d_sae = 16, k = 4 }

local function close(a, b, by) return math.abs(a - b) <= (by or 1e-5) end
local function count(row) local n = 0 for _ in pairs(row) do n = n + 1 end return n end

-- Rows in memory.
local block = rows:take(5)
expect.equal({ block.rows, block.points, block.d_in, #block.tokens }, { 5, 1, 32, 5 })
local read = toy:read { text = "MKV", hookpoints = { "layers.1", "final_norm.out" } }
expect.equal({ read.rows, read.points, table.concat(read.tokens) }, { 5, 2, "<cls>MKV<eos>" })
expect.equal({ tostring(block), block.rows }, { "rows in memory", 5 })

-- Codes are plain tables, and what they stand for comes back in the host's units.
local one   = toy:read { text = "MKV", hookpoints = { "layers.1" } }
local codes = sae:encode(one)
expect.equal({ #codes, count(codes[1]) }, { 5, 4 })
local all = sae:encode(one, { all = true })
expect.equal({ #all.codes, #all.input_mean, #all.input_std, #all.pre_activations[1] }, { 5, 5, 5, 16 })
for latent, value in pairs(all.codes[3]) do
  expect.equal(close(math.max(0, all.pre_activations[3][latent + 1]), value), true)
end
local crosscoder = run:sae {
  type = "crosscoder", d_sae = 8,
  on = run:activations { host = toy, data = data, hookpoints = "layers.{1..2}" },
}
expect.equal(crosscoder:encode(read, { all = true }).pre_activations, nil)
local decoded = sae:decode(codes, one)
expect.equal({ #decoded, #decoded[1] }, { 5, 32 })
local latent = next(codes[2])
codes[2][latent] = codes[2][latent] + 1
local moved = sae:decode(codes, one)
expect.equal({ moved[1][1] == decoded[1][1], moved[2][1] == decoded[2][1] }, { true, false })
expect.equal(sae:loss(one).mse > 0, true)

-- Bound into a host: with the error term nothing changes by itself.
local llama  = run:host { type = "llama", weights = "../golden/llama_tiny" }
local theirs = run:sae { from = "../golden/kl/saes/llama_topk_none" }
local prompt = "In the beginning God created the heaven"
local bound  = theirs:bind(llama)
expect.equal({ bound.hookpoint, tostring(bound) }, { "blocks.2.out", "a handle from sae:bind" })
local top = bound:logits { prompt = prompt, top = 2 }
expect.equal({ #top, top[1].id, close(top[1].logit, 14.9652, 1e-3) }, { 2, 202, true })
local alone = theirs:bind(llama, "blocks.2.out", { error_term = false }):logits { prompt = prompt }
expect.equal(close(alone[1].logit, 14.9652, 1e-2), false)

-- on_codes edits the codes of each token: the golden set of latent 148 to 8, BOS left alone.
local seen = {}
local steered = theirs:bind(llama, "blocks.2.out", { on_codes = function(z, row)
  seen[#seen + 1] = ("%d%s"):format(row.position, row.prompt and "p" or "")
  if row.position > 0 then z[148] = z[148] and 8 or nil end
end })
expect.equal(#steered:generate { prompt = prompt, max_tokens = 2 } > 0, true)
expect.equal({ #seen, seen[1], seen[#seen] }, { 14, "1p", "14" })
local silent = theirs:bind(llama, nil, { prompt_only = true, on_codes = function(z) z[148] = 8 end })
expect.equal(silent:generate { prompt = "The earth", max_tokens = 3 } ~= "", true)

-- What is refused.
expect.refusal(function() rows:take(0) end, "activations:take: number 0, should be a number of rows, at least 1")
expect.refusal(function() toy:read { text = "MKV" } end, "host:read.hookpoints: required")
expect.refusal(function() toy:read { text = "MKV", hookpoints = {} } end, "host:read.hookpoints: is empty")
expect.refusal(function() sae:encode(read) end, "sae:encode: rows of 2 hookpoints of width 32, should be 1 of 32")
expect.refusal(function() sae:encode(rows) end, "sae:encode: a handle from run:activations, should be rows from host:read or activations:take")
expect.refusal(function() sae.encode(rows) end, "sae:encode: a handle from run:activations, should be called on an sae")
expect.refusal(function() sae:decode() end, "sae:decode: nothing, should be the codes of sae:encode, a list of rows")
expect.refusal(function() sae:decode(codes) end, "sae:decode: the normaliser of this SAE (layer_norm) looks at each row by itself, should be with the rows as well: sae:decode(codes, rows)")
expect.refusal(function() sae:decode({ { [16] = 1 } }, one) end, "sae:decode: row 1: number 16 is no latent, should be 0 .. 15")
expect.refusal(function() sae:decode({ { [3] = "x" } }, one) end, 'sae:decode: row 1: latent 3: string "x", should be a number')
expect.refusal(function() sae:decode({ { [3] = 1 } }, one) end, "sae:decode: codes of 1 rows and 5 rows, should be as many")
expect.refusal(function() theirs:bind(llama, "blocks.1.out") end, "sae:bind: hookpoint: is blocks.1.out, this SAE belongs to blocks.2.out")
expect.refusal(function() theirs:bind(toy, "blocks.0.out") end, "sae:bind.sae: codes rows of width 64, blocks.0.out has 32")
expect.refusal(function() theirs:bind(toy) end, "sae:bind: hookpoint: nothing, should be the name of one")
expect.refusal(function() sae:bind(toy):generate { prompt = "MKV" } end, "generate: toy cannot generate text")
expect.refusal(function() bound:logits { } end, "bound:logits.prompt: required")
expect.refusal(function() toy:read("MKV") end, 'host:read: string "MKV", should be one table')
expect.refusal(function() sae:decode({ 1 }, one) end, "sae:decode: row 1: number 1, should be a table, latent -> value")
expect.refusal(function() theirs:bind(llama, {}) end, "sae:bind: hookpoint: a table, should be the name of one")
expect.refusal(function() theirs:bind(llama, nil, { on_codes = 3 }) end, "sae:bind: on_codes: number 3, should be a function")
local spoils = theirs:bind(llama, nil, { on_codes = function(z) z.x = 1 end })
expect.refusal(function() spoils:logits { prompt = prompt } end, 'on_codes: string "x" is no latent, should be 0 .. 255')

-- A transcoder's loss needs the target beside the input; it is not bound in the place of what it reads.
local both  = run:activations { host = toy, data = data, hookpoints = "blocks.0.out", target = "blocks.1.mlp.out" }
local coder = run:sae { type = "topk", on = both, d_sae = 16, k = 4 }
expect.equal(coder:loss(both:take(4)).mse > 0, true)
expect.equal(#coder:encode(one), 5)
expect.refusal(function() coder:loss(one) end, "sae:loss: rows without the target of this transcoder, should be from activations:take")
expect.refusal(function() coder:bind(toy) end, "sae:bind: this SAE does not reconstruct the rows of one hookpoint")
