"""SIGKILL at 20 random moments, each followed by the same command again: the end equals an undisturbed run."""
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import runs

KILLS = 20

with tempfile.TemporaryDirectory() as top:
    top = pathlib.Path(top)
    calm = runs.make_experiment(top / "calm")
    began = time.monotonic()
    runs.run(calm)
    duration = time.monotonic() - began
    wanted = runs.results(calm)

    draw = random.Random(20)
    stages = []
    for kill in range(KILLS):
        rough = runs.make_experiment(top / f"rough{kill}")
        child = subprocess.Popen(runs.facet(rough), stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.02, 1.0) * duration)
        child.send_signal(signal.SIGKILL)
        killed = child.wait() == -signal.SIGKILL
        checkpoints = list((rough / "runs").rglob("checkpoints/*"))
        verbs = [p.read_text().count('"done":true') for p in (rough / "runs").rglob("verbs.jsonl")]
        stages.append(f"{'killed' if killed else 'finished'} with {len(checkpoints)} checkpoints, {sum(verbs)} verbs done")
        runs.run(rough)
        different = runs.differences({k.replace("calm", ""): v for k, v in wanted.items()}, runs.results(rough))
        if different:
            sys.exit(f"kill {kill} ({stages[-1]}): these differ from the undisturbed run: {different}")
    print(f"an undisturbed run takes {duration:.1f} s")
    print("\n".join(stages))

    seven = runs.make_experiment(top / "seven")
    runs.run(seven, "--set", "train.checkpoint_every=7")
    hundred = runs.make_experiment(top / "hundred")
    runs.run(hundred, "--set", "train.checkpoint_every=100")

    def comparable(results):
        return {k: v for k, v in results.items() if "/checkpoints/" not in k and not k.endswith(("manifest.toml", "resolved.toml", "verbs.jsonl", "report.md"))}

    different = runs.differences(comparable(runs.results(seven)), comparable(runs.results(hundred)))
    if different:
        sys.exit(f"checkpoints every 7 and every 100 steps: these differ: {different}")
    print("checkpoints every 7 and every 100 steps end with the same bits")
