#!/usr/bin/env python3
"""Packs a golden of latent contexts for the tests: python3 cut_contexts.py GOLDEN_DIR LLAMA_TINY_DIR SAE OUT_DIR

Needs the program zstd. Files keep their bytes; tokens.json is the tokenizer's raw tokens by id, sae.safetensors the
encoder of SAE (a state_dict as safetensors).
"""
import json
import os
import shutil
import struct
import subprocess
import sys

GOLDEN, HOST, SAE, OUT = sys.argv[1:5]
ENCODER = ("sae.encoder.weight", "sae.latent_bias", "sae.pre_bias")


def pack(name, data):
    packed = subprocess.run(["zstd", "-19", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    with open(os.path.join(OUT, name + ".zst"), "wb") as f:
        f.write(packed)


def cut_sae():
    data = open(SAE, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = json.loads(data[8:8 + size])
    header, body = {}, b""
    for name in ENCODER:
        begin, end = tensors[name]["data_offsets"]
        piece = data[8 + size + begin:8 + size + end]
        header[name] = dict(tensors[name], data_offsets=[len(body), len(body) + len(piece)])
        body += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(OUT, "sae.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def main():
    cut_sae()
    tokenizer = json.load(open(os.path.join(HOST, "tokenizer.json"), encoding="utf-8"))
    names = {i: t for t, i in tokenizer["model"]["vocab"].items()}
    names.update({t["id"]: t["content"] for t in tokenizer["added_tokens"]})
    tokens = [names[i] for i in range(len(names))]
    pack("tokens.json", json.dumps(tokens, ensure_ascii=False).encode())
    for name in ["golden.safetensors"] + [f"{run}.{what}.json" for run in ("topk", "topk_short") for what in ("contexts", "top_sequences")]:
        pack(name, open(os.path.join(GOLDEN, name), "rb").read())
    for name in ("golden.json", "text.jsonl"):
        shutil.copyfile(os.path.join(GOLDEN, name), os.path.join(OUT, name))


main()
