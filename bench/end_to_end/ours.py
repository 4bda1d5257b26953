"""facet from texts to the folder of a trained SAE: the whole process. Prints tokens a second.

    python -m end_to_end.ours FACET HOST FOLDER TOKENS
"""
import shutil
import subprocess
import sys
import time
from pathlib import Path

from contest import children_peak_mib, finish, rate

HERE = Path(__file__).resolve().parent


def main():
    facet, host, folder, tokens = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    shutil.rmtree(folder, ignore_errors=True)
    begin = time.perf_counter()
    done = subprocess.run([facet, "run", HERE / "train.toml", "--set", f"host.weights={host}", "--set", f"train.total_rows={tokens}",
                           "--runs", folder], capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(done.stderr)
    rate(tokens / seconds)
    finish(children_peak_mib())


if __name__ == "__main__":
    main()
