-- Does an SAE that is bound to a language model change what it says, and only where it should?
local facet  = require "facet"
local expect = require "expect"

local run  = facet.run { name = "bound", seed = 3 }
local host = run:host { type = "llama", weights = "../golden/llama_tiny" }
local data = run:data { type = "text", path = "verbs.lua" }
local rows = run:activations { host = host, data = data, hookpoints = "layers.1" }
local sae  = run:sae { type = "topk", on = rows, d_sae = 64, k = 4 }
run:train { sae = sae, on = rows, steps = 20, batch = 32 }

local prompt = "local run = facet"
local codes  = sae:encode(host:read { text = prompt, hookpoints = "layers.1" }).codes
local latent = codes:top(1)[1].latent
local function bound(keys) return sae:bind(host, "layers.1", keys) end
local function first(keys) return bound(keys):next(prompt, 1)[1] end

-- Without an edit the error term leaves the host as it is, bit for bit.
local plain = first {}
expect.equal({ plain.probability == plain.clean, plain.probability > 0 }, { true, true })
local clean = bound {}:generate { prompt = prompt, max_tokens = 6 }
expect.equal(type(clean), "string")

-- The reconstruction alone, another length of it, edited values, a direction: each changes it.
for _, keys in ipairs { { error_term = false }, { scaled = 0.5 }, { edits = { { latent = latent, multiply = 8 } } },
                        { edits = { { latent = latent, ablate = true } } }, { edits = { { latent = latent, add_direction = 50 } } } } do
  local one = first(keys)
  expect.equal(one.probability ~= one.clean, true)
end
expect.equal(first { edits = { { latent = latent, multiply = 1 } } }.token, plain.token)
expect.equal(#bound {}:next(prompt, 5), 5)

-- A logit, with the SAE and without.
local token = plain.token
local logit = bound { edits = { { latent = latent, add_direction = 50 } } }:logit(prompt, token)
expect.equal({ logit.bound ~= logit.clean, bound {}:logit(prompt, token).bound == logit.clean }, { true, true })

-- prompt_only: what is generated is not edited any more, but follows an edited prompt.
local strong = { { latent = latent, add_direction = 500 } }
local both   = bound { edits = strong }:generate { prompt = prompt, max_tokens = 12 }
expect.equal(both, bound { edits = strong }:generate { prompt = prompt, max_tokens = 12 })
expect.equal(first { edits = strong }.probability, first { edits = strong, prompt_only = true }.probability)
expect.equal(bound { edits = strong, prompt_only = true }:generate { prompt = prompt, max_tokens = 12 } ~= both, true)
local drawn = { prompt = prompt, max_tokens = 12, temperature = 1.5, seed = 1 }
expect.equal(bound {}:generate(drawn), bound {}:generate(drawn))

expect.refusal(function() bound {}:logit(prompt, "facet run") end, 'bound:logit: token: "facet run" is 5 tokens of llama, should be one')
local bare = run:host { type = "llama", weights = "../golden/llama_tiny", bos = "off" }
expect.refusal(function() bare:read { text = "", hookpoints = "layers.1" } end, 'host:read: text: "" has no token')
expect.refusal(function() bound {}:generate {} end, "bound:generate.prompt: required")
expect.refusal(function() bound { error_term = false, splice_from = "clean" }:generate { prompt = prompt } end, 'bound:generate: splice_from is "clean" or the SAE reads several hookpoints at once, so each new token would need a pass of the host by itself; should be an SAE of one hookpoint, live')
