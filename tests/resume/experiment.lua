-- Every verb once, on a host small enough to be killed twenty times.
local run  = require("facet").run()
local host = run:host()
local data = run:data()
local rows = run:activations { host = host, data = data.train }
local held_out = run:activations { host = host, data = data.eval }
local sae  = run:sae { on = rows }
run:train {
  sae = sae, on = rows, eval_on = held_out,
  on_step = function(m, state) state.sum = (state.sum or 0) + m.loss * math.random() end,
}
print(("%.17g"):format(math.random()))   -- the script's own stream: on_step does not move it
local codes = run:encode { sae = sae, on = rows }
run:analyze_all { on = codes }
