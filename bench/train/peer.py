"""One peer on one workload in a process of its own: the loop body of its own trainer, or its encoder. Prints what
sae_steps prints: rows a second of each block, peak memory, the last loss.

    python -m train.peer train|encode PEER WORKLOAD ROWS.npy THREADS
"""
import os
import sys
import warnings

os.environ.update(SPARSIFY_DISABLE_TRITON="1", HF_HUB_OFFLINE="1", WANDB_MODE="disabled")
warnings.filterwarnings("ignore")

import numpy as np
import torch

from contest import blocks, finish
from train.workloads import LR, SHAPES


class Plain(torch.nn.Module):
    """What one would write by hand."""

    def __init__(self, d, m, k, tied, of_batch):
        super().__init__()
        rows = torch.nn.functional.normalize(torch.randn(m, d), dim=1)
        self.k, self.of_batch = k, of_batch
        self.W_dec = torch.nn.Parameter(rows)
        self.W_enc = None if tied else torch.nn.Parameter(rows.t().contiguous().clone())
        self.b_enc = torch.nn.Parameter(torch.zeros(m))
        self.b_dec = torch.nn.Parameter(torch.zeros(d))

    def encode(self, x):
        if self.W_enc is None:
            return torch.relu((x - self.b_dec) @ self.W_dec.t() + self.b_enc)
        pre = torch.addmm(self.b_enc, x - self.b_dec, self.W_enc)
        if self.of_batch:
            value, place = pre.flatten().topk(self.k * len(x), sorted=False)
            return torch.zeros_like(pre).flatten().scatter_(0, place, value.relu()).view_as(pre)
        value, latent = pre.topk(self.k, dim=-1, sorted=False)
        return torch.zeros_like(pre).scatter_(-1, latent, value.relu())

    def loss(self, x):
        codes = self.encode(x)
        error = (codes @ self.W_dec + self.b_dec - x).square().sum(-1).mean()
        return error + 1e-3 * codes.sum(-1).mean() if self.W_enc is None else error


def torch_peer(work):
    model = Plain(work["d"], work["m"], work["k"], work.get("tied", False), work.get("of_batch", False))
    optimiser = torch.optim.Adam(model.parameters(), lr=LR, fused=True)

    def step(x):
        optimiser.zero_grad(set_to_none=True)
        loss = model.loss(x)
        loss.backward()
        optimiser.step()
        return loss
    return step, model.encode


def saelens(work):
    from sae_lens.config import SAETrainerConfig
    from sae_lens.saes import batchtopk_sae, standard_sae, topk_sae
    from sae_lens.training.sae_trainer import SAETrainer
    size = dict(d_in=work["d"], d_sae=work["m"], device="cpu", dtype="float32")
    if work.get("tied"):
        sae = standard_sae.StandardTrainingSAE(standard_sae.StandardTrainingSAEConfig(**size))
    elif work.get("of_batch"):
        sae = batchtopk_sae.BatchTopKTrainingSAE(batchtopk_sae.BatchTopKTrainingSAEConfig(k=work["k"], **size))
    else:
        sae = topk_sae.TopKTrainingSAE(topk_sae.TopKTrainingSAEConfig(k=work["k"], **size))
    plan = SAETrainerConfig(total_training_samples=10**9, train_batch_size_samples=work["batch"], device="cpu", lr=LR, lr_end=LR / 10)
    trainer = SAETrainer(plan, sae, iter(()))

    def step(x):
        out = trainer.step(x)
        trainer.n_training_steps += 1
        return out.loss
    encoder = sae
    if sae.cfg.architecture() == "topk":
        encoder = topk_sae.TopKSAE(topk_sae.TopKSAEConfig(k=work["k"], **size))
        encoder.load_state_dict(sae.state_dict(), strict=False)
    return step, encoder.encode


def sparsify(work):
    from sparsify.config import SparseCoderConfig
    from sparsify.sparse_coder import SparseCoder
    sae = SparseCoder(work["d"], SparseCoderConfig(num_latents=work["m"], k=work["k"]), device="cpu", dtype=torch.float32)
    optimiser = torch.optim.Adam(sae.parameters(), lr=LR)
    silent = torch.zeros(work["m"], dtype=torch.long)

    def step(x):
        sae.set_decoder_norm_to_unit_norm()
        out = sae(x=x, y=x, dead_mask=None, total_variance=(x - x.mean(0)).pow(2).sum())
        fired = torch.zeros_like(silent, dtype=torch.bool)
        fired[out.latent_indices.flatten()] = True
        (out.fvu + out.auxk_loss * 0 + out.multi_topk_fvu / 8).backward()
        sae.remove_gradient_parallel_to_decoder_directions()
        optimiser.step()
        optimiser.zero_grad()
        silent.add_(len(x)).masked_fill_(fired, 0)
        return out.fvu
    return step, sae.encode


def dictionary_learning(work):
    from dictionary_learning.trainers import batch_top_k, standard, top_k
    size = dict(steps=10**6, activation_dim=work["d"], dict_size=work["m"], layer=0, lm_name="none", device="cpu")
    if work.get("tied"):
        trainer = standard.StandardTrainer(**size)
    else:
        of = batch_top_k.BatchTopKTrainer if work.get("of_batch") else top_k.TopKTrainer
        trainer = of(k=work["k"], lr=LR, **size)
    done = [0]

    def step(x):
        done[0] += 1
        return trainer.update(done[0] + 2000, x)  # past its warm-up
    return step, trainer.ae.encode


PEERS = {"torch": torch_peer, "saelens": saelens, "sparsify": sparsify, "dictionary_learning": dictionary_learning}


def main():
    mode, peer, name, file, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    work = SHAPES[name]
    batches = torch.from_numpy(np.load(file)).split(work["batch"])
    step, encode = PEERS[peer](work)
    call = torch.no_grad()(encode) if mode == "encode" else step
    at, out = 0, None

    def next_batch():
        nonlocal at, out
        out = call(batches[at % len(batches)])
        at += 1
    blocks(next_batch, work["batch"])
    said = mode == "train" and out is not None  # the standard trainer of dictionary_learning tells no loss
    finish(**({"loss": float(out)} if said else {}))


if __name__ == "__main__":
    main()
