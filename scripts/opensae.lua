-- OpenSAE's six headings in their order, the training that its README has last coming first: without it there is nothing to load.
local run  = require("facet").run()                       -- the manifest this was started with
local host = run:host()
local text = run:data()
local rows = run:activations { host = host, data = text.train }
local held_out = run:activations { host = host, data = text.eval }
local prompt = "The king went down to the river, and there he saw"

-- 6. SAE Training
local sae = run:sae { on = rows }
run:train { sae = sae, on = rows }

-- 1. Load the SAE. Here it is the one above; of a folder or an earlier run: run:sae { from = "...", on = rows }
-- encode(): codes, input_mean, input_std, and with `all` every latent before the selection
local block = host:read { text = prompt, hookpoints = rows.hookpoints }
local said  = sae:encode(block, { all = true })
print(("%d tokens, %.1f latents each; the first row has mean %.3f and spread %.3f"):format(
  block.n, said.codes.l0, said.input_mean[1], said.input_std[1]))
for i, token in ipairs(block.tokens) do
  local first = said.codes:row(i)[1]
  print(("  %-8s latent %4d %6.2f, which saw %6.2f"):format(
    token, first.latent, first.value, said.pre_activations:get(i, first.latent)))
end
-- decode() and forward(): there and back, in the host's units
local back = sae:decode(said.codes)
local away = block:distance(back)
print(("the last token comes back %.2f away"):format(away[#away]))
-- reconstruction_loss()
local loss = sae:loss(held_out:take(512))
print(("loss on 512 held-out tokens: %.4f"):format(loss.total))

-- 2. Bind the SAE with a LLM: the reconstruction stands where the row stood
local bound = sae:bind(host, rows.hookpoints, { error_term = false })
for _, one in ipairs(bound:next(prompt, 3)) do
  print(("  %-10s %.3f with the SAE, %.3f without"):format(one.token, one.probability, one.clean))
end

-- 3. LLM Intervention: the strongest latent of the last token, taken away and made stronger
local latent = said.codes:row(block.n)[1].latent
for _, edit in ipairs { { latent = latent, ablate = true }, { latent = latent, multiply = 4 } } do
  local steered = sae:bind(host, rows.hookpoints, { edits = { edit } })
  print(edit.ablate and "ablated" or "multiplied", steered:generate { prompt = prompt, max_tokens = 16 })
end
run:analyze {
  type = "intervene", host = host, sae = sae, on = held_out, prompts = { prompt },
  latents = { latent }, edit = "multiply", amounts = { 0, 2, 4 }, only_active = true, controls = 5,
}

-- 4. SAE AutoInterpret: tokens on which each latent fires, in contexts.tsv
-- 5. SAE Evaluation: error, sparsity, and what the host loses with the SAE in it
local codes = run:encode { sae = sae, on = held_out }
local figures = run:analyze_all { on = codes }
print(("NMSE %.3f, L0 %.1f, KL %.3f nats a token, CE recovered %.3f"):format(
  figures.metrics.nmse, figures.metrics.l0, figures.kl_eval.kl_token, figures.kl_eval.ce_recovered_zero))
