-- Trains every SAE of a manifest on shared rows and puts their figures side by side, mean and interval over seeds.
local run      = require("facet").run()
local host     = run:host()
local proteins = run:data { name = "proteins" }
local planted  = run:data { name = "planted" }

local rows = {}
rows[1] = run:activations { name = "planted", data = planted }
rows[2] = run:activations { name = "residues", host = host, data = proteins.train }
local saes = run:saes { on = rows }
run:train { sae = saes }
