-- Trains a custom SAE and prints the four figures that SAELens' guide asks of one.
local run  = require("facet").run()                       -- the manifest this was started with
local host = run:host()
local text = run:data()
local rows = run:activations { host = host, data = text.train }
local held_out = run:activations { host = host, data = text.eval }

local sae = run:sae { on = rows }
run:train {
  sae = sae, on = rows,
  on_step = function(m)
    if m.step % 40 == 0 then print(("step %3d: loss %.2f, L0 %.1f, dead %.3f"):format(m.step, m.loss, m.l0, m.dead)) end
  end,
}

local found = run:analyze_all { sae = sae, on = held_out }
print(("L0 %.1f   CE loss score %.3f   dead %.3f   explained variance %.3f"):format(
  found.metrics.l0, found.kl_eval.ce_score_saelens, found.metrics.dead, found.metrics.explained_variance))
print("the SAE, in SAELens' layout: " .. sae.folder)
