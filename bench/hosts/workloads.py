"""Forward passes of ESM-2 over proteins of mixed length (C), in batches of eight as they come."""
import math
import random
import subprocess
import sys
from pathlib import Path

from contest import Contestant, Work, apart

HERE = Path(__file__).resolve().parent
VENV = HERE / "venv"
PACKAGES = {"transformers": ["torch==2.11.0", "transformers==5.23.0"], "esm-cpp": ["esm-cpp==0.2.1", "numpy"]}
CONTESTANTS = [("facet", "f32"), ("facet", "bf16"), ("transformers", "f32"), ("transformers", "bf16"),
               ("transformers-sorted", "f32"), ("esm-cpp", "f32")]
BATCH, PASSES = 8, 1


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


def make_model(size, folder):
    subprocess.run([python_of("transformers"), HERE / "models.py", size, folder], check=True)


def contestants(size):
    def of(asked):
        count = 8 if asked.quick else 64
        file, model = asked.data / f"proteins_{count}.txt", asked.data / f"esm2_{size}"
        asked.data.mkdir(exist_ok=True)
        VENV.mkdir(exist_ok=True)
        proteins(file, count)
        if not (model / "esm_cpp.safetensors").exists():
            apart(make_model, size, model)
        out = []
        for who, dtype in CONTESTANTS:
            if who == "facet":
                first = [asked.build / "bin" / "residues_per_second", asked.build / "lib" / "facet" / "esm2.so"]
            else:
                first = [python_of(who), HERE / "peer.py", who]
            out.append(Contestant(who if dtype == "f32" else f"{who}, {dtype}",
                                  [*first, model, dtype, file, asked.threads, BATCH, PASSES]))
        return out
    return of


def works():
    return [Work(f"C-{size}", f"forward passes of ESM2 {size}", "residues a second", contestants(size),
                 ["bin/residues_per_second", "lib/facet/esm2.so"]) for size in ("8M", "35M")]
