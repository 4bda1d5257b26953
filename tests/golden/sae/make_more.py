#!/usr/bin/env python3
"""Small SAEs as their programs save them, in forms that the larger folders here do not have, and what they give.

    pip install sae-lens==6.54.12 natsort simple-parsing
    pip install --no-deps eai-sparsify==1.3.3 dictionary-learning==0.1.0
    python make_more.py FOLDER

Each folder: the checkpoint, golden.safetensors (x, features, decoded, forward where it is another), golden.json.
"""
import importlib
import json
import os
import shutil
import sys
import types
from importlib.metadata import version

import torch
from safetensors.torch import load_file, save_file

D_IN, D_OUT, D_SAE, ROWS = 10, 7, 24, 16
OUT = sys.argv[1]
torch.set_grad_enabled(False)
random = torch.Generator().manual_seed(20)


def draw(*shape):
    return torch.randn(*shape, generator=random)


def fill(module):
    """Every parameter is drawn anew: nothing is zero, of norm 1 or symmetric by accident."""
    for name, value in sorted(module.named_parameters()):
        scale = D_IN ** -0.5 if value.dim() == 2 else 0.2
        value.copy_(draw(*value.shape) * scale)
        if name == "threshold":
            value.abs_().add_(0.2)
        if name == "W_dec":
            value.mul_(torch.linspace(0.4, 2.0, D_SAE)[:, None])
    return module


X = draw(ROWS, D_IN) @ draw(D_IN, D_IN) * 0.6 + draw(D_IN)


def golden(name, library, features, decoded, forward=None):
    path = os.path.join(OUT, name)
    tensors = {"x": X, "features": features, "decoded": decoded}
    if forward is not None:
        tensors["forward"] = forward
    save_file({key: value.float().contiguous().clone() for key, value in tensors.items()}, path + "/golden.safetensors")
    said = {"library": library, "version": version(library), "torch": torch.__version__,
            "tolerance": {"features_abs": 2e-5, "decoded_abs": 5e-5, "note": "the same latents must be nonzero"}}
    json.dump(said, open(path + "/golden.json", "w"), indent=1)
    active = (features != 0).sum(1).float().mean().item()
    assert 0 < active < D_SAE, name
    print(f"{name}: {active:.1f} active")


def saelens():
    import sae_lens as S
    from sae_lens.saes import transcoder as T
    from sae_lens.saes.sae import SAEMetadata

    def meta():
        return SAEMetadata(model_name="pythia", hook_name="blocks.1.hook_resid_pre", hook_name_out="blocks.2.hook_mlp_out")

    common = dict(d_in=D_IN, d_sae=D_SAE, dtype="float32", device="cpu")
    across = dict(common, d_out=D_OUT, apply_b_dec_to_input=False)
    plan = [
        ("topk_decoder_norm", S.TopKSAE, S.TopKSAEConfig(**common, k=5, rescale_acts_by_decoder_norm=True, metadata=meta())),
        ("abstopk", S.AbsTopKSAE, S.AbsTopKSAEConfig(**common, k=5, metadata=meta())),
        ("jumprelu_layer_norm", S.JumpReLUSAE, S.JumpReLUSAEConfig(**common, normalize_activations="layer_norm", metadata=meta())),
        ("jumprelu_skip_transcoder", T.JumpReLUSkipTranscoder, T.JumpReLUSkipTranscoderConfig(**across, metadata=meta())),
    ]
    for name, kind, config in plan:
        path = os.path.join(OUT, "saelens_" + name)
        fill(kind(config)).save_model(path)
        sae = S.SAE.load_from_disk(path)
        features = sae.encode(X)
        decoded = sae.decode(features)
        golden("saelens_" + name, "sae-lens", features, decoded, sae(X) if "skip" in name else None)

    # What a training saves on its way: a batchtopk with its threshold, which is a jumprelu once it is used.
    for name, kind, config in (("batchtopk", S.BatchTopKTrainingSAE, S.BatchTopKTrainingSAEConfig),
                               ("matryoshka_batchtopk", S.MatryoshkaBatchTopKTrainingSAE, S.MatryoshkaBatchTopKTrainingSAEConfig)):
        more = {"matryoshka_widths": [8, 16]} if "matryoshka" in name else {}
        path = os.path.join(OUT, f"saelens_{name}_checkpoint")
        sae = fill(kind(config(**common, k=4, metadata=meta(), **more)))
        sae.topk_threshold = torch.tensor(0.7, dtype=torch.double)
        sae.save_model(path)
        sae.save_inference_model(path + "/inference")
        used = S.SAE.load_from_disk(path + "/inference")
        shutil.rmtree(path + "/inference")
        features = used.encode(X)
        golden(f"saelens_{name}_checkpoint", "sae-lens", features, used.decode(features))

    # Before version 6 cfg.json had other keys, and one level.
    def older(name, cfg, sae, dtype=torch.float32):
        path = os.path.join(OUT, "saelens_" + name)
        os.makedirs(path, exist_ok=True)
        save_file({key: value.to(dtype).contiguous() for key, value in sae.state_dict().items()}, path + "/sae_weights.safetensors")
        json.dump(dict(cfg, d_in=D_IN, d_sae=D_SAE, device="cpu", dtype=str(dtype)), open(path + "/cfg.json", "w"), indent=1)
        used = S.SAE.load_from_disk(path, dtype="float32")
        features = used.encode(X)
        golden("saelens_" + name, "sae-lens", features, used.decode(features))

    older("v3_standard", {"hook_point": "blocks.1.hook_resid_pre", "model_name": "pythia", "activation_fn_str": "relu",
                          "normalize_activations": False, "hook_point_head_index": None, "prepend_bos": True},
          fill(S.StandardSAE(S.StandardSAEConfig(**common))), torch.bfloat16)
    older("v5_topk", {"hook_name": "blocks.1.hook_resid_pre", "model_name": "pythia", "activation_fn_str": "topk",
                      "activation_fn_kwargs": {"k": 3}, "architecture": "standard", "apply_b_dec_to_input": False,
                      "normalize_activations": None, "sae_lens_training_version": "5.4.0", "finetuning_scaling_factor": False},
          fill(S.TopKSAE(S.TopKSAEConfig(**common, k=3))), torch.float16)


