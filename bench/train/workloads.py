"""Training (A) and encoding (B): shapes, rows to run them on, and who runs them."""
import sys
from pathlib import Path

import numpy as np

from contest import Contestant, Work, apart

SHAPES = {  # width, latents, latents kept, rows a step; "tied": ReLU with L1 and one weight; "of_batch": the largest of a batch
    "A1": dict(d=480, m=20000, k=16, batch=128),
    "A1b": dict(d=480, m=20000, k=16, batch=2048),
    "A2": dict(d=480, m=20000, k=64, batch=128),
    "A3": dict(d=2048, m=16384, k=64, batch=1024),
    "A4": dict(d=256, m=1024, k=0, batch=4096, tied=True),
    "A5": dict(d=480, m=20000, k=16, batch=2048, of_batch=True),
    "B1": dict(d=480, m=20000, k=16, batch=2048),
    "B2": dict(d=480, m=20000, k=64, batch=2048),
    "B3": dict(d=2048, m=16384, k=64, batch=2048),
}
WHAT = {
    "A1": "training, residues of ESM2-35M", "A1b": "training, the same in larger batches",
    "A2": "training, whole proteins of ESM2-35M", "A3": "training, Llama-3.2-1B", "A4": "training, Helix-mRNA: tied ReLU with L1",
    "A5": "training, A1b as a BatchTopK SAE",
    "B1": "encoding, the SAE of A1", "B2": "encoding, the SAE of A2", "B3": "encoding, the SAE of A3",
}
LR = 1e-4
ROWS = 16384
FEATURES, ACTIVE, NOISE = 4096, 12, 0.05


def rows_file(folder, d):
    """Rows of width d as .npy."""
    file = Path(folder) / f"rows_{d}.npy"
    if not file.exists():
        apart(make_rows, file, d)
    return file


def make_rows(file, d):
    """Sums of few of many directions, some of them much more common than others, and noise."""
    draw = np.random.default_rng(d)
    directions = draw.standard_normal((FEATURES, d), dtype=np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rows = np.empty((ROWS, d), np.float32)
    for begin in range(0, ROWS, 1024):
        which = (FEATURES * draw.random((1024, ACTIVE)) ** 2).astype(int)
        size = np.abs(draw.standard_normal((1024, ACTIVE, 1), dtype=np.float32)) + 0.2
        noise = NOISE * draw.standard_normal((1024, d), dtype=np.float32)
        rows[begin:begin + 1024] = (size * directions[which]).sum(1) * np.sqrt(d) / ACTIVE + noise
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npy")
    np.save(part, rows)
    part.replace(file)


def sae_steps(mode, name, asked, **train):
    """The command of facet's program on a shape; `train`: more keys of [train]."""
    shape = SHAPES[name]
    kind = "relu" if shape.get("tied") else "batch_topk" if shape.get("of_batch") else "topk"
    keys = {"sae.d_sae": shape["m"], "train.batch": shape["batch"], "train.lr": LR} | {f"train.{k}": v for k, v in train.items()}
    keys |= {"sae.tied": "true", "sae.l1_coefficient": 1e-3} if shape.get("tied") else {"sae.k": shape["k"]}
    return [asked.build / "bin" / "sae_steps", mode, asked.build / "lib" / "facet" / f"{kind}.so", rows_file(asked.data, shape["d"]),
            asked.threads, kind, *(f"{key}={value}" for key, value in keys.items())]


def contestants(mode, name):
    """facet first; a peer with the allocator of the machine and, for training, with a tuned one."""
    def of(asked):
        shape = SHAPES[name]
        out = [Contestant("facet", sae_steps(mode, name, asked))]
        for peer in ["torch", "saelens", "dictionary_learning"] + ([] if {"tied", "of_batch"} & set(shape) else ["sparsify"]):
            command = [sys.executable, "-m", "train.peer", mode, peer, name, rows_file(asked.data, shape["d"]), asked.threads]
            out += [Contestant(peer, command, tuned) for tuned in ([False, True] if mode == "train" else [False])]
        return out
    return of


def works():
    for name in SHAPES:
        mode = "train" if name.startswith("A") else "encode"
        yield Work(name, WHAT[name], "rows a second", contestants(mode, name), ["bin/sae_steps"])
