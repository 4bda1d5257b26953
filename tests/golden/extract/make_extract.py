#!/usr/bin/env python3
"""Golden extraction layout of seed 001 (numpy_store_results): esm2_tiny + a small TopK SAE on real proteins.

    pip install torch transformers safetensors numpy
    python make_extract.py DATA_DIR GOLDEN_DIR OUT_DIR [--input EXTRACT_DIR]
Own implementation (Hugging Face ESM2); a run of the published script with fair-esm on the same weights gave the same arrays and CSV.
"""
import csv
import gzip
import json
import os
import random
import sys

import numpy as np
import torch
from safetensors.torch import load_file, save_file

DATA, GOLDEN, OUT = sys.argv[1:4]
IN = sys.argv[sys.argv.index("--input") + 1] if "--input" in sys.argv else OUT
P = json.load(open(os.path.join(OUT, "plan.json")))
COLS = ["Entry", "Reviewed", "Entry Name", "Protein names", "Gene Names", "Organism", "Length", "Sequence", "Gene Ontology IDs", "Gene Ontology (GO)",
        "Gene Ontology (biological process)", "Gene Ontology (cellular component)", "Gene Ontology (molecular function)", "Protein families", "Coiled coil",
        "Compositional bias", "Domain [CC]", "Domain [FT]", "Motif", "Region", "Repeat", "Sequence similarities", "Zinc finger"]


def make_input():
    go, cur = {}, {}
    for line in gzip.open(os.path.join(DATA, "go-basic.obo.gz"), "rt"):
        line = line.rstrip("\n")
        if line.startswith("["):
            cur = {}
        for k in ("id", "name", "namespace"):
            if line.startswith(k + ": ") and k not in cur:
                cur[k] = line[len(k) + 2:]
        if len(cur) == 3:
            go[cur["id"]] = (cur["name"], cur["namespace"])
    rows = []
    src = list(csv.DictReader(gzip.open(os.path.join(DATA, "proteins.tsv.gz"), "rt"), delimiter="\t"))
    pick = [r for r in src if 40 <= len(r["Sequence"]) <= 90 and set(r["Sequence"]) <= set("ACDEFGHIKLMNPQRSTVWYU")][::7][:20]
    pick += [r for r in src if len(r["Sequence"]) > 170][:2]                    # too long for max_seq_len 160
    sw = [r for r in csv.DictReader(gzip.open(os.path.join(DATA, "swissprot_sample.tsv.gz"), "rt"), delimiter="\t") if len(r["Sequence"]) <= 160][:5]
    for r in pick[:8] + sw[:3] + pick[8:] + sw[3:]:
        ids = [x.strip() for x in (r["Gene Ontology IDs"] or "").split(";") if x.strip() in go]
        part = lambda ns: "; ".join("%s [%s]" % (go[i][0], i) for i in ids if go[i][1] == ns)
        rows.append({"Entry": r["Entry"], "Reviewed": "reviewed", "Entry Name": r.get("Entry Name") or "", "Protein names": r["Protein names"], "Gene Names": r["Gene Names"],
                     "Organism": r["Organism"], "Length": len(r["Sequence"]), "Sequence": r["Sequence"], "Gene Ontology IDs": "; ".join(ids),
                     "Gene Ontology (GO)": "; ".join("%s [%s]" % (go[i][0], i) for i in ids), "Gene Ontology (biological process)": part("biological_process"),
                     "Gene Ontology (cellular component)": part("cellular_component"), "Gene Ontology (molecular function)": part("molecular_function"),
                     "Protein families": "Made-up family, subfamily A" if len(rows) % 5 == 0 else "", "Domain [FT]": r.get("Domain [FT]") or ""})
    with open(os.path.join(OUT, "swissprot.tsv"), "w", newline="") as f:
        w = csv.DictWriter(f, COLS, delimiter="\t", lineterminator="\n", restval="")
        w.writeheader()
        w.writerows(rows)


