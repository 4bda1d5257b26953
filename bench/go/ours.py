"""facet on the latents of D: the whole process, with reading, writing and its tables. Prints latents a second, keeps the
significant terms of the sample for the peer to compare.

    python -m go.ours FACET FOLDER LATENTS
"""
import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from contest import children_peak_mib, finish, rate

HERE = Path(__file__).resolve().parent


def main():
    facet, folder, latents = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    runs = folder / "runs"
    for old in (runs, folder / "store"):
        shutil.rmtree(old, ignore_errors=True)
    begin = time.perf_counter()
    done = subprocess.run([facet, "run", HERE / "enrich.toml", "--set", f"encode.from={folder / 'codes'}", "--runs", runs],
                          capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(done.stderr)
    ours = {latent: {} for latent in json.loads((folder / "sample.json").read_text())}
    with open(next(runs.glob("bench/go/*/artefacts/go_terms.tsv")), newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["latent"] in ours:
                ours[row["latent"]][row["GO"]] = float(row["p_uncorrected"])
    (folder / "ours.json").write_text(json.dumps(ours))
    rate(latents / seconds)
    finish(children_peak_mib())


if __name__ == "__main__":
    main()
