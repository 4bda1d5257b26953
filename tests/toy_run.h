// The small run that tests of the executable share: a toy host, twelve proteins, one TopK SAE.
#pragma once

#include <string>

#include "child_process.h"

/// Twelve proteins of thirty letters, the same each time.
inline std::string small_fasta() {
  const std::string letters = "ACDEFGHIKLMNPQRSTVWY";
  std::string text;
  unsigned state = 7;
  for (int protein = 0; protein < 12; ++protein) {
    text += ">p" + std::to_string(protein) + " protein " + std::to_string(protein) + "\n";
    for (int at = 0; at < 30; ++at) {
      state = state * 1103515245u + 12345u;
      text += letters[state / 65536u % letters.size()];
    }
    text += "\n";
  }
  return text;
}

/// Lines 1 to 7 of a script; what follows begins at line 5, 6, 7 or 8.
inline const std::string kHost =
    "local facet = require \"facet\"\n"
    "local run = facet.run { name = \"toy\", seed = 3 }\n"
    "local host = run:host { type = \"toy\" }\n"
    "local data = run:data { type = \"fasta\", path = \"small.fasta\", split = { eval = 0.5 } }\n";
inline const std::string kRows =
    kHost +
    "local rows = run:activations { host = host, data = data.train, hookpoints = \"layers.1\" }\n";
inline const std::string kSae =
    kRows + "local sae = run:sae { type = \"topk\", on = rows, d_sae = 64, k = 4 }\n";
inline const std::string kTrained =
    kSae + "run:train { sae = sae, on = rows, steps = 2, batch = 16 }\n";

/// toy.toml and toy.lua: the same by manifest, measured on held-out proteins.
inline const char* const kManifest = R"(# Does the toy train?
script = "toy.lua"
seed   = 3

[host]
type = "toy"

[data]
type  = "fasta"
path  = "small.fasta"
split = { eval = 0.5 }

[activations]
hookpoints = "layers.1"

[sae]
type  = "topk"
d_sae = 64
k     = 4

[train]
steps     = 12
batch     = 16
log_every = 1

[[analysis]]
type = "metrics"

[[analysis]]
type = "latents"
)";
inline const char* const kScript = R"(-- Trains and measures.
local run = require("facet").run()
local host = run:host()
local data = run:data()
local rows = run:activations { host = host, data = data.train }
local sae = run:sae { on = rows }
run:train { sae = sae, on = rows }
local held_out = run:activations { host = host, data = data.eval }
local codes = run:encode { sae = sae, on = held_out }
print(("nmse %.6f"):format(run:analyze_all { on = codes }.metrics.nmse))
)";

/// A folder with the proteins, the manifest and its script.
class ToyWorkshop : public Workshop {
 public:
  ToyWorkshop() {
    write("small.fasta", small_fasta());
    write("toy.toml", kManifest);
    write("toy.lua", kScript);
  }
  /// The manifest with one text in place of another.
  void edit_manifest(const std::string& from, const std::string& to) const {
    std::string text = read("toy.toml");
    text.replace(text.find(from), from.size(), to);
    write("toy.toml", text);
  }
};
