"""Rows on disk (E): written, read in their order, and read shuffled."""
import sys

from contest import Contestant, Work

WIDTH = 480
WHAT = {
    "write": ("E-write", "rows go to disk", "GB a second"),
    "scan": ("E-scan", "rows are read in their order", "GB a second"),
    "draw": ("E-draw", "rows are read shuffled", "rows a second"),
}
PEERS = {
    "write": ["numpy", "safetensors"],
    "scan": ["numpy", "safetensors"],
    "draw": ["numpy", "numpy-windows", "safetensors"],
}


def contestants(mode):
    def of(asked):
        rows = 50_000 if asked.quick else 1_000_000
        folder = asked.data / f"store_{rows}"
        sizes = [rows, WIDTH, asked.threads]
        return [Contestant("facet", [asked.build / "bin" / "store_rows", mode, folder / "facet", *sizes])] + \
            [Contestant(peer, [sys.executable, "-m", "store.peer", mode, peer, folder, *sizes]) for peer in PEERS[mode]]
    return of


def works():
    return [Work(name, what, unit, contestants(mode), ["bin/store_rows"]) for mode, (name, what, unit) in WHAT.items()]
