-- Do several SAEs of a manifest learn together, each on its rows, with held-out rows of its own stream?
local expect = require "expect"
local run    = require("facet").run()
local host   = run:host()
local data   = run:data()

local rows     = run:streams { host = host, data = data.train }
local held_out = run:streams { host = host, data = data.eval }
expect.equal({ #rows, rows[1].name, rows.late.name, rows.late.hookpoints[1] }, { 2, "early", "late", "blocks.1.in" })

-- The manifest's line says what is wrong.
expect.equal({ pcall(function() run:sae { name = "narrow", on = rows.late } end) },
             { false, 'collection.toml:25:1: sae.on: string "early", is given the rows of "late"' })
expect.equal({ pcall(function() run:saes { on = rows.late } end) },
             { false, 'collection.toml:25:1: sae.on: string "early", should be one of "late"' })
local saes = run:saes { on = rows }
expect.equal({ #saes, saes[1].name, saes[1].stream, saes[2].stream }, { 4, "narrow", "early", "late" })
expect.equal({ saes[3].name, saes[4].name, saes[4].stream }, { "again-4", "again-5", "late" })
expect.equal({ pcall(function() run:sae { name = "again", on = rows.late } end) },
             { false, "collection.toml:43:9: sae.seeds: is for run:saes, which makes several; run:sae takes seed" })

expect.refusal(function() run:train { sae = saes } end, "train.eval_on: required with train.eval_every, a handle from run:activations on held-out data: eval_on = held_out")
expect.refusal(function() run:train { sae = saes, eval_on = { rows.early, rows.early } } end, 'train.eval_on: none of 2 is of the stream "late", which "wide" learns from')

local seen = {}
local last = run:train {
  sae = saes, eval_on = held_out,
  on_step = function(m, state)
    state.steps = (state.steps or 0) + 1
    seen[m.sae] = state.steps
    return m.sae == "wide" or m.step < 6      -- one ends early, the other does not
  end,
}
expect.equal({ seen.narrow, seen.wide, last.narrow.steps, last.wide.steps }, { 6, 10, 6, 10 })
expect.equal({ last.narrow.best.step, last.wide.best.figure }, { 5, "nmse" })
for _, sae in ipairs(saes) do
  local codes = run:encode { sae = sae, on = held_out[sae.stream] }
  expect.equal(codes.d_sae, sae.d_sae)
end
expect.equal(last["again-4"].loss ~= last["again-5"].loss, true)

-- A table of the script's own.
local columns = { { name = "sae", definition = "name of the SAE" }, { name = "loss", definition = "weighted sum of the last step" } }
run:table { name = "losses", title = "How they ended.", columns = columns, rows = { { "narrow", last.narrow.loss }, { "wide", 0.5 } } }
expect.refusal(function() run:table { name = "losses", title = "Again.", columns = columns, rows = { { "a", 1 } } } end, 'table.name: "losses" is the name of another table')
expect.refusal(function() run:table { name = "a/b", title = "x", columns = columns, rows = { { "a", 1 } } } end, "table.name: should be letters, digits, - and _ only")
expect.refusal(function() run:table { name = "short", title = "x", columns = columns, rows = { { "a" } } } end, "table.rows[1]: has 1 values, should have 2, one for each column")
expect.refusal(function() run:table { name = "odd", title = "x", columns = { "sae" }, rows = { { "a" } } } end, 'table.columns[1]: is string "sae", should be { name = text, definition = text }')
expect.refusal(function() run:table { name = "deep", title = "x", columns = columns, rows = { { "a", { 1 } } } } end, "table.rows[1]: has list of 1, should have numbers and texts")
expect.refusal(function() run:table { name = "none", title = "x", columns = columns, rows = {} } end, "table.rows: is table of 0 keys, should be a list with an entry")
expect.refusal(function() run:table { title = "x", columns = columns } end, "table.name: required\ntable.rows: required")
expect.refusal(function() run:train { sae = saes[2] } end, 'train.sae: "wide" is trained already in this run; give each its own: run:sae { name = ... }')
