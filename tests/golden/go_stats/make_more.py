#!/usr/bin/env python3
"""Writes more.json: random vectors for every correction, ranks, Welch's tests, and Fisher's test of large populations.

    pip install statsmodels==0.15.0 goatools==1.6.7 scipy==1.17.1 scikit-learn==1.9.1 numpy==2.4.6
    python make_more.py > more.json
"""
import json
import math
from fractions import Fraction

import numpy as np
from goatools.multiple_testing import Bonferroni, HolmBonferroni, Sidak
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score
from statsmodels.stats.multitest import multipletests

GOATOOLS = {"bonferroni": Bonferroni, "sidak": Sidak, "holm": HolmBonferroni}
STATSMODELS = {"sm_bonferroni": "bonferroni", "sm_sidak": "sidak", "holm-sidak": "holm-sidak", "sm_holm": "holm",
               "simes-hochberg": "simes-hochberg", "hommel": "hommel", "fdr_bh": "fdr_bh", "fdr_by": "fdr_by",
               "fdr_tsbh": "fdr_tsbh", "fdr_tsbky": "fdr_tsbky", "fdr_gbs": "fdr_gbs"}
rng = np.random.default_rng(20)


def shared(p, corrected):
    """The corrected p of each distinct p; they must be the same for all tests of one p."""
    out = []
    for value in np.unique(p):
        of_one = corrected[p == value]
        assert np.all(of_one == of_one[0]) and not np.isnan(of_one[0]), (value, of_one)
        out.append(float(of_one[0]))
    return out


def corrections(tests, distinct, alpha):
    """Some effects, the rest uniform; each of `distinct` values at least once."""
    values = np.where(rng.random(distinct) < 0.3, rng.random(distinct) ** 8, rng.random(distinct))
    if rng.random() < 0.4:
        values[0] = 1
    if rng.random() < 0.2:
        values[-1] = 0
    p = rng.permutation(np.concatenate([values, rng.choice(values, tests - distinct)]))
    out = {"alpha": alpha, "p": np.unique(p).tolist(), "times": np.unique(p, return_counts=True)[1].tolist()}
    for name, method in STATSMODELS.items():
        out[name] = shared(p, multipletests(p, alpha, method)[1])
    for name, method in GOATOOLS.items():
        out[name] = shared(p, method(p, alpha).corrected_pvals)
    return out


def ranks(population, members, scored, levels):
    score = np.zeros(population)
    of_class = rng.permutation(population) < members
    some = rng.choice(population, scored, replace=False)
    score[some] = (rng.integers(levels, size=scored) + 1 + of_class[some] * rng.integers(levels, size=scored)) / 8
    order = np.argsort(-score, kind="stable")[:scored]
    tests = [stats.mannwhitneyu(score[of_class], score[~of_class], method="asymptotic", use_continuity=c) for c in (False, True)]
    return {"value": score[order].tolist(), "member": of_class[order].astype(int).tolist(), "members": members,
            "population": population, "auroc": roc_auc_score(of_class, score), "u": float(tests[0].statistic),
            "average_precision": average_precision_score(of_class, score), "p": float(tests[0].pvalue),
            "p_continuity": float(tests[1].pvalue)}


def welch(n, m, shift, scale):
    a, b = np.round(rng.normal(0, 1, n), 4), np.round(rng.normal(shift, scale, m), 4)
    test = stats.ttest_ind(a, b, equal_var=False)
    return {"a": a.tolist(), "b": b.tolist(), "t": float(test.statistic), "degrees": float(test.df), "p": float(test.pvalue)}


def decimal(fraction, digits=25):
    """As 1.234e-5, also where a double has no such exponent; truncated."""
    if fraction == 1:
        return "1.0"
    exponent = math.floor((fraction.numerator.bit_length() - fraction.denominator.bit_length()) * math.log10(2)) - 1
    while fraction >= Fraction(10) ** (exponent + 1):
        exponent += 1
    text = str(math.floor(fraction / Fraction(10) ** (exponent - digits + 1)))
    return "%s.%se%d" % (text[0], text[1:], exponent)


def fisher(k, n, K, N):
    """In integers; two-sided is the sum of all tables that are no more probable."""
    low, high = max(0, n + K - N), min(n, K)
    weight = math.comb(K, low) * math.comb(N - K, n - low)
    weights = []
    for x in range(low, high + 1):
        weights.append(weight)
        weight = weight * (K - x) * (n - x) // ((x + 1) * (N - K - n + x + 1))
    seen, total = weights[k - low], sum(weights)
    figures = {"two_sided": sum(w for w in weights if w <= seen), "greater": sum(weights[k - low:]),
               "less": sum(weights[:k - low + 1]), "point": seen}
    return {"k": k, "n": n, "K": K, "N": N, **{name: decimal(Fraction(sum_, total)) for name, sum_ in figures.items()}}


SIZES = [(1, 1), (2, 1), (2, 2), (3, 3), (4, 3), (5, 5), (7, 4), (10, 10), (12, 6), (17, 17), (25, 25), (30, 8), (40, 40),
         (60, 20), (90, 30), (120, 40), (200, 25), (300, 30), (350, 60), (400, 100)]
more = {
    "corrections": [corrections(*size, alpha) for size, alpha in zip(SIZES, 5 * [0.05, 0.01, 0.2, 0.05])],
    "ranks": [ranks(16534, 40, 200, 30), ranks(16534, 2000, 300, 4), ranks(16534, 16000, 64, 64), ranks(40, 20, 40, 8)],
    "welch": [welch(2, 2, 0, 1), welch(2, 3, 4, 1), welch(5, 4, 0.5, 3), welch(10, 40, 1, 0.2), welch(30, 30, 0.01, 1),
              welch(60, 20, 3, 1), welch(100, 150, 0.3, 2), welch(150, 150, 4, 1)],
    "fisher": [fisher(*table) for table in (
        (0, 64, 20000, 10**5), (64, 64, 20000, 10**5), (250, 500, 50000, 10**5), (310, 500, 50000, 10**5), (3, 2000, 3000, 10**5),
        (900, 3000, 3000, 10**5), (5, 64, 3000, 10**6), (1, 300, 300, 10**6), (0, 3000, 1000, 10**6), (60, 3000, 10000, 10**6),
        (3000, 3000, 10000, 10**6), (1500, 3000, 500000, 10**6), (1510, 3000, 500000, 10**6), (2100, 20000, 100000, 10**6))],
}


def by_line(value):
    """One line an entry."""
    return "{\n" + ",\n".join('"%s": [\n%s\n]' % (key, ",\n".join(json.dumps(entry) for entry in entries)) for key, entries in value.items()) + "\n}"


print(by_line(more))
