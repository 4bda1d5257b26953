#!/usr/bin/env python3
"""Writes the files of this folder with PyTorch 2.11 (those that only torch.save can write) and zipfile.

    python make.py FOLDER
"""
import os
import pickle
import sys
import zipfile
from collections import OrderedDict

import torch

out = sys.argv[1]


def path(name):
    return os.path.join(out, name)


def draw(*shape):
    return torch.sin(torch.arange(float(torch.Size(shape).numel()))).reshape(shape)


module = torch.nn.Sequential(OrderedDict(encoder=torch.nn.Linear(3, 2), decoder=torch.nn.Linear(2, 3, bias=False)))
with torch.no_grad():
    for i, p in enumerate(module.parameters()):
        p.copy_(torch.arange(p.numel()).reshape(p.shape) + 10.0 * i)
torch.save(module.state_dict(), path("state_dict.pt"))  # an OrderedDict with the attribute _metadata

base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
torch.save({"transposed": base.t(), "column": base[:, 1], "half": base.half(), "brain": base.bfloat16(), "wide": base.double(),
            "whole": torch.arange(3), "flags": torch.tensor([True, False]), "number": torch.tensor(2.5, dtype=torch.double),
            "empty": torch.zeros(0, 3), "parameter": torch.nn.Parameter(base[:1].clone())}, path("kinds.pt"))

torch.save({"epoch": 3, "state_dict": OrderedDict([("weights.0", base.clone()), ("weights.1", base.t().contiguous())]),
            "hyper_parameters": {"k": 16, "lr": 1e-4, "name": "flatten", "tied": True, "none": None, "big": 2 ** 40, "low": -5},
            "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"betas": (0.9, 0.999)}]}]},
           path("lightning.ckpt"))

torch.save({"x": base}, path("legacy.pt"), _use_new_zipfile_serialization=False)

# As the two biological trainers leave them: d_in 3, d_sae 5.
weights = OrderedDict([("weights.0", draw(3, 5)), ("weights.1", draw(5, 3)), ("weights.2", draw(5)), ("weights.3", draw(3))])
torch.save(weights, path("rep_saes.pt"))
torch.save({"state_dict": OrderedDict(("model." + key, value) for key, value in weights.items()), "hyper_parameters": {"k": 2}},
           path("rep_saes.ckpt"))
torch.save(OrderedDict([("encoder.weight", draw(5, 3)), ("encoder.bias", draw(5))]), path("helix.pt"))


class Attack:
    def __reduce__(self):
        return os.system, ("true",)


torch.save({"x": base, "y": Attack()}, path("attack.pt"))
torch.save(torch.nn.Linear(3, 2), path("module.pt"))  # the class itself, not its tensors
torch.save({"x": torch.sparse_coo_tensor([[0], [1]], [1.0], (2, 2))}, path("sparse.pt"))

with zipfile.ZipFile(path("state_dict.pt")) as whole, zipfile.ZipFile(path("compressed.pt"), "w", zipfile.ZIP_DEFLATED) as packed:
    for name in whole.namelist():
        packed.writestr(name, whole.read(name))
