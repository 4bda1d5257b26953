#!/usr/bin/env python3
"""Packs a golden of latent contexts for the tests: python3 cut_contexts.py GOLDEN_DIR LLAMA_TINY_DIR OUT_DIR

Needs the program zstd. Files keep their bytes; tokens.json is the tokenizer's raw tokens by id.
"""
import json
import os
import shutil
import subprocess
import sys

GOLDEN, HOST, OUT = sys.argv[1:4]


def pack(name, data):
    packed = subprocess.run(["zstd", "-19", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    with open(os.path.join(OUT, name + ".zst"), "wb") as f:
        f.write(packed)


def main():
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
