"""The latents of D: made-up sets of human proteins, half of each by chance, as files that facet reads; and what goatools knows."""
import contextlib
import csv
import io
import json
import random
import shutil
from pathlib import Path

import numpy as np
import zstandard
from goatools.anno.gaf_reader import GafReader
from goatools.go_enrichment import GOEnrichmentStudy
from goatools.obo_parser import GODag

DATA = Path(__file__).resolve().parent.parent.parent / "experiments" / "data"


def silent():
    return contextlib.redirect_stdout(io.StringIO())


def unpacked(name, folder):
    out = folder / name
    if not out.exists():
        with open(DATA / (name + ".zst"), "rb") as packed, open(out, "wb") as plain:
            zstandard.ZstdDecompressor().copy_stream(packed, plain)
    return out


def study_in(folder):
    """goatools' study over the human proteins, terms propagated; and the proteins in their order."""
    with silent():
        dag = GODag(str(unpacked("go-basic.obo", folder)), prt=None)
        terms_of = GafReader(str(unpacked("goa_human.gaf", folder)), prt=None).get_id2gos(namespace="all")
    genes = sorted(line.split("|")[1] for line in open(unpacked("human_proteins.fasta", folder)) if line.startswith(">"))
    known = set(genes)
    terms_of = {gene: terms for gene, terms in terms_of.items() if gene in known}
    with silent():
        return GOEnrichmentStudy(genes, terms_of, dag, propagate_counts=True, methods=["bonferroni"], log=None), genes


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


def make(folder, count, sampled):
    """Fills the folder: codes/ of so many latents, and sample.json, the members of those that a peer tests."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "codes").mkdir(parents=True)
    study, genes = study_in(folder)
    genes_of_term = {}
    for gene, terms in sorted(study.assoc.items()):
        for term in sorted(terms):
            genes_of_term.setdefault(term, []).append(gene)
    rng = random.Random(7)
    latents = make_latents(count, genes, genes_of_term, rng)
    write_codes(folder / "codes", latents, genes)
    sample = {str(latent): latents[latent] for latent in sorted(rng.sample(range(count), sampled))}
    (folder / "sample.json").write_text(json.dumps(sample))
