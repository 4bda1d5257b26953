"""Rows on disk with numpy (a mapped .npy file) or safetensors, as store_rows does it with facet's store.

    python -m store.peer write|scan|draw numpy|numpy-windows|safetensors FOLDER ROWS WIDTH THREADS
"""
import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from contest import blocks, finish

MADE, BATCH, WINDOW = 1 << 16, 4096, 1 << 16    # rows that differ, read at once, shuffled together


def made(rows, width):
    x = np.random.default_rng(0).standard_normal((MADE, width), dtype=np.float32)
    return np.concatenate([x] * (rows // MADE + 1))[:rows]


def save(file, x):
    """Until the disk has them."""
    save_file({"x": x}, file) if file.suffix == ".safetensors" else np.save(file, x)
    with open(file, "rb") as written:
        os.fsync(written.fileno())


def write(_, file, rows, width):
    x = made(rows, width)

    def anew():
        file.unlink(missing_ok=True)
        save(file, x)
    blocks(anew, 1e-9 * x.nbytes, least_steps=1)


def mapped(peer, file):
    return safe_open(file, "pt") if peer == "safetensors" else np.load(file, mmap_mode="r")


def scan(peer, file, rows, width):
    def epoch():
        x = mapped(peer, file)
        part = x.get_slice("x") if peer == "safetensors" else x
        for begin in range(0, rows, BATCH):
            part[begin:begin + BATCH].clone() if peer == "safetensors" else np.array(part[begin:begin + BATCH])
    blocks(epoch, 4e-9 * rows * width, least_steps=1)


def draw(peer, file, rows, width):
    """Batches of a permutation of all rows, each in ascending order, which is faster; numpy-windows: permuted as facet does."""
    random = np.random.default_rng(1)
    x = mapped(peer, file)
    if peer == "safetensors":
        x = x.get_tensor("x")

    def epoch():
        if peer == "numpy-windows":
            for begin in range(0, rows, WINDOW):
                window = np.array(x[begin:begin + WINDOW])
                order = random.permutation(len(window))
                for at in range(0, len(window), BATCH):
                    window[order[at:at + BATCH]]
            return
        order = random.permutation(rows)
        for begin in range(0, rows, BATCH):
            these = np.sort(order[begin:begin + BATCH])
            x[these] if peer == "numpy" else x.index_select(0, torch.from_numpy(these))
    blocks(epoch, rows, least_steps=1)


def main():
    mode, peer, folder, rows, width, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    file = Path(folder) / ("rows.safetensors" if peer == "safetensors" else "rows.npy")
    file.parent.mkdir(parents=True, exist_ok=True)
    rows, width = int(rows), int(width)
    if mode != "write" and not file.exists():
        save(file, made(rows, width))
    {"write": write, "scan": scan, "draw": draw}[mode](peer, file, rows, width)
    finish()


if __name__ == "__main__":
    main()
