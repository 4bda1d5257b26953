-- Is Lua without chance, and without a door to its surroundings?
local facet  = require "facet"
local expect = require "expect"

local order = {}
for key in pairs { z = 1, a = 1, B = 1, [10] = 1, [2] = 1, [-1] = 1, [1.5] = 1, [true] = 1, [false] = 1 } do order[#order + 1] = key end
expect.equal(order, { -1, 1.5, 2, 10, "B", "a", "z", false, true })

local all = {}
for i = 1, 300 do all[("key %03d"):format(i * 7 % 300)] = i end
local last = ""
for key in pairs(all) do
  expect.equal(last < key, true)
  last = key
  all[key] = nil -- a key may be taken away while the table is walked
end
expect.equal(next(all), nil)

local walked, key = {}, next { b = 1, a = 2 }
while key do
  walked[#walked + 1] = key
  key = next({ b = 1, a = 2 }, key)
end
expect.equal(walked, { "a", "b" })

local proxy = setmetatable({}, { __pairs = function() return next, { x = 1 }, nil end })
for k, v in pairs(proxy) do expect.equal({ k, v }, { "x", 1 }) end

-- math.random draws from the run's seed.
local function draws() return { math.random(), math.random(10), math.random(5, 6), math.random(-3, 3) } end
math.randomseed(7)
local first = draws()
math.randomseed(7)
expect.equal(draws(), first)
facet.run { name = "deterministic", seed = 7 }
expect.equal(draws(), first)
for _ = 1, 100 do
  local x, n = math.random(), math.random(3)
  expect.equal({ x >= 0 and x < 1, n >= 1 and n <= 3 }, { true, true })
end

local function refused(call, text, ...)
  local _, is = pcall(call, ...)
  expect.equal(is, text)
end
refused(pairs, "pairs: a key of type table has no fixed order", { [{}] = 1 })
refused(math.randomseed, "math.randomseed: a seed is required; a run has no chance of its own")
refused(math.random, "bad argument #2 to 'math.random' (interval is empty)", 3, 2)
refused(os.getenv, "os.getenv: only there under --unsafe: a run must not depend on its surroundings", "HOME")
refused(os.execute, "os.execute: only there under --unsafe: a run must not depend on its surroundings", "true")
refused(io.popen, "io.popen: only there under --unsafe: a run must not depend on its surroundings", "true")
refused(os.exit, "os.exit: a run ends by its script's end or by an error")