def main():
    if not os.path.exists(os.path.join(IN, "swissprot.tsv")):
        make_input()
    from transformers import EsmForMaskedLM
    d = os.path.join(GOLDEN, "esm2_tiny")
    model = EsmForMaskedLM.from_pretrained(d, attn_implementation="eager", dtype=torch.float32).eval()
    vocab = {t.strip(): i for i, t in enumerate(open(os.path.join(d, "vocab.txt")))}
    sf = os.path.join(IN, "sae.safetensors")
    if not os.path.exists(sf):
        g = torch.Generator().manual_seed(P["seed"])
        h, dim = P["hidden_dim"], 64
        W = (torch.rand(dim, h, generator=g) * 2 - 1) / h ** 0.5 * 6
        save_file({"model.weights.0": W, "model.weights.1": W.T.contiguous(), "model.weights.2": 0.4 * torch.randn(h, generator=g) - 3.6, "model.weights.3": 0.1 * torch.randn(dim, generator=g),
                   "model.neuron_idle_counts": torch.randint(1, 300, (h,), generator=g)}, sf)
        torch.save({"state_dict": load_file(sf), "hyper_parameters": {"input_dim": dim, "hidden_dim": h, "k": P["k"], "encoder_decoder_init": 1, "learning_rate": 1e-4, "inactive_threshold": 200},
                    "pytorch-lightning_version": "2.2.0", "epoch": 0, "global_step": 1}, os.path.join(OUT, "sae.ckpt"))
    w = load_file(sf)
    rows = list(csv.DictReader(open(os.path.join(IN, "swissprot.tsv"), newline=""), delimiter="\t"))
    ok = [r for r in rows if len(r["Sequence"]) <= P["max_seq_len"] and (not P["human_filter"] or r["Organism"] == "Homo sapiens (Human)")]
    picked = list(range(len(ok)))
    if len(ok) > P["max_samples"]:
        random.seed(P["random_seed"])
        picked = random.sample(range(len(ok)), P["max_samples"])
    emb, nxt, meta = [], [], []
    split = lambda s: [x.strip() for x in s.split(";")] if s else []
    for n, i in enumerate(picked):
        r = ok[i]
        ids = torch.tensor([[0] + [vocab.get(c, 3) for c in r["Sequence"]] + [2]])
        with torch.no_grad():
            hs = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
        emb.append(hs[P["esm_layer"]][0, 1:-1].mean(0))
        meta.append({"sample_idx": n, "sequence_id": r["Entry"], "sequence": r["Sequence"], "sequence_length": len(r["Sequence"]),
                     "go_ids": ",".join(split(r["Gene Ontology IDs"])), "go_terms": ",".join(split(r["Gene Ontology (GO)"])), "length": r["Length"],
                     "go_biological": ",".join(split(r["Gene Ontology (biological process)"])), "go_cellular": ",".join(split(r["Gene Ontology (cellular component)"])),
                     "go_molecular": ",".join(split(r["Gene Ontology (molecular function)"])), "entry_name": r["Entry Name"] or "None", "protein_names": r["Protein names"] or "None",
                     "gene_names": r["Gene Names"] or "None", "organism": r["Organism"], "protein_families": r["Protein families"]})
    x = torch.stack(emb)
    mu = x.mean(-1, keepdim=True)
    var = ((x - mu) ** 2).mean(-1, keepdim=True)
    pre = ((x - mu) / (var + 1e-5).sqrt() - w["model.weights.3"]) @ w["model.weights.0"] + w["model.weights.2"]
    v, i = pre.topk(P["k"], dim=-1, sorted=True)
    s = pre.sort(-1, descending=True).values
    tag = "time20260101_000000_cktsae_maxsamples%d".replace("ckt", "ckpt") % P["max_samples"]
    np.save(os.path.join(OUT, "POOLING_embeddings_%s.npy" % tag), x.numpy())
    np.save(os.path.join(OUT, "POOLING_activations_%s.npy" % tag), v.relu().numpy())
    np.save(os.path.join(OUT, "POOLING_indices_%s.npy" % tag), i.numpy())
    with open(os.path.join(OUT, "POOLING_metadata_%s.csv" % tag), "w", newline="") as f:
        c = csv.DictWriter(f, list(meta[0]), lineterminator="\n")
        c.writeheader()
        c.writerows(meta)
    z = torch.zeros_like(pre).scatter(-1, i, v.relu())
    xh = (z @ w["model.weights.1"] + w["model.weights.3"]) * var.sqrt() + mu
    save_file({"reconstruction": xh, "pre_activation": pre}, os.path.join(OUT, "golden.safetensors"))
    json.dump({"definitions": "README.md", "tolerance": {"embedding_abs": 2e-5, "activation_abs": 1e-4, "note": "compare index->value per row: the order inside a row is free (sorted=False in the script; here descending). Zero values keep their index."},
               "parameters": P, "rows_in_tsv": len(rows), "eligible": len(ok), "picked_positions_among_eligible": picked, "zero_valued_selected": int((v <= 0).sum()),
               "topk_gap_min": (s[:, P["k"] - 1] - s[:, P["k"]]).min().item(), "mean_squared_error": ((xh - x) ** 2).mean().item(),
               "versions": {"torch": torch.__version__}}, open(os.path.join(OUT, "golden.json"), "w"), indent=1)
    print(len(ok), picked, int((v <= 0).sum()), (s[:, P["k"] - 1] - s[:, P["k"]]).min().item())


main()
