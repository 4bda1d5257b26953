-- Trains on rows that need no host, and asks both analyses of the manifest.
local expect = require "expect"
local run = require("facet").run()

local data = run:data()
local rows = run:activations { data = data }
local sae  = run:sae { on = rows }
local seen = {}
local last = run:train {
  sae = sae, on = rows,
  on_step = function(m, state)
    state.steps = (state.steps or 0) + 1
    seen[#seen + 1] = m.loss
    expect.equal({ m.step, m.rows }, { state.steps, 128 * state.steps })
  end,
}
expect.equal({ #seen, last.steps, last.loss == seen[#seen], seen[#seen] < seen[1] }, { 30, 30, true, true })

local all = run:analyze_all { sae = sae, on = rows }
expect.equal({ all.metrics.l0, all.bare.l0, all.metrics.nmse == all.bare.nmse, all.bare.rows }, { 4.0, 4.0, true, 4096 })
expect.equal(all.metrics.mcc > 0 and all.metrics.mcc <= 1, true)
