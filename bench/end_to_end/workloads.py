"""The whole way (F): texts go through a host of eight blocks, and an SAE is trained on the rows of the fifth."""
import shutil
import sys
from pathlib import Path

from contest import Contestant, Work, apart

WEIGHTS = Path(__file__).resolve().parent.parent.parent / "experiments" / "models" / "smollm2"
BLOCKS = 8
TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]


def make_host(folder):
    """The first blocks of SmolLM2-135M, as transformers saves them, in float32."""
    if not WEIGHTS.exists():
        sys.exit(f"{WEIGHTS}: no such folder: scripts/fetch_smollm2 makes it")
    import torch
    from transformers import AutoModelForCausalLM
    part = folder.with_name(folder.name + ".part")
    AutoModelForCausalLM.from_pretrained(WEIGHTS, num_hidden_layers=BLOCKS, dtype=torch.float32).save_pretrained(part)
    for name in TOKENIZER:
        shutil.copy(WEIGHTS / name, part)
    part.replace(folder)


def contestants(asked):
    tokens = 4096 if asked.quick else 32_768
    host = asked.data / "host"
    if not host.exists():
        apart(make_host, host)
    folder = asked.data / "end_to_end"
    return [Contestant("facet", [sys.executable, "-m", "end_to_end.ours", asked.build / "bin" / "facet", host, folder / "facet", tokens]),
            Contestant("saelens", [sys.executable, "-m", "end_to_end.peer", host, folder / "saelens", tokens, asked.threads])]


def works():
    return [Work("F", "from texts to a trained SAE on a Llama of eight blocks", "tokens a second", contestants,
                 ["bin/facet", "lib/facet/llama.so", "lib/facet/topk.so"])]
