#!/usr/bin/env python3
"""Times facet's GO enrichment of 20,000 latents beside goatools on a sample of them. See README.md."""
import argparse
import csv
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "experiments" / "data"
VENV = HERE / "venv"
PACKAGES = ["goatools==1.6.7", "scipy==1.17.1", "statsmodels==0.15.0", "numpy==2.4.6", "zstandard"]


def in_venv():
    """Runs this script again under the virtual environment that has the peers."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *PACKAGES], check=True)
    if Path(sys.prefix) != VENV:
        os.execv(python, [str(python), *sys.argv])


def unpacked(name, folder):
    import zstandard
    out = folder / name
    with open(DATA / (name + ".zst"), "rb") as packed, open(out, "wb") as plain:
        zstandard.ZstdDecompressor().copy_stream(packed, plain)
    return out


def make_latents(count, genes, genes_of_term, rng):
    """Sets of genes: half of each share a term."""
    terms = sorted(t for t, members in genes_of_term.items() if 20 <= len(members) <= 2000)
    out = []
    for _ in range(count):
        size = round(10 * 30 ** rng.random())
        members = genes_of_term[rng.choice(terms)]
        chosen = set(rng.sample(members, min(len(members), size // 2)))
        while len(chosen) < size:
            chosen.add(rng.choice(genes))
        out.append(sorted(chosen))
    return out


def write_codes(folder, latents, genes):
    """As Rep_SAEs_PLMs writes them: k latents and their values of each protein."""
    import numpy as np
    of_gene = {gene: [] for gene in genes}
    for latent, members in enumerate(latents):
        for gene in members:
            of_gene[gene].append(latent)
    k = max(len(own) for own in of_gene.values())
    index, value = np.zeros((len(genes), k), np.int64), np.zeros((len(genes), k), np.float32)
    for row, gene in enumerate(genes):
        own = of_gene[gene]
        index[row, :len(own)], value[row, :len(own)] = own, 1
    tag = "time20260101_000000_ckptbench_maxsamples%d" % len(genes)
    np.save(folder / f"POOLING_indices_{tag}.npy", index)
    np.save(folder / f"POOLING_activations_{tag}.npy", value)
    np.save(folder / f"POOLING_embeddings_{tag}.npy", np.zeros((len(genes), 1), np.float32))
    with open(folder / f"POOLING_metadata_{tag}.csv", "w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["sample_idx", "sequence_id", "sequence", "sequence_length", "protein_names", "organism"])
        table.writerows([i, gene, "M", 1, "", "Homo sapiens (Human)"] for i, gene in enumerate(genes))


def time_facet(facet, codes, folder, threads):
    runs = folder / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    shutil.rmtree(folder / "store", ignore_errors=True)
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    begin = time.perf_counter()
    child = subprocess.Popen([facet, "run", HERE / "enrich.toml", "--set", f"encode.from={codes}", "--runs", runs], env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    out, problems = child.communicate()
    seconds = time.perf_counter() - begin
    if child.returncode != 0:
        sys.exit(problems)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return seconds, peak, next(runs.glob("bench/go/*/artefacts/go_terms.tsv")), out.strip().splitlines()[-1]


def significant(file, sample):
    out = {latent: {} for latent in sample}
    with open(file, newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if int(row["latent"]) in out:
                out[int(row["latent"])][row["GO"]] = float(row["p_uncorrected"])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facet", type=Path)
    parser.add_argument("--latents", type=int, default=20000)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    in_venv()
    import contextlib
    import io
    from goatools.anno.gaf_reader import GafReader
    from goatools.go_enrichment import GOEnrichmentStudy
    from goatools.obo_parser import GODag

    rng = random.Random(7)
    folder = Path(tempfile.mkdtemp(prefix="facet-bench-go-"))
    silent = contextlib.redirect_stdout(io.StringIO())
    with silent:
        dag = GODag(str(unpacked("go-basic.obo", folder)), prt=None)
        terms_of = GafReader(str(unpacked("goa_human.gaf", folder)), prt=None).get_id2gos(namespace="all")
    genes = sorted(line.split("|")[1] for line in open(unpacked("human_proteins.fasta", folder)) if line.startswith(">"))
    known = set(genes)
    terms_of = {gene: terms for gene, terms in terms_of.items() if gene in known}
    with silent:
        study = GOEnrichmentStudy(genes, terms_of, dag, propagate_counts=True, methods=["bonferroni"], log=None)
    genes_of_term = {}
    for gene, terms in sorted(study.assoc.items()):
        for term in terms:
            genes_of_term.setdefault(term, []).append(gene)
    latents = make_latents(asked.latents, genes, genes_of_term, rng)
    codes = folder / "codes"
    codes.mkdir()
    write_codes(codes, latents, genes)

    sample = sorted(rng.sample(range(asked.latents), asked.sample))
    facet_seconds, goatools_seconds, peak, theirs = [], [], 0, {}
    for repeat in range(asked.repeats):
        seconds, peak, table, said = time_facet(asked.facet, codes, folder, asked.threads)
        facet_seconds.append(seconds)
        for latent in sample[repeat::asked.repeats]:
            begin = time.perf_counter()
            with silent:
                rows = study.run_study(set(latents[latent]), prt=None)
            goatools_seconds.append(time.perf_counter() - begin)
            theirs[latent] = {row.GO: row.p_uncorrected for row in rows if row.p_bonferroni < 0.05}
    ours = significant(table, sample)
    for latent in sample:
        if ours[latent].keys() != theirs[latent].keys():
            sys.exit(f"latent {latent}: other significant terms: {set(ours[latent]) ^ set(theirs[latent])}")
    worst = max((abs(ours[l][t] / p - 1) for l in sample for t, p in theirs[l].items() if p > 1e-250), default=0)
    each = sorted(goatools_seconds)[len(goatools_seconds) // 2]
    ours_each = [seconds / asked.latents for seconds in sorted(facet_seconds)]
    result = {"latents": asked.latents, "threads": asked.threads, "facet_s": [round(s, 2) for s in sorted(facet_seconds)],
              "facet_peak_mib": round(peak), "goatools_s_per_latent_median": round(each, 3), "sampled": len(sample),
              "ratio_min_median_max": [round(each / s) for s in (ours_each[-1], ours_each[len(ours_each) // 2], ours_each[0])],
              "same_terms": True, "worst_relative_p": worst}
    print(said)
    print(json.dumps(result, indent=1))
    with open(HERE / "results.jsonl", "a") as out:
        out.write(json.dumps(result) + "\n")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
