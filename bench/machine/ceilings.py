"""What this machine can do through LibTorch, which facet and its peers share: one line of JSON.

    python -m machine.ceilings THREADS
"""
import json
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import torch

SHAPES = [(2048, 480, 20000), (1024, 2048, 16384)]    # A1b and A3: rows, width, latents
COPIED = 1 << 28                                      # float32 numbers: 1 GiB
FEATURES = ["avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16"]
PEERS = ["torch", "sae-lens", "eai-sparsify", "dictionary-learning", "transformers", "safetensors", "numpy", "scipy", "goatools"]


def best_rate(call, amount):
    """Of BENCH_BLOCKS blocks."""
    call()
    rates = []
    for _ in range(int(os.environ["BENCH_BLOCKS"])):
        begin, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - begin < float(os.environ["BENCH_SECONDS"]):
            call()
            calls += 1
        rates.append(calls * amount / (time.perf_counter() - begin))
    return max(rates)


def gemm(dtype):
    """GFLOP/s of the faster shape."""
    rates = []
    for n, d, m in SHAPES:
        a, b, out = torch.randn(n, d).to(dtype), torch.randn(d, m).to(dtype), torch.empty(n, m, dtype=dtype)
        rates.append(best_rate(lambda: torch.mm(a, b, out=out), 2e-9 * n * d * m))
    return max(rates)


def memory():
    """GB/s of a copy (8 bytes a number: one read, one written) and of a = b + s c (12)."""
    a, b, c = (torch.full((COPIED,), float(i)) for i in range(3))
    return (best_rate(lambda: a.copy_(b), 8e-9 * COPIED),
            best_rate(lambda: torch.add(b, c, alpha=1.1, out=a), 12e-9 * COPIED))


def cpu():
    info = dict(line.split(":", 1) for line in open("/proc/cpuinfo").read().split("\n\n")[0].splitlines() if ":" in line)
    info = {name.strip(): value.strip() for name, value in info.items()}
    has = set(info.get("flags", "").split())
    return info.get("model name", "unknown"), [feature for feature in FEATURES if feature in has]


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def main():
    torch.set_num_threads(int(sys.argv[1]))
    name, features = cpu()
    copy, triad = memory()
    print(json.dumps({
        "cpu": name, "features": features, "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "fp32_gflops": round(gemm(torch.float32), 1), "bf16_gflops": round(gemm(torch.bfloat16), 1),
        "copy_gbs": round(copy, 2), "triad_gbs": round(triad, 2),
        "versions": {package: installed(package) for package in PEERS if installed(package)}}))


if __name__ == "__main__":
    main()
