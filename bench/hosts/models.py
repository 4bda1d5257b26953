"""Writes a folder of ESM-2's shape with random weights, and the same for esm-cpp: models.py SIZE FOLDER."""
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import EsmConfig, EsmForMaskedLM

SIZES = {"8M": (6, 320), "35M": (12, 480)}  # layers, width
HEADS = 20
TOKENS = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]


def for_esm_cpp(folder, layers, width):
    """esm-cpp 0.2.1 wants buffers and names that transformers 5 no longer saves."""
    tensors = {name.replace("LayerNorm.beta", "LayerNorm.bias").replace("LayerNorm.gamma", "LayerNorm.weight"): tensor
               for name, tensor in load_file(folder / "model.safetensors").items() if ".*." not in name}
    half = torch.arange(0, width // HEADS, 2).float() / (width // HEADS)
    for i in range(layers):
        tensors[f"esm.encoder.layer.{i}.attention.self.rotary_embeddings.inv_freq"] = 1.0 / 10000 ** half
    tensors.setdefault("esm.embeddings.position_ids", torch.arange(1026)[None])
    tensors.setdefault("lm_head.decoder.weight", tensors["esm.embeddings.word_embeddings.weight"].clone())
    save_file(tensors, folder / "esm_cpp.safetensors", metadata={"format": "pt"})


def main():
    size, folder = sys.argv[1], Path(sys.argv[2])
    layers, width = SIZES[size]
    torch.manual_seed(0)
    model = EsmForMaskedLM(EsmConfig(
        vocab_size=len(TOKENS), mask_token_id=32, pad_token_id=1, position_embedding_type="rotary", token_dropout=True,
        emb_layer_norm_before=False, max_position_embeddings=1026, layer_norm_eps=1e-5, num_hidden_layers=layers,
        hidden_size=width, num_attention_heads=HEADS, intermediate_size=4 * width))
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n")
    for_esm_cpp(folder, layers, width)


if __name__ == "__main__":
    main()
