#!/usr/bin/env python3
"""Times facet's llama host beside transformers: forward passes and greedy generation. See README.md."""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = HERE / "venv"
PACKAGES = ["torch==2.11.0", "transformers==5.23.0"]
TEXT = ("It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
        "wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this "
        "truth is so well fixed in the minds of the surrounding families, that he is considered the rightful property of "
        "some one or other of their daughters. ")


def in_venv():
    """Runs this script again under the virtual environment that has the peer."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *PACKAGES], check=True)
    if Path(sys.prefix) != VENV:
        os.execv(python, [str(python), *sys.argv])


class Facet:
    def __init__(self, build, weights, threads, new_tokens):
        program = next(build.rglob("llama_tokens_per_second"), None)
        if not program:
            sys.exit(f"{build} has no llama_tokens_per_second: cmake --build {build} --target llama_tokens_per_second")
        plugin = build / "lib" / "facet" / "llama.so"
        env = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.child = subprocess.Popen([program, plugin, weights, str(threads), str(new_tokens)], env=env, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def asked(self, command, sequences):
        lines = ["clear"] + [" ".join(map(str, ids)) for ids in sequences] + [command, ""]
        self.child.stdin.write("\n".join(lines))
        self.child.stdin.flush()
        seconds, said = self.child.stdout.readline().split()
        return float(seconds), float(said)

    def forward(self, sequences):
        return self.asked("forward", sequences)

    def generate(self, prompt):
        return self.asked("generate", [prompt])


class Transformers:
    def __init__(self, weights, threads, new_tokens):
        import torch
        from transformers import AutoModelForCausalLM
        torch.set_num_threads(threads)
        self.torch, self.new_tokens = torch, new_tokens
        self.model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32).eval()

    def forward(self, sequences):
        """Batches padded on the right, as it takes them; sequences of one length are not padded at all."""
        longest = max(map(len, sequences))
        ids = self.torch.tensor([s + [0] * (longest - len(s)) for s in sequences])
        mask = self.torch.tensor([[1] * len(s) + [0] * (longest - len(s)) for s in sequences])
        with self.torch.inference_mode():
            begin = time.perf_counter()
            logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
            seconds = time.perf_counter() - begin
            return seconds, float(logits[mask.bool()].abs().mean())

    def generate(self, prompt):
        ids = self.torch.tensor([prompt])
        with self.torch.inference_mode():
            begin = time.perf_counter()
            out = self.model.generate(input_ids=ids, attention_mask=self.torch.ones_like(ids), do_sample=False,
                                      min_new_tokens=self.new_tokens, max_new_tokens=self.new_tokens)
            return time.perf_counter() - begin, float(out[0, -1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="a build folder with the target llama_tokens_per_second")
    parser.add_argument("--weights", type=Path, default=ROOT / "experiments" / "models" / "smollm2")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--longest", type=int, default=512, help="tokens of the longest sequence; 64: a look")
    asked = parser.parse_args()
    in_venv()
    from transformers import AutoTokenizer
    ids = AutoTokenizer.from_pretrained(asked.weights)(TEXT * 8)["input_ids"]
    n = asked.longest
    cases = {f"forward, 1 x {n}": [ids[:n]], f"forward, 8 x {n // 4}": [ids[i:i + n // 4] for i in range(8)],
             f"forward, 16 of {n // 32} to {n // 2}": [ids[:n // 32 * (i + 1)] for i in range(16)]}
    hosts = {"facet": Facet(asked.build, asked.weights, asked.threads, asked.new_tokens),
             "transformers": Transformers(asked.weights, asked.threads, asked.new_tokens)}
    seconds = {}
    for repeat in range(asked.repeats + 1):  # the first pass of each warms up
        for case in [*cases, f"greedy, {asked.new_tokens} tokens after 64"]:
            said = {}
            for name, host in hosts.items():
                took, said[name] = host.forward(cases[case]) if case in cases else host.generate(ids[:64])
                if repeat > 0:
                    seconds.setdefault(case, {}).setdefault(name, []).append(took)
            if abs(said["facet"] / said["transformers"] - 1) > 1e-4:
                sys.exit(f"{case}: other numbers: {said}")
    print(f"tokens per second, median of {asked.repeats}, {asked.threads} threads, float32\n")
    print("| case | facet | transformers | ratio |\n| --- | ---: | ---: | ---: |")
    result = {"threads": asked.threads, "repeats": asked.repeats}
    for case, of in seconds.items():
        tokens = sum(map(len, cases[case])) if case in cases else asked.new_tokens
        rate = {name: tokens / sorted(took)[len(took) // 2] for name, took in of.items()}
        result[case] = {name: round(value, 1) for name, value in rate.items()}
        print(f"| {case} | {rate['facet']:.0f} | {rate['transformers']:.0f} | {rate['facet'] / rate['transformers']:.2f} |")
    with open(HERE / "results.jsonl", "a") as out:
        out.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
