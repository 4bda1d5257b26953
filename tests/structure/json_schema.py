#!/usr/bin/env python3
"""The manifest's JSON Schema accepts the quickstart's manifest, and refuses what `facet check` refuses."""
import copy
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

try:
    import jsonschema
except ImportError:
    print("SKIPPED: python3-jsonschema is not installed")
    sys.exit(0)

facet, root = sys.argv[1], Path(sys.argv[2])
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([facet, "docs", folder], check=True)
    schema = json.loads(Path(folder, "manifest.schema.json").read_text())
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
good = tomllib.loads((root / "experiments/quickstart.toml").read_text())


def changed(change):
    manifest = copy.deepcopy(good)
    change(manifest)
    return manifest


GOOD = {
    "the quickstart": good,
    "an SAE of another run": changed(lambda m: m.update(sae={"from": "runs/x", "name": "a"})),
    "several SAEs": changed(lambda m: m.update(sae=[m["sae"], m["sae"]])),
    "a normaliser by name": changed(lambda m: m["activations"].update(normalize="none")),
    "a whole number as a float": changed(lambda m: m["train"].update(steps=5e2)),
    "what the script sets": changed(lambda m: m["sae"].pop("d_sae")),
}
BAD = {
    "no script": changed(lambda m: m.pop("script")),
    "an unknown key": changed(lambda m: m.update(sed=3)),
    "an unknown section": changed(lambda m: m.update(trian={})),
    "a wrong key of a part": changed(lambda m: m["sae"].update(d_sea=3)),
    "a wrong key in a list": changed(lambda m: m["analysis"][0].update(tpye="x")),
    "a part that does not exist": changed(lambda m: m["host"].update(type="esm3")),
    "a part without a type": changed(lambda m: m["data"].pop("type")),
    "a text for a number": changed(lambda m: m["sae"].update(k="32")),
    "a number below its limit": changed(lambda m: m["sae"].update(k=0)),
    "a word that is none of the choices": changed(lambda m: m["data"].update(longer="fold")),
    "a key of another normaliser": changed(lambda m: m["activations"].update(normalize={"type": "none", "eps": 1e-5})),
    "a wrong key in a nested table": changed(lambda m: m["data"].update(split={"evil": 0.5})),
}
wrong = [f"should be accepted: {name}: {[e.message for e in validator.iter_errors(m)]}" for name, m in GOOD.items() if not validator.is_valid(m)]
wrong += [f"should be refused: {name}" for name, m in BAD.items() if validator.is_valid(m)]
print(*wrong, sep="\n", end="\n" if wrong else "")
sys.exit(1 if wrong else 0)
