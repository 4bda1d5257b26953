"""goatools, or scipy's hypergeometric distribution over whole arrays, on the sample of D's latents: a rate for each latent.
Setting up is outside the clock. goatools' significant terms and p-values must be facet's.

    python -m go.peer goatools|scipy FOLDER
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import hypergeom

from contest import finish, rate
from go.latents import silent, study_in

P_TOLERANCE = 1e-11   # relative: p is a sum of up to a thousand terms, each rounded to 1e-16 a few times over
P_UNDERFLOW = 1e-250  # of smaller ones doubles lose digits


def goatools(study, _):
    def test(members):
        with silent():
            rows = study.run_study(set(members), prt=None)
        return {row.GO: row.p_uncorrected for row in rows if row.p_bonferroni < 0.05}
    return test


def scipy(study, genes):
    """One-sided, which is less than facet and goatools do."""
    row = {gene: i for i, gene in enumerate(genes)}
    terms = {term: i for i, term in enumerate(sorted(set().union(*study.assoc.values())))}
    at = [(row[gene], terms[term]) for gene, own in study.assoc.items() for term in own]
    has = csr_matrix((np.ones(len(at), np.int32), tuple(np.array(at).T)), shape=(len(genes), len(terms)))
    of_term = np.asarray(has.sum(0)).ravel()

    def test(members):
        hits = np.asarray(has[[row[gene] for gene in members]].sum(0)).ravel()
        p = np.ones(len(terms))
        some = hits > 0
        p[some] = hypergeom.sf(hits[some] - 1, len(genes), of_term[some], len(members))
        return np.minimum(p * len(p), 1)
    return test


def compare(theirs, ours):
    for latent, terms in theirs.items():
        if terms.keys() != ours[latent].keys():
            sys.exit(f"latent {latent}: other significant terms: {set(terms) ^ set(ours[latent])}")
        for term, p in terms.items():
            if p > P_UNDERFLOW and abs(ours[latent][term] / p - 1) > P_TOLERANCE:
                sys.exit(f"latent {latent}, {term}: p is {ours[latent][term]}, goatools has {p}")


def main():
    peer, folder = sys.argv[1], Path(sys.argv[2])
    test = {"goatools": goatools, "scipy": scipy}[peer](*study_in(folder))
    found = {}
    for latent, members in json.loads((folder / "sample.json").read_text()).items():
        begin = time.perf_counter()
        found[latent] = test(members)
        rate(1 / (time.perf_counter() - begin))
    if peer == "goatools":
        compare(found, json.loads((folder / "ours.json").read_text()))
    finish()


if __name__ == "__main__":
    main()
