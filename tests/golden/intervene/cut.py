#!/usr/bin/env python3
"""Keeps every fifth column of the logits of a golden made by make_intervene.py, and leaves the logits of plain prompts out.

    cut.py FULL_FOLDER OUT_FOLDER
"""
import array
import json
import struct
import sys
from pathlib import Path

EVERY = 5


def tensors(file):
    raw = file.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    for name, about in sorted(header.items()):
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            yield name, about["dtype"], about["shape"], raw[8 + size + begin:8 + size + end]


def every_fifth(shape, data):
    values, width = array.array("f", data), shape[-1]
    kept = array.array("f")
    for row in range(0, len(values), width):
        kept.extend(values[row:row + width:EVERY])
    return shape[:-1] + [len(range(0, width, EVERY))], kept.tobytes()


def main(full, out):
    header, body = {}, b""
    for name, dtype, shape, data in tensors(full / "golden.safetensors"):
        if name.startswith("prompt.") and name.endswith(".logits"):
            continue
        if name.endswith(".logits"):
            shape, data = every_fifth(shape, data)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (out / "golden.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
    golden = json.loads((full / "golden.json").read_text())
    (out / "golden.json").write_text(json.dumps(golden, separators=(",", ":"), ensure_ascii=False) + "\n")


main(Path(sys.argv[1]), Path(sys.argv[2]))
