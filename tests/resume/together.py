"""Three runs over the same rows at once: one builds the stores, the others wait, and each ends as it would alone."""
import pathlib
import subprocess
import sys
import tempfile

import runs

SEEDS = (3, 4, 5)
DISK = ["--set", "activations.store=disk", "--set", "activations.batch_tokens=128"]


def words_of(seed):
    return [*DISK, "--set", f"seed={seed}"]


def stores_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in (folder / "store").rglob("*") if p.suffix in (".json", ".safetensors")}


with tempfile.TemporaryDirectory() as top:
    top = pathlib.Path(top)
    alone = runs.make_experiment(top / "alone")
    for seed in SEEDS:
        runs.run(alone, *words_of(seed))

    both = runs.make_experiment(top / "both")
    children = [subprocess.Popen(runs.facet(both, *words_of(seed)), stderr=subprocess.PIPE, text=True) for seed in SEEDS]
    said = [child.communicate()[1] for child in children]
    if any(child.returncode for child in children):
        sys.exit("\n".join(said))
    waited = sum("waiting for process" in text for text in said)
    built = sum("numbers of 4 bytes go to" in text for text in said)
    print(f"of {len(SEEDS)} processes {waited} waited, and {built} began to build")
    if built != 1:
        sys.exit("one should build: " + "\n".join(said))

    def weights(folder):
        return {p.relative_to(folder): p.read_bytes() for p in (folder / "runs").rglob("*.safetensors")}

    hashes = "store/hashes.json"  # of inputs, with the times of their files
    one, other = stores_of(alone), stores_of(both)
    different = [k for k in sorted(set(one) | set(other)) if k != hashes and one.get(k) != other.get(k)]
    if different or weights(alone) != weights(both):
        sys.exit(f"runs together and one after another differ: {different}")
    print("runs together end as runs one after another")
