-- Trains every SAE of a manifest on shared rows and puts their figures side by side: mean and interval over the seeds.
local run      = require("facet").run()                  -- the manifest this was started with
local host     = run:host()
local planted  = run:data { name = "planted" }
local proteins = run:data { name = "proteins" }

local rows, held_out = {}, {}
for _, name in ipairs { "planted", "residues", "layers", "stacked", "next" } do
  local on_host = name ~= "planted"
  local function read(data) return run:activations { name = name, host = on_host and host or nil, data = data } end
  rows[#rows + 1] = read(on_host and proteins.train or planted)
  held_out[name]  = on_host and read(proteins.eval) or rows[#rows]
end
local saes = run:saes { on = rows }
run:train { sae = saes }

-- Figures of all seeds of an SAE, in the order of the manifest; "residues_topk-2" is the second of "residues_topk".
local order, figures_of = {}, {}
local function measure(sae, name, stream)
  if not figures_of[name] then
    figures_of[name] = { stream = stream, type = sae.type }
    order[#order + 1] = name
  end
  table.insert(figures_of[name], run:analyze_all { sae = sae, on = held_out[stream] }.metrics)
end
local first_on = {}
for _, sae in ipairs(saes) do
  first_on[sae.stream] = first_on[sae.stream] or sae
  measure(sae, sae.name:match("^(.*)%-%d+$"), sae.stream)
end
for _, plain in ipairs(run:baselines { like = first_on.residues, on = rows[2] }) do measure(plain, plain.name, "residues") end

-- Half the width of the 95 % interval of a mean, by Student's t of n - 1 degrees of freedom.
local student = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262 }
local function mean_and_half(seeds, figure)
  local sum, squares, n = 0, 0, #seeds
  for _, figures in ipairs(seeds) do
    if not figures[figure] then return "", "" end
    sum = sum + figures[figure]
  end
  local mean = sum / n
  if n == 1 then return mean, "" end
  for _, figures in ipairs(seeds) do squares = squares + (figures[figure] - mean) ^ 2 end
  return mean, student[n - 1] * math.sqrt(squares / (n - 1) / n)
end

local columns = {
  { name = "rows", definition = "the [[activations]] that it learns from" },
  { name = "sae", definition = "name of its [[sae]]" },
  { name = "type", definition = "architecture" },
  { name = "seeds", definition = "SAEs of other initial weights on the same batches" },
}
for _, figure in ipairs {
  { "l0_nonzero", "mean number of latents other than 0 in a row" },
  { "nmse", "squared error by energy of the target, mean over rows" },
  { "dead", "share of the latents with a value > 0 on none of the held-out rows" },
  { "mcc", "mean |cosine| of planted features and the decoder rows matched with them; of planted rows only" },
} do
  columns[#columns + 1] = { name = figure[1], definition = figure[2] .. ", mean over the seeds" }
  columns[#columns + 1] = { name = figure[1] .. "_half", definition = "half the width of its 95 % interval over the seeds (Student's t)" }
end

local lines = {}
for _, name in ipairs(order) do
  local seeds = figures_of[name]
  local line = { seeds.stream, name, seeds.type, #seeds }
  for _, figure in ipairs { "l0_nonzero", "nmse", "dead", "mcc" } do
    line[#line + 1], line[#line + 2] = mean_and_half(seeds, figure)
  end
  lines[#lines + 1] = line
  print(("%-26s L0 %5.1f   NMSE %.4f   dead %.3f"):format(name, line[5], line[7], line[9]) .. (line[11] ~= "" and ("   MCC %.3f"):format(line[11]) or ""))
end
run:table { name = "architectures", title = "Architectures at equal sparsity.", columns = columns, rows = lines }
