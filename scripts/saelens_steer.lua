-- Finds the latent that tells one of four texts from the others, steers the host with its direction, and takes a logit apart.
local run  = require("facet").run()                       -- the manifest this was started with
local host = run:host()
local sae  = run:sae()
local texts = {
  "The scientist conducted an experiment",
  "I love chocolate cake",
  "The code compiles successfully",
  "Paris is beautiful in spring",
}

local coded, largest = {}, {}
for i, text in ipairs(texts) do
  coded[i] = sae:encode(host:read { text = text, hookpoints = "layers.16" }).codes
end
-- Without the first token, whose row is many times as long as any other, whatever the text.
local function largest_of(codes, latent) return math.max(table.unpack(codes:values(latent), 2)) end

-- Of the latents of the first text, the one that stands out most against the other three.
local latent, lead = nil, -math.huge
for row = 2, coded[1].rows do
  for rank, one in ipairs(coded[1]:row(row)) do
    if rank > 20 then break end
    local others = math.max(largest_of(coded[2], one.latent), largest_of(coded[3], one.latent), largest_of(coded[4], one.latent))
    if one.value - others > lead then latent, lead = one.latent, one.value - others end
  end
end
for i, text in ipairs(texts) do
  largest[i] = { text, latent, largest_of(coded[i], latent) }
  print(("%.3f: %s"):format(largest[i][3], text))
end
run:table {
  name = "activations", title = "The largest value of one latent in each text.",
  columns = { { name = "text", definition = "what the host read" }, { name = "latent", definition = "from 0" },
              { name = "value", definition = "its largest over the text's tokens but the first" } },
  rows = largest,
}

local function steer_with_feature(prompt, strength)
  local edits = { { latent = latent, add_direction = strength } }
  return sae:bind(host, "layers.16", { edits = edits }):generate { prompt = prompt, max_tokens = 20 }
end
local told = {}
for _, strength in ipairs { 0, 5, 10 } do
  told[#told + 1] = { strength, steer_with_feature("In the morning we", strength) }
  print(("strength %d: %q"):format(strength, told[#told][2]))
end
run:table {
  name = "steered", title = "How the host goes on when the latent's direction is added to every row.",
  columns = { { name = "strength", definition = "times the latent's row of W_dec" }, { name = "text", definition = "the new tokens" } },
  rows = told,
}

for _, figures in pairs(run:analyze_all { sae = sae, host = host }) do
  for name, value in pairs(figures) do print(name, value) end
end
