"""The workloads of bench/run, and rows to run them on."""
from pathlib import Path

import numpy as np

TRAIN = {  # width, latents, latents kept, rows a step; "tied": ReLU with L1 and one weight
    "A1": dict(d=480, m=20000, k=16, batch=128),
    "A1b": dict(d=480, m=20000, k=16, batch=2048),
    "A2": dict(d=480, m=20000, k=64, batch=128),
    "A3": dict(d=2048, m=16384, k=64, batch=1024),
    "A4": dict(d=256, m=1024, k=0, batch=4096, tied=True),
}
ROWS = 16384
FEATURES, ACTIVE, NOISE = 4096, 12, 0.05


def rows_file(folder, d):
    """Rows of width d as .npy: sums of few of many directions, some of them much more common than others, and noise."""
    file = Path(folder) / f"rows_{d}.npy"
    if file.exists():
        return file
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
    return file
