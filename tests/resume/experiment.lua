-- Every verb once, on a host small enough to be killed twenty times.
local run  = require("facet").run()
local host = run:host()
local data = run:data()
local rows = run:activations { host = host, data = data.train }
local sae  = run:sae { on = rows }
run:train {
  sae = sae, on = rows,
  on_step = function(m, state) state.sum = (state.sum or 0) + m.loss + math.random() * 0 end,
}
local codes = run:encode { sae = sae, on = rows }
run:analyze_all { on = codes }
