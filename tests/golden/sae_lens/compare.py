#!/usr/bin/env python3
"""Loads a facet SAE folder with sae-lens 6.54.12 and asserts that it gives the codes that facet gave.

    tests/golden/sae_lens/compare.py SAE_FOLDER ROWS.safetensors [--venv FOLDER]

SAE_FOLDER holds cfg.json and sae_weights.safetensors, as facet writes them. ROWS.safetensors holds
    x        [n, d_in] float, rows as the host gave them (sae-lens normalises them if cfg.json says so)
    codes    [n, d_sae], or start [n + 1], latent [nnz], value [nnz]: facet's codes of these rows
    output   [n, d_in], optional: facet's reconstruction
Without sae-lens at hand it is installed from PyPI into --venv (default: a folder of the system's temporary one,
kept for the next call; about 5 GB, most of it torch). Exit code 0: equal; 1: not, with the first differences.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

REQUIREMENTS = ["sae-lens==6.54.12", "torch==2.11.0"]
TOLERANCE = 1e-5  # of a value, as a share of the largest one (at least 1): float32 sums in another order
SHOWN = 5         # differences that are printed


def in_venv(folder):
    """Goes on in a virtual environment that has sae-lens; it is made when it is not there or not whole."""
    python = folder / "bin" / "python"
    whole = folder / "requirements-installed"
    if not whole.exists() or whole.read_text().split() != REQUIREMENTS:
        print(f"installing {' '.join(REQUIREMENTS)} into {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        subprocess.run([*install, *REQUIREMENTS], check=True)
        whole.write_text("\n".join(REQUIREMENTS) + "\n")
    offline = {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled", "FACET_COMPARE_IN_VENV": "1"}
    arguments = [str(python), str(pathlib.Path(__file__).resolve()), *sys.argv[1:]]
    os.execve(python, arguments, {**os.environ, **offline})


def dense(tensors, d_sae):
    """[n, d_sae]: facet's codes, whichever way they were written."""
    import torch

    if "codes" in tensors:
        return tensors["codes"].float()
    start, latent = tensors["start"].long(), tensors["latent"].long()
    n = len(start) - 1
    row = torch.repeat_interleave(torch.arange(n), start.diff())
    out = torch.zeros(n, d_sae)
    out[row, latent] = tensors["value"].float()
    return out


def differences(name, ours, theirs):
    """Lines that say where two tensors differ by more than the tolerance."""
    if ours.shape != theirs.shape:
        return [f"{name}: shape is {list(ours.shape)}, should be {list(theirs.shape)}"]
    allowed = TOLERANCE * max(1.0, theirs.abs().max().item())
    wrong = (~((ours - theirs).abs() <= allowed)).nonzero()
    return [f"{name}[{i}, {j}]: is {ours[i, j]:.9g}, should be {theirs[i, j]:.9g}" for i, j in wrong.tolist()]


def compare(folder, rows):
    import torch
    from safetensors.torch import load_file
    from sae_lens import SAE, __version__

    torch.set_grad_enabled(False)
    sae = SAE.load_from_disk(str(folder), device="cpu")
    tensors = load_file(rows)
    x = tensors["x"].float()
    theirs = sae.encode(x)
    ours = dense(tensors, sae.cfg.d_sae)

    problems = []
    if ours.shape == theirs.shape:
        for i, j in ((ours != 0) != (theirs != 0)).nonzero().tolist():
            fires = "fires" if ours[i, j] != 0 else "is silent"
            problems.append(f"row {i}, latent {j}: {fires} in facet only: {ours[i, j]:.9g} and {theirs[i, j]:.9g}")
    problems += differences("codes", ours, theirs)
    if "output" in tensors:
        problems += differences("output", tensors["output"].float(), sae.decode(theirs))

    for problem in problems[:SHOWN]:
        print(problem)
    active = int((theirs != 0).sum())
    worst = (ours - theirs).abs().max().item() if ours.shape == theirs.shape else float("nan")
    print(f"sae-lens {__version__}, {sae.cfg.architecture()}: {len(x)} rows, {active} active latents, "
          f"largest difference {worst:.3g}: {'differs' if problems else 'equal'}")
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, metavar="SAE_FOLDER")
    parser.add_argument("rows", type=pathlib.Path, metavar="ROWS.safetensors")
    parser.add_argument("--venv", type=pathlib.Path, metavar="FOLDER",
                        default=pathlib.Path(tempfile.gettempdir()) / "facet-sae-lens-6.54.12")
    given = parser.parse_args()
    for needed in (given.folder / "cfg.json", given.folder / "sae_weights.safetensors", given.rows):
        if not needed.is_file():
            parser.error(f"{needed}: no such file")
    if "FACET_COMPARE_IN_VENV" not in os.environ:
        in_venv(given.venv.absolute())
    return compare(given.folder, given.rows)


if __name__ == "__main__":
    sys.exit(main())