def sparsify():
    import sparsify.sparse_coder as module
    from sparsify import SparseCoder, SparseCoderConfig
    from sparsify.utils import eager_decode

    module.decoder_impl = eager_decode  # the other one needs a GPU
    path = os.path.join(OUT, "sparsify_groupmax")
    fill(SparseCoder(D_IN, SparseCoderConfig(num_latents=D_SAE, k=6, activation="groupmax"))).save_to_disk(path)
    coder = SparseCoder.load_from_disk(path)
    coded = coder.encode(X)
    features = torch.zeros(ROWS, D_SAE).scatter_(1, coded.top_indices.long(), coded.top_acts)
    golden("sparsify_groupmax", "eai-sparsify", features, coder.decode(coded.top_acts, coded.top_indices))


def dictionary_learning():
    for name in ("nnsight", "wandb", "umap"):  # of its trainings
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].LanguageModel = object
    from dictionary_learning import dictionary as D
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE

    plan = [("gated", D.GatedAutoEncoder(D_IN, D_SAE), {}), ("new", D.AutoEncoderNew(D_IN, D_SAE), {}),
            ("matryoshka", MatryoshkaBatchTopKSAE(D_IN, D_SAE, 4, [8, 16]), {"k": 4})]
    for name, sae, more in plan:
        path = os.path.join(OUT, "dictlearn_" + name)
        os.makedirs(path, exist_ok=True)
        fill(sae)
        if name == "matryoshka":
            sae.threshold.fill_(0.6)
        torch.save(sae.state_dict(), path + "/ae.pt")
        trainer = {"dict_class": type(sae).__name__, "activation_dim": D_IN, "dict_size": D_SAE, "layer": 1, "lm_name": "pythia",
                   "submodule_name": "resid_post_layer_1", **more}
        json.dump({"trainer": trainer, "buffer": {"d_submodule": D_IN, "io": "out"}}, open(path + "/config.json", "w"), indent=1)
        features = sae.encode(X)
        golden("dictlearn_" + name, "dictionary-learning", features, sae.decode(features))


def transcoder_layer_norm():
    import sae_lens as S
    from sae_lens.saes.transcoder import Transcoder, TranscoderConfig

    path = os.path.join(OUT, "saelens_transcoder_layer_norm")
    fill(Transcoder(TranscoderConfig(d_in=D_IN, d_sae=D_SAE, d_out=D_OUT, dtype="float32", device="cpu",
                                     apply_b_dec_to_input=False, normalize_activations="layer_norm"))).save_model(path)
    sae = S.SAE.load_from_disk(path)
    features = sae.encode(X)
    golden("saelens_transcoder_layer_norm", "sae-lens", features, sae.decode(features))


saelens()
sparsify()
dictionary_learning()
transcoder_layer_norm()
