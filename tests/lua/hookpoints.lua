-- Where can rows be read: by name, alias, range, glob, list and function?
local facet  = require "facet"
local expect = require "expect"

local run  = facet.run { name = "hookpoints" }
local host = run:host { type = "toy" }
local data = run:data { type = "fasta", path = "small.fasta" }

local function points(hookpoints)
  return run:activations { host = host, data = data, hookpoints = hookpoints }.hookpoints
end

expect.equal(points "blocks.1.mlp.out", { "blocks.1.mlp.out" })
expect.equal(points "layers.0", { "embeddings" })
expect.equal(points { "final_norm.out", "layers.1", "layers.1" }, { "blocks.0.out", "final_norm.out" })
expect.equal(points "layers.{0..1}", { "embeddings", "blocks.0.out" })
expect.equal(points "layers.*", { "embeddings", "blocks.0.out", "final_norm.out" })
expect.equal(points "blocks.?.attn.out", { "blocks.0.attn.out", "blocks.1.attn.out" })
expect.equal(points "middle_half", { "embeddings", "blocks.0.out" })

-- A function is asked of every point, in the order of their names, with what is known of it.
local asked = {}
expect.equal(points(function(name, info)
  asked[#asked + 1] = name
  return info.block == 1 and info.width == host.d_model and name:find "mlp"
end), { "blocks.1.mlp.out" })
expect.equal(asked, { "blocks.0.attn.out", "blocks.0.in", "blocks.0.mlp.out", "blocks.0.out", "blocks.1.attn.out",
                      "blocks.1.in", "blocks.1.mlp.out", "blocks.1.out", "embeddings", "final_norm.out" })
expect.equal(points(function(_, info) return info.alias == "layers.2" end), { "final_norm.out" })

local function add(hookpoints) run:activations { host = host, data = data, hookpoints = hookpoints } end
local function refusal(hookpoints, text)
  local _, is = pcall(add, hookpoints)
  expect.equal(is, ("hookpoints.lua:%d: activations.hookpoints: %s"):format(debug.getinfo(add, "S").linedefined, text))
end
refusal("layers.9", 'toy: no hookpoint "layers.9" (did you mean "layers.0"?)')
refusal("blocks.*.mpl", 'toy: no hookpoint matches "blocks.*.mpl"')
refusal("layers.{2..1}", '"layers.{2..1}" is no range, should be like "layers.{4..12}"')
refusal({ 1 }, "expected string or list of string, got integer 1")
refusal(nil, "required")
refusal(function() return false end, "the function chose none of 10 hookpoints")
