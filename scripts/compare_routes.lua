-- Trains every SAE of a manifest on the streams of one language model, and measures what each does to rows and to the model.
local run  = require("facet").run()                      -- the manifest this was started with
local host = run:host()
local text = run:data()

local rows = run:streams { host = host, data = text.train }
local held_out = run:streams { host = host, data = text.eval }
local saes = run:saes { on = rows }
run:train { sae = saes }

local lines = {}
for _, sae in ipairs(saes) do
  local figures = run:analyze_all { sae = sae, on = held_out[sae.stream] }
  local m, kl = figures.metrics, figures.kl_eval
  local function add(name, at)
    lines[#lines + 1] = { name, sae.type, sae.stream, m.l0_nonzero, m.nmse, m.dead, at.kl_token, at.ce_difference, at.ce_recovered_zero, at.splice_from }
  end
  add(sae.name, kl)
  if kl.splice_from == "difference" then -- what is lost at each layer adds up: also without what the layers before it lost
    add(sae.name .. ", last layer", run:analyze { type = "kl_eval", name = sae.name .. "_clean", sae = sae, on = held_out[sae.stream],
      splice_from = "clean", max_tokens = 4096, error_term = false })
  end
  print(("%-14s L0 %5.1f   NMSE %.4f   dead %.3f   KL %.4f nats a token   CE recovered %.3f"):format(
    sae.name, m.l0_nonzero, m.nmse, m.dead, kl.kl_token, kl.ce_recovered_zero))
end
run:table {
  name = "route", title = "SAEs that keep as many latents: what is lost of the rows, and of the model's output.",
  columns = {
    { name = "sae", definition = "name of its [[sae]]" },
    { name = "type", definition = "architecture" },
    { name = "rows", definition = "the [[activations]] that it learns from" },
    { name = "l0", definition = "mean number of latents other than 0 in a held-out row" },
    { name = "nmse", definition = "squared error by energy of the target, mean over held-out rows" },
    { name = "dead", definition = "share of the latents with a value > 0 on none of the held-out rows" },
    { name = "kl_token", definition = "KL of the model from the spliced model, nats a token, mean over held-out tokens" },
    { name = "ce_difference", definition = "cross-entropy of the next token with the SAE in the model less that without it, nats" },
    { name = "ce_recovered_zero", definition = "share of the cross-entropy lost to zeros that the SAE brings back" },
    { name = "splice_from", definition = "which row is reconstructed; see kl_eval" },
  },
  rows = lines,
}
