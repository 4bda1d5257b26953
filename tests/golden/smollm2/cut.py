#!/usr/bin/env python3
"""cut.py FOLDER: the parts of transformers' golden.safetensors and golden.json of SmolLM2 that the tests compare.

Of all prompts the ids, the loss of each token and hidden state 16 of the last token; of prompts 0 and 7 every hidden
state that the peer kept, of the first four tokens.
"""
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "llama_tiny"))
from cut import read_safetensors, write_safetensors  # noqa: E402


def kept(name):
    return name.startswith(("prompt0.", "prompt7.")) or name.endswith((".input_ids", ".token_nll", ".last_position"))


def main():
    folder = Path(sys.argv[1])
    tensors, data = read_safetensors(folder / "golden.safetensors")
    write_safetensors(HERE / "golden.safetensors",
                      {name: (about["dtype"], about["shape"], data[slice(*about["data_offsets"])])
                       for name, about in tensors.items() if kept(name)})
    about = json.loads((folder / "golden.json").read_text())
    about.pop("documents")
    for prompt in about["prompts"]:
        for key in ("tokens", "token_ids", "top_tokens"):
            prompt.pop(key)
    (HERE / "golden.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
