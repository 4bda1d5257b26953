"""The table of workloads. A further kind is one more module with works(), and one more line here."""
import end_to_end.workloads
import go.workloads
import hosts.workloads
import store.workloads
import train.workloads

KINDS = [
    train.workloads,         # A: training, B: encoding
    hosts.workloads,         # C: forward passes of a host
    go.workloads,            # D: enrichment of GO terms
    store.workloads,         # E: rows on disk
    end_to_end.workloads,    # F: from texts to a trained SAE
]
WORKS = {work.name: work for kind in KINDS for work in kind.works()}
