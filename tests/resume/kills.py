"""SIGKILL at random moments, each followed by the same command again: the end equals an undisturbed run.
Twenty times as the host gives its rows, ten times with the rows on disk and the codes pooled,
three times while the SAE learns from what its host predicts."""
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import runs

# Learning from the host's predictions: rows in their order, the host with the SAE in it.
THROUGH = ["--set", "train.end_to_end=kl", "--set", "activations.rows=all", "--set", "train.batch=768"]
KEPT = ["--set", "activations.store=disk", "--set", "encode.pool=mean"]


def stage_of(folder, killed):
    """Where a run stands."""
    checkpoints = list((folder / "runs").rglob("checkpoints/*"))
    verbs = [p.read_text().count('"done":true') for p in (folder / "runs").rglob("verbs.jsonl")]
    shards = list((folder / "store").rglob("shards/*.safetensors"))
    return (f"{'killed' if killed else 'finished'} with {len(shards)} shards, {len(checkpoints)} checkpoints, "
            f"{sum(verbs)} verbs done")


def kill_and_compare(top, kills, words):
    """Kills `kills` runs once each; returns what the undisturbed one gave."""
    calm = runs.make_experiment(top / "calm")
    began = time.monotonic()
    runs.run(calm, *words)
    duration = time.monotonic() - began
    wanted = runs.results(calm)
    print(f"an undisturbed run with {' '.join(words) or 'nothing set'} takes {duration:.1f} s")

    draw = random.Random(20)
    for kill in range(kills):
        rough = runs.make_experiment(top / f"rough{kill}")
        child = subprocess.Popen(runs.facet(rough, *words), stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.02, 1.0) * duration)
        child.send_signal(signal.SIGKILL)
        stage = stage_of(rough, child.wait() == -signal.SIGKILL)
        print(stage)
        runs.run(rough, *words)
        different = runs.differences(wanted, runs.results(rough))
        if different:
            sys.exit(f"kill {kill} ({stage}): these differ from the undisturbed run: {different}")
    return wanted


def comparable(results):
    """Without what says how it was run."""
    told = ("manifest.toml", "resolved.toml", "verbs.jsonl", "report.md")
    return {k: v for k, v in results.items() if "/checkpoints/" not in k and not k.endswith(told)}


with tempfile.TemporaryDirectory() as top:
    top = pathlib.Path(top)
    kill_and_compare(top / "live", 20, [])
    kept = kill_and_compare(top / "kept", 10, KEPT)
    kill_and_compare(top / "through", 3, THROUGH)

    live = runs.make_experiment(top / "pooled")
    runs.run(live, *KEPT[2:])
    of_runs = {k: v for k, v in comparable(kept).items() if "store/activations" not in k}
    different = runs.differences(of_runs, comparable(runs.results(live)))
    if different:
        sys.exit(f"rows on disk and live: these differ: {different}")
    print("rows on disk and live end with the same bits")

    seven = runs.make_experiment(top / "seven")
    runs.run(seven, "--set", "train.checkpoint_every=7")
    hundred = runs.make_experiment(top / "hundred")
    runs.run(hundred, "--set", "train.checkpoint_every=100")
    different = runs.differences(comparable(runs.results(seven)), comparable(runs.results(hundred)))
    if different:
        sys.exit(f"checkpoints every 7 and every 100 steps: these differ: {different}")
    print("checkpoints every 7 and every 100 steps end with the same bits")
