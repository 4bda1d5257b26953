"""Eight SAEs trained together: killed at random moments they end with the bits of an undisturbed run, which are those
that each SAE gets alone, on a fraction of the host's passes."""
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import runs

KILLS = 6


def alone(manifest, name):
    """The manifest with this SAE as its only one."""
    head, *saes, train = re.split(r"^(?=\[\[sae\]\]|\[train\])", manifest, flags=re.M)
    return "".join([head, *(one for one in saes if re.search(rf'^name\s+= "{name}"$', one, flags=re.M)), train])


def on_demand(manifest):
    """The manifest without rows made ahead, of which there are more or fewer by chance. The bits are the same."""
    return manifest.replace("batch_tokens = 512", "batch_tokens = 512\nprefetch = false")


def host_passes(folder):
    return json.loads((runs.run_folder(folder) / "record.json").read_text())["host_passes"]["passes"]


with tempfile.TemporaryDirectory() as top:
    top = pathlib.Path(top)
    calm = runs.make_experiment(top / "calm", "collection")
    began = time.monotonic()
    runs.run(calm)
    duration = time.monotonic() - began
    wanted = runs.results(calm)
    weights = {k.split("/")[-2]: v for k, v in wanted.items()
               if k.endswith("sae_weights.safetensors") and "/checkpoints/" not in k}
    if len(weights) != 8:
        sys.exit(f"{len(weights)} trained SAEs, should be 8: {sorted(weights)}")

    draw = random.Random(8)
    for kill in range(KILLS):
        rough = runs.make_experiment(top / f"rough{kill}", "collection")
        child = subprocess.Popen(runs.facet(rough), stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.1, 1.0) * duration)
        child.send_signal(signal.SIGKILL)
        killed = child.wait() == -signal.SIGKILL
        turns = sorted(p.name for p in (rough / "runs").rglob("checkpoints/*"))
        print("killed" if killed else "finished", "with checkpoints of turns", turns)
        runs.run(rough)
        different = runs.differences(wanted, runs.results(rough))
        if different:
            sys.exit(f"kill {kill}: these differ from the undisturbed run: {different}")

    together = runs.make_experiment(top / "together", "collection")
    manifest = on_demand((together / "experiment.toml").read_text())
    (together / "experiment.toml").write_text(manifest)
    runs.run(together)

    passes = 0
    for name in weights:
        single = runs.make_experiment(top / name, "collection")
        (single / "experiment.toml").write_text(alone(manifest, name))
        runs.run(single)
        results = runs.results(single)
        found = [v for k, v in results.items() if k.endswith(f"sae/{name}/sae_weights.safetensors")]
        if found != [weights[name]]:
            sys.exit(f"{name}: its weights alone differ from those it got among eight")
        passes += host_passes(single)
    print(f"eight together: {host_passes(together)} passes of the host; one by one: {passes}")
    if host_passes(together) * 4 > passes:
        sys.exit("eight SAEs on shared passes should need less than a quarter of the passes")
