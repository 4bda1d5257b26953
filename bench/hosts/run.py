#!/usr/bin/env python3
"""Times facet's esm2 host beside transformers and esm-cpp on proteins of mixed length. See README.md."""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / "venv"
PACKAGES = {"transformers": ["torch==2.11.0", "transformers==5.23.0"], "esm-cpp": ["esm-cpp==0.2.1", "numpy"]}
CONTESTANTS = [("facet", "f32"), ("facet", "bf16"), ("transformers", "f32"), ("transformers", "bf16"),
               ("transformers-sorted", "f32"), ("esm-cpp", "f32")]


def python_of(peer):
    """The interpreter of the peer's own virtual environment, made once."""
    family = "transformers" if peer.startswith("transformers") else peer
    folder = VENV / family
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "-q", "install", *PACKAGES[family]], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def proteins(file, count):
    """Made up; lengths as those of human proteins, within what ESM-2 takes. In no order."""
    draw = random.Random(1)
    lengths = [min(1022, max(30, int(math.exp(draw.gauss(math.log(300), 0.6))))) for _ in range(count)]
    lines = ["".join(draw.choice("LAGVSERTIDPKQNFYMHWC") for _ in range(length)) for length in lengths]
    file.write_text("\n".join(lines) + "\n")


def command_of(contestant, dtype, build):
    if contestant == "facet":
        return [build / "bin" / "residues_per_second", build / "lib" / "facet" / "esm2.so"], [dtype]
    return [python_of(contestant), HERE / "peer.py", contestant], [dtype]


def timed(contestant, dtype, build, model, file, threads, batch, passes):
    first, then = command_of(contestant, dtype, build)
    command = [*first, model, *then, file, threads, batch, passes]
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    said = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True)
    if said.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {said.stderr[-2000:]}")
    lines = said.stdout.split("\n")
    named = dict(line.split() for line in lines if line.startswith(("peak_mib", "mean")))
    return {"rates": [float(line) for line in lines if line[:1].isdigit()], "peak_mib": int(named["peak_mib"]),
            "mean": float(named["mean"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="a build folder with the target residues_per_second")
    parser.add_argument("--sizes", nargs="+", default=["8M", "35M"], choices=["8M", "35M"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=1, help="timed passes of a process, after one to warm up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--proteins", type=int, default=64)
    asked = parser.parse_args()
    if not (asked.build / "bin" / "residues_per_second").exists():
        sys.exit(f"{asked.build} has no residues_per_second: cmake --build {asked.build} --target residues_per_second")
    VENV.mkdir(exist_ok=True)
    file = VENV / "proteins.txt"
    proteins(file, asked.proteins)
    for size in asked.sizes:
        model = VENV / f"esm2_{size}"
        if not (model / "esm_cpp.safetensors").exists():
            subprocess.run([python_of("transformers"), HERE / "models.py", size, model], check=True)
        runs = {}
        for _ in range(asked.rounds):
            for one in CONTESTANTS:
                runs.setdefault(one, []).append(
                    timed(*one, asked.build, model, file, asked.threads, asked.batch, asked.passes))
        report(size, runs, asked)


def report(size, runs, asked):
    rate = {one: statistics.median(r for of in each for r in of["rates"]) for one, each in runs.items()}
    ours = rate["facet", "f32"]
    print(f"\nESM2 {size}: residues a second, median of {asked.rounds} rounds, {asked.threads} threads, "
          f"batches of {asked.batch}\n\n| | residues a second | facet f32 is | peak MiB |\n| --- | ---: | ---: | ---: |")
    expected = runs["facet", "f32"][0]["mean"]
    for (name, dtype), each in runs.items():
        if abs(each[0]["mean"] / expected - 1) > (1e-4 if dtype == "f32" and name != "esm-cpp" else 2e-2):
            print(f"{name} {dtype}: other numbers: mean |logit| {each[0]['mean']}, facet {expected}", file=sys.stderr)
        print(f"| {name}, {dtype} | {rate[name, dtype]:,.0f} | {ours / rate[name, dtype]:.2f} | "
              f"{max(of['peak_mib'] for of in each)} |")
    with open(HERE / "results.jsonl", "a") as out:
        out.write(json.dumps({"size": size, "threads": asked.threads, "batch": asked.batch, "passes": asked.passes,
                              "runs": {" ".join(one): each for one, each in runs.items()}}) + "\n")


if __name__ == "__main__":
    main()
