"""What the tests of this folder share: making a small experiment, running it, and comparing two finished runs."""
import json
import pathlib
import random
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
FACET = sys.argv[1]


def make_experiment(folder, name="experiment"):
    """A copy of the experiment NAME, as experiment.toml, with 120 random proteins (from a fixed seed) in `folder`."""
    folder.mkdir(parents=True)
    shutil.copy(HERE / f"{name}.lua", folder)
    shutil.copy(HERE / f"{name}.toml", folder / "experiment.toml")
    draw = random.Random(1)
    with open(folder / "proteins.fasta", "w") as out:
        for i in range(120):
            letters = "".join(draw.choice("ACDEFGHIKLMNPQRSTVWY") for _ in range(draw.randint(30, 200)))
            out.write(f">sp|T{i:05d}|TEST{i} made for a test\n{letters}\n")
    return folder


def facet(folder, *words):
    return [FACET, "run", str(folder / "experiment.toml"), "--runs", str(folder / "runs"), *words]


def run(folder, *words, expect=0):
    done = subprocess.run(facet(folder, *words), capture_output=True, text=True)
    if done.returncode != expect:
        sys.exit(f"exit code {done.returncode}, should be {expect}: {done.stderr}")
    return done


def run_folder(folder):
    found = [p.parent for p in (folder / "runs").rglob("record.json")]
    if len(found) != 1:
        sys.exit(f"{len(found)} runs in {folder}, should be 1")
    return found[0]


def without_time(line):
    event = json.loads(line)
    del event["time"]
    return event


def results(folder):
    """name -> content of everything that a run must reproduce: weights, tables, events without times, stores."""
    out = {}
    run_dir = run_folder(folder)
    stores = [folder / "store" / kind for kind in ("codes", "activations")]
    for path in sorted([*run_dir.rglob("*"), *(p for store in stores for p in store.rglob("*"))]):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.name in ("lock", "log.txt", "record.json", "DONE") or path.suffix == ".lock":
            continue
        if path.name in ("manifest.toml", "report.md", "facet.json", "resolved.toml", "cfg.json"):
            out[name] = path.read_text().replace(str(folder), "FOLDER")
        elif path.name == "events.jsonl":
            out[name] = [without_time(line) for line in path.read_text().splitlines()]
        else:
            out[name] = path.read_bytes()
    if not any(name.endswith("sae_weights.safetensors") for name in out) or not any("codes" in name for name in out):
        sys.exit(f"{folder}: no weights or no codes to compare")
    return out


def differences(a, b):
    return [name for name in sorted(set(a) | set(b)) if a.get(name) != b.get(name)]
