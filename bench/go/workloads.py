"""Enrichment of GO terms (D): every latent against every term of the human annotation."""
import sys

from contest import Contestant, Work, apart


def make(*given):
    from go.latents import make
    make(*given)


def contestants(asked):
    count, sampled = (500, 2) if asked.quick else (20_000, 10)
    folder = asked.data / f"go_{count}"
    if not (folder / "sample.json").exists():
        apart(make, folder, count, sampled)
    return [Contestant("facet", [sys.executable, "-m", "go.ours", asked.build / "bin" / "facet", folder, count])] + \
        [Contestant(peer, [sys.executable, "-m", "go.peer", peer, folder]) for peer in ("goatools", "scipy")]


def works():
    return [Work("D", "latents tested against all GO terms", "latents a second", contestants, ["bin/facet"])]
