-- Do rows come back from an SAE's codes as its own pass gives them, and is each wrong call refused?
local facet  = require "facet"
local expect = require "expect"

local run  = facet.run { name = "blocks", seed = 3 }
local host = run:host { type = "toy" }
local data = run:data { type = "fasta", path = "small.fasta", split = { eval = 0.5 } }
local rows = run:activations { host = host, data = data.train, hookpoints = "layers.1", normalize = "layer_norm" }
local wide = run:activations { host = host, data = data.train, hookpoints = "layers.{1..2}" }
local sae  = run:sae { type = "topk", on = rows, d_sae = 64, k = 4 }

local block = rows:take(40)
expect.refusal(function() sae:encode(block) end, "sae:encode: the SAE is not trained yet, should be after run:train")
expect.refusal(function() sae:bind(host) end, "sae:bind: the SAE is not trained yet, should be after run:train")
local last = run:train { sae = sae, on = rows, steps = 20, batch = 32 }

-- Blocks: the first rows of a stream, or a text with its specials.
local function near(a, b) return math.abs(a - b) < 1e-4 * (1 + math.abs(b)) end
expect.equal({ block.n, block.points, block.d, block.hookpoints, #block.tokens, #block:row(1) }, { 40, 1, 32, { "blocks.0.out" }, 40, 32 })
expect.equal({ rows:take(1000000).n % 30, rows:take(3).n }, { 0, 3 })
local text = host:read { text = "MKV", hookpoints = "layers.1" }
expect.equal({ text.n, text.tokens }, { 5, { "<cls>", "M", "K", "V", "<eos>" } })
expect.equal(host:read { text = "MKV", hookpoints = "layers.{1..2}" }.points, 2)
expect.equal(block:distance(block), (function() local zeros = {} for i = 1, 40 do zeros[i] = 0.0 end return zeros end)())

-- Codes and the way back.
local said = sae:encode(block, { all = true })
local codes, back = said.codes, sae:decode(said.codes)
expect.equal({ codes.rows, codes.d_sae, #codes:row(1) <= 4, #codes:top(3), back.n, back.d }, { 40, 64, true, 3, 40, 32 })
local sum, squares, error2 = 0, 0, 0
for _, x in ipairs(block:row(1)) do sum = sum + x end
for _, x in ipairs(block:row(1)) do squares = squares + (x - sum / 32) ^ 2 end
for i, x in ipairs(block:row(1)) do error2 = error2 + (x - back:row(1)[i]) ^ 2 end
expect.equal({ near(said.input_mean[1], sum / 32), near(said.input_std[1], math.sqrt(squares / 31)) }, { true, true })
expect.equal(near(block:distance(back)[1], math.sqrt(error2)), true)
local all = said.pre_activations
expect.equal({ all.rows, all.columns, #all:row(1) }, { 40, 64, 64 })
for _, one in ipairs(codes:row(1)) do
  expect.equal({ near(all:get(1, one.latent), one.value), near(codes:values(one.latent)[1], one.value) }, { true, true })
end
local best = codes:row(1)[1]
for latent = 0, 63 do
  if all:get(1, latent) > best.value + 1e-6 then error "a larger latent was not chosen" end
end
expect.equal(codes:top(1)[1].value >= best.value, true)

-- The same bits each time; an SAE's loss leaves it as it is.
local loss = sae:loss(block)
expect.equal({ near(loss.total, loss.mse), sae:loss(block).total == loss.total, loss.mse > 0, last.mse > 0 }, { true, true, true, true })
expect.equal(block:distance(sae:decode(sae:encode(block).codes)), block:distance(back))

-- Codes with other values.
local edited = codes:edited { { latent = best.latent, multiply = 2 } }
expect.equal({ near(edited:row(1)[1].value, 2 * best.value), edited:row(1)[1].latent }, { true, best.latent })
expect.equal(codes:edited { { latent = best.latent, ablate = true } }:values(best.latent)[1], 0.0)
expect.equal(codes:edited {}:row(1)[1].value, best.value)
expect.equal(sae:decode(edited):distance(back)[1] > 0, true)

-- Each wrong call in one line.
expect.refusal(function() sae.encode(block) end, "sae:encode: a handle from rows:take or host:read before the colon, should be called as sae:encode(block, { all = true })")
expect.refusal(function() sae:encode(rows) end, "sae:encode: block: a handle from run:activations, should be a handle from rows:take or host:read")
expect.refusal(function() sae:encode(block, 3) end, "sae:encode: keys: number 3, should be a table")
expect.refusal(function() sae:encode(block, { al = true }) end, 'sae:encode.al: unknown key (did you mean "all"?)')
expect.refusal(function() sae:encode(block, {}, 1) end, "sae:encode: 3 arguments, should be called as sae:encode(block, { all = true })")
expect.refusal(function() sae:encode(wide:take(3)) end, "sae:encode: the block has rows of 2 hookpoints of width 32, should be 1 hookpoint of width 32\nsae:encode: trained on blocks.0.out, the block is of blocks.0.out, final_norm.out")
expect.refusal(function() sae:encode(host:read { text = "MKV", hookpoints = "layers.2" }) end, "sae:encode: trained on blocks.0.out, the block is of final_norm.out")
local other = run:host { type = "toy", seed = 1 }
expect.refusal(function() sae:encode(other:read { text = "MKV", hookpoints = "layers.1" }) end, "sae:encode: trained on host weights toy d=32 blocks=2 heads=4 seed=0, the block is of toy d=32 blocks=2 heads=4 seed=1")
expect.refusal(function() sae:decode(block) end, "sae:decode: codes: a handle from rows:take or host:read, should be a handle from sae:encode")
local twin = run:sae { name = "twin", type = "topk", on = rows, d_sae = 64, k = 4 }
expect.refusal(function() twin:decode(codes) end, "sae:decode: codes: another SAE gave them, should be of this one")
expect.refusal(function() sae:loss() end, "sae:loss: block: nothing, should be a handle from rows:take or host:read")
expect.refusal(function() rows:take(0) end, "rows:take: is 0, should be at least 1")
expect.refusal(function() rows:take "3" end, 'rows:take: n: string "3", should be an integer')
expect.refusal(function() host:read { text = "MKV" } end, "host:read.hookpoints: required")
expect.refusal(function() block:row(41) end, "block:row: row: is 41, should be 1 .. 40")
expect.refusal(function() block:row(1, 2) end, "block:row: point: is 2, should be 1 .. 1")
expect.refusal(function() block:distance(text) end, "block:distance: the other has 5 rows of 1 x 32, should be 40 rows of 1 x 32 as this one")
expect.refusal(function() codes:values(64) end, "codes:values: latent: is 64, should be 0 .. 63 (d_sae is 64)")
expect.refusal(function() all:get(1, -1) end, "matrix:get: latent: is -1, should be 0 .. 63 (d_sae is 64)")
expect.refusal(function() codes:edited { { latent = 64, set = 1 } } end, "codes:edited: edits[1]: latent: is 64, should be 0 .. 63 (d_sae is 64)")
expect.refusal(function() codes:edited { { latent = 3 } } end, "codes:edited: edits[1]: exactly one of set, add, subtract, multiply, divide, ablate, add_direction must be set")
expect.refusal(function() codes:edited { { latent = 3, set = 1 }, { latent = 3, add = 1 } } end, "codes:edited: edits[2]: latent 3 is edited already, should be once")
expect.refusal(function() codes:edited { { latent = 3, divide = 0 } } end, "codes:edited: edits[1].divide: must not be 0")
expect.refusal(function() codes:edited { latent = 3, set = 1 } end, "codes:edited: edits: is table of 2 keys, should be a list: { { latent = 12, set = 4.0 } }")
expect.refusal(function() codes:edited { { latent = 3, add_direction = 1 } } end, "codes:edited: edits: add_direction changes rows, not codes; should be add")

-- Bound to a host that is no causal language model.
local bound = sae:bind(host, "layers.1", { error_term = false })
expect.equal(bound.hookpoints, { "blocks.0.out" })
expect.refusal(function() bound:next("MKV", 3) end, "bound:next: toy says no next token, should be a causal language model")
expect.refusal(function() bound:generate { prompt = "MKV" } end, "generate: toy cannot generate text")
expect.refusal(function() sae:bind(host, "layers.2") end, "sae:bind: splice: at final_norm.out: this SAE reconstructs blocks.0.out")
expect.refusal(function() sae:bind(other, "layers.1") end, "sae:bind.host: weights: the SAE was trained on toy d=32 blocks=2 heads=4 seed=0, this host has toy d=32 blocks=2 heads=4 seed=1")
expect.refusal(function() sae:bind(host, 3) end, "sae:bind: hookpoint: integer 3, should be the name of a hookpoint, or a list of names")
expect.refusal(function() sae:bind(host, "layers.1", { edits = { { latent = 99, set = 1 } } }) end, "sae:bind: edits[1]: latent: is 99, should be 0 .. 63 (d_sae is 64)")
expect.refusal(function() sae:bind(host, "layers.1", { prompt = true }) end, "sae:bind.prompt: unknown key")
