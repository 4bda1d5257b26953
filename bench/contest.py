"""What a workload is to bench/run, and how a contestant written in Python times itself.

A contestant is a command. It prints lines of rates, then `peak_mib N` and whatever else it has to say as `name number`.
BENCH_BLOCKS and BENCH_SECONDS say how many blocks it times (after one to warm up), and how long each is at least.
"""
import multiprocessing
import os
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable


@dataclass(frozen=True)
class Asked:
    """What bench/run was asked for, as far as workloads care."""
    build: Path    # has bin/ and lib/facet/ of facet
    threads: int
    quick: bool    # small sizes: figures that mean nothing
    data: Path     # a folder for what is made once


@dataclass(frozen=True)
class Contestant:
    who: str               # "facet", or a peer
    command: list
    tuned: bool = False    # with an allocator that keeps its memory


@dataclass(frozen=True)
class Work:
    name: str
    what: str              # for a title
    unit: str              # of its rates: more is better
    contestants: Callable[[Asked], list]    # facet first: ratios of a round are facet over each other one
    targets: list = field(default_factory=list)    # of the build: files it must have


def apart(function, *given):
    """function(*given) in a process of its own, for what a workload makes once: bench/run stays small. What getrusage() calls
    a contestant's peak memory is that of who started it, if that was more."""
    child = multiprocessing.get_context("fork").Process(target=function, args=given)
    child.start()
    child.join()
    if child.exitcode != 0:
        sys.exit(f"{function.__module__}.{function.__name__}: failed, see above")


def blocks(step, amount, least_steps=3):
    """Calls step() over and over and prints amounts a second of each block."""
    count, seconds = int(os.environ["BENCH_BLOCKS"]), float(os.environ["BENCH_SECONDS"])
    for block in range(count + 1):  # the first one warms up
        begin, steps = time.perf_counter(), 0
        while steps < least_steps or time.perf_counter() - begin < seconds:
            step()
            steps += 1
        if block > 0:
            rate(steps * amount / (time.perf_counter() - begin))


def rate(value):
    print(f"{value:.6g}", flush=True)


def finish(peak_mib=None, **said):
    """The last lines: peak memory (of this process, unless it is given), and the rest."""
    if peak_mib is None:
        peak_mib = next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
    for name, value in {"peak_mib": peak_mib, **said}.items():
        print(f"{name} {value:.6g}")


def children_peak_mib():
    """Of the processes that this one started."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
