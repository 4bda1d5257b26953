"""SAELens' runner from texts to a saved SAE, on what train.toml says. Loading modules is outside the clock; the host's
weights, tokenizing and saving are inside. Prints tokens a second.

    python -m end_to_end.peer HOST FOLDER TOKENS THREADS
"""
import contextlib
import io
import json
import shutil
import sys
import time
import tomllib
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import torch
import zstandard
from datasets import Dataset
from sae_lens import LanguageModelSAERunnerConfig, LoggingConfig
from sae_lens.llm_sae_training_runner import LanguageModelSAETrainingRunner
from sae_lens.load_model import HookedProxyLM
from sae_lens.saes.topk_sae import TopKTrainingSAEConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

from contest import finish, rate

HERE = Path(__file__).resolve().parent
HOOK = "model.layers.4"    # blocks.4.out


def texts(file):
    with open(file, "rb") as packed:
        lines = zstandard.ZstdDecompressor().stream_reader(packed).read().decode().splitlines()
    return [json.loads(line)["text"] for line in lines]


def runner(host, folder, tokens):
    plan = tomllib.loads((HERE / "train.toml").read_text())
    rows, sae, train = plan["activations"], plan["sae"], plan["train"]
    tokenizer = AutoTokenizer.from_pretrained(host)
    model = AutoModelForCausalLM.from_pretrained(host, dtype=torch.float32).eval()
    config = LanguageModelSAERunnerConfig(
        sae=TopKTrainingSAEConfig(d_in=model.config.hidden_size, d_sae=sae["d_sae"], k=sae["k"]),
        model_name="local", model_class_name="AutoModelForCausalLM", hook_name=HOOK, dataset_path="local", streaming=False,
        is_dataset_tokenized=False, prepend_bos=True, context_size=rows["pack"], training_tokens=tokens,
        store_batch_size_prompts=rows["batch_tokens"] // rows["pack"], n_batches_in_buffer=rows["buffer_rows"] // rows["batch_tokens"],
        train_batch_size_tokens=train["batch"], device="cpu", dtype="float32", n_checkpoints=0, save_final_checkpoint=False,
        output_path=str(folder), checkpoint_path=None, logger=LoggingConfig(log_to_wandb=False), verbose=False)
    return LanguageModelSAETrainingRunner(
        config, override_dataset=Dataset.from_dict({"text": texts(HERE / plan["data"]["path"])}),
        override_model=HookedProxyLM(model, tokenizer, hook_names=[HOOK]))


def main():
    host, folder, tokens, threads = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    shutil.rmtree(folder, ignore_errors=True)
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        runner(host, folder, tokens).run()
    rate(tokens / (time.perf_counter() - begin))
    if not any(folder.rglob("*.safetensors")):
        sys.exit(f"{folder}: the runner saved no SAE")
    finish()


if __name__ == "__main__":
    main()
