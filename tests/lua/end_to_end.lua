-- Does an SAE learn from what its host says with it in place?
local expect = require "expect"
local run    = require("facet").run { name = "end_to_end", seed = 4 }
local host   = run:host { type = "toy" }
local data   = run:data { type = "fasta", path = "small.fasta" }
local rows   = run:activations { host = host, data = data, hookpoints = "blocks.1.in", rows = "all", batch_tokens = 512 }

local function losses_of(sae, form, more)
  local first, last
  local given = {
    sae = sae, on = rows, steps = 60, batch = 256, lr = 1e-2, warmup = 0, decay = 0, end_to_end = form,
    on_step = function(m) first, last = first or m, m end,
  }
  for key, value in pairs(more or {}) do given[key] = value end
  run:train(given)
  return first, last
end

-- What copies its rows changes nothing of what the host says.
local first = losses_of(run:sae { name = "identity", type = "identity", on = rows }, "kl")
expect.equal({ first.kl, first.loss }, { 0.0, 0.0 })

-- Both losses fall, and stand in the place of the SAE's own error unless that is kept.
for form, key in pairs { kl = "l1", ce = "l1" } do
  local sae = run:sae { name = form, type = "relu", on = rows, d_sae = 64, l1_coefficient = 1e-4 }
  local first, last = losses_of(sae, form)
  if not (last[form] < 0.9 * first[form]) then error(("%s: %g became %g"):format(form, first[form], last[form])) end
  expect.equal({ first.mse == nil, first[key] ~= nil }, { true, true })
end
local both = losses_of(run:sae { name = "both", type = "topk", on = rows, d_sae = 64, k = 8 }, "kl",
                       { steps = 3, end_to_end_error = true, end_to_end_coefficient = 0.5 })
expect.equal({ both.mse ~= nil, both.kl ~= nil }, { true, true })
local sum = both.mse + both.kl + (both.auxk or 0)
if math.abs(both.loss - sum) > 1e-5 * sum then error(("loss %g is not %g"):format(both.loss, sum)) end

-- What it cannot do without.
local sae = run:sae { name = "last", type = "topk", on = rows, d_sae = 64, k = 8 }
local function refused(on, text, more)
  local given = { sae = run:sae { name = "on" .. text, type = "topk", on = on, d_sae = 64, k = 8 }, steps = 1, end_to_end = "kl" }
  for key, value in pairs(more or {}) do given[key] = value end
  expect.equal({ pcall(run.train, run, given) }, { false, text })
end
local content = run:activations { host = host, data = data, hookpoints = "blocks.1.in" }
refused(content, 'train.end_to_end: needs every token: activations.rows is "content", should be "all"')
local pooled = run:activations { host = host, data = data, hookpoints = "blocks.1.in", rows = "all", pool = "mean" }
refused(pooled, 'train.end_to_end: needs a row for each token: activations.pool is "mean", should be "none"')
local low = run:activations { host = host, data = data, hookpoints = "blocks.1.in", rows = "all", max_norm = 5.0 }
refused(low, "train.end_to_end: needs every token: activations.max_norm is set, should be 0")
refused(rows, "train.batch: 4 rows hold no whole sequence, which train.end_to_end needs; raise it", { batch = 4 })
refused(rows, 'train: end_to_end needs precision = "fp32"', { precision = "bf16" })
