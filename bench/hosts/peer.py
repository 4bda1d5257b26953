"""One peer on the same proteins in a process of its own. Prints what residues_per_second prints: residues a second of each
pass but the first, peak memory, the mean of all |logits|.

    peer.py transformers|transformers-sorted|esm-cpp WEIGHTS f32|bf16 PROTEINS THREADS BATCH PASSES
"""
import os
import resource
import sys
import time
import warnings
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1")
warnings.filterwarnings("ignore")
LETTERS = {letter: i + 4 for i, letter in enumerate("LAGVSERTIDPKQNFYMHWCXBUZO")}


def ids_of(protein):
    return [0, *(LETTERS[letter] for letter in protein), 2]


def transformers(weights, dtype, batches, threads):
    """Batches padded on the right, as it takes them. Sums over real tokens only, outside of its own work."""
    import torch
    from transformers import EsmForMaskedLM
    torch.set_num_threads(threads)
    model = EsmForMaskedLM.from_pretrained(weights, dtype=torch.bfloat16 if dtype == "bf16" else torch.float32).eval()
    padded = []
    for batch in batches:
        longest = max(map(len, batch))
        ids = torch.tensor([ids + [1] * (longest - len(ids)) for ids in batch])
        padded.append((ids, (ids != 1).long()))

    def forward(i):
        ids, mask = padded[i]
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask).logits.float()
            return float((logits.abs() * mask[:, :, None]).sum())
    return forward


def esm_cpp(weights, dtype, batches, threads):
    import numpy
    import esm_cpp
    model = esm_cpp.Model.load_from_safetensors(str(Path(weights) / "esm_cpp.safetensors"))
    arrays = [[numpy.array(ids, numpy.int32) for ids in batch] for batch in batches]

    def forward(i):
        return sum(float(numpy.abs(logits).sum()) for logits in model.forward_scheduled(arrays[i]))
    return forward


def main():
    peer, weights, dtype, file, threads, size, passes = sys.argv[1:]
    proteins = Path(file).read_text().split()
    if peer == "transformers-sorted":
        proteins.sort(key=len)
    batches = [[ids_of(p) for p in proteins[i:i + int(size)]] for i in range(0, len(proteins), int(size))]
    forward = (esm_cpp if peer == "esm-cpp" else transformers)(weights, dtype, batches, int(threads))
    tokens = sum(len(ids) for batch in batches for ids in batch)
    for done in range(int(passes) + 1):
        begin = time.perf_counter()
        total = sum(forward(i) for i in range(len(batches)))
        seconds = time.perf_counter() - begin
        if done > 0:
            print(round(sum(map(len, proteins)) / seconds, 1), flush=True)
    print(f"peak_mib {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}\nmean {total / tokens / 33:.6f}")


if __name__ == "__main__":
    main()
