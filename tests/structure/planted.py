#!/usr/bin/env python3
"""Plants one violation of each rule in a small tree and checks that structure.py names each, and nothing else."""
import sys
import tempfile
from pathlib import Path

from structure import violations

TREE = {
    "core/include/facet/value.h": "#include <string>\n",
    "core/include/facet/sae.h": '#include <ATen/core/Tensor.h>\n#include "facet/value.h"\n#include <torch/nn.h>\n',
    "core/include/facet/odd.h": "",
    "core/base/files.h": "#include <filesystem>\n",
    "core/base/log.cpp": '#include <spdlog/spdlog.h>\n#include "facet/sae.h"\n',
    "core/train/trainer.h": '#include "base/files.h"\n',
    "core/schema/schema.cpp": '#include "train/trainer.h"\n#include <torch/types.h>\n',
    "core/table/table.cpp": '#include "facet/value.h"\n  #  include "facet/sae.h"\n',
    "core/run/identity.cpp": '#include "train/trainer.h"\n#include <toml++/toml.h>\n',
    "plugins/sae/x/x.cpp": '#include <facet/sae.h>\n#include "base/files.h"\n#include "own.h"\n',
    "tests/core/base/files_test.cpp": '#include "base/files.h"\n#include "train/trainer.h"\n',
}
EXPECTED = """\
core/include/facet/odd.h:0: unknown to tests/structure
core/base/log.cpp:2: facet/sae.h: room base may not include room tensor
core/include/facet/sae.h:3: torch/nn.h: an SDK header may include Tensor.h, the standard library and the SDK
core/run/identity.cpp:2: toml++/toml.h: only core/run/manifest.cpp may include it
core/schema/schema.cpp:1: train/trainer.h: room schema may not include room train
core/schema/schema.cpp:2: torch/types.h: room schema knows no torch
core/table/table.cpp:2: facet/sae.h: room table may not include room tensor
plugins/sae/x/x.cpp:2: base/files.h: a part may include core/include/facet only
tests/core/base/files_test.cpp:2: train/trainer.h: room base may not include room train
""".splitlines()

with tempfile.TemporaryDirectory() as folder:
    for name, text in TREE.items():
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    found = violations(Path(folder))
for line in found:
    if line not in EXPECTED:
        print("not expected:", line)
for line in EXPECTED:
    if line not in found:
        print("not found:", line)
sys.exit(0 if sorted(found) == sorted(EXPECTED) else 1)
