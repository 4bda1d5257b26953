#!/usr/bin/env python3
"""Writes tiny.gguf and what it says to the gguf package: python make_gguf.py

Needs gguf 0.19.0 and numpy. tiny.safetensors has each tensor as gguf.quants dequantises it.
"""
import json
import struct
from pathlib import Path

import gguf
import numpy as np

HERE = Path(__file__).parent
TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1"]


def write_safetensors(file, tensors):
    header, at = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values()))


def main():
    rng = np.random.default_rng(8)
    writer = gguf.GGUFWriter(HERE / "tiny.gguf", "llama")
    writer.add_custom_alignment(64)
    writer.add_uint8("one.uint8", 200)
    writer.add_int8("one.int8", -100)
    writer.add_uint16("one.uint16", 60000)
    writer.add_int16("one.int16", -30000)
    writer.add_uint32("one.uint32", 4_000_000_000)
    writer.add_int32("one.int32", -2_000_000_000)
    writer.add_uint64("one.uint64", 2**63 + 2**52)
    writer.add_int64("one.int64", -(2**62))
    writer.add_float32("one.float32", 1e-5)
    writer.add_float64("one.float64", 0.1)
    writer.add_bool("one.bool", True)
    writer.add_string("one.string", "Ġthe")
    writer.add_array("tokenizer.ggml.tokens", ["Ġthe", "a", ""])
    writer.add_array("tokenizer.ggml.token_type", [1, 3, 1])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.5, 0.0])
    golden = {}
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        values = (rng.standard_normal((3, 64)) * [[1e-3], [1.0], [40.0]]).astype(np.float32)
        packed = gguf.quants.quantize(values, kind)
        writer.add_tensor(name.lower() + ".weight", packed, raw_dtype=kind)
        golden[name.lower() + ".weight"] = gguf.quants.dequantize(packed, kind).astype(np.float32)
    golden["norm"] = rng.standard_normal(5).astype(np.float32)
    writer.add_tensor("norm", golden["norm"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_safetensors(HERE / "tiny.safetensors", golden)


if __name__ == "__main__":
    main()
