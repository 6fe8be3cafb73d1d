"""How much faster is a training on several ranks, and what goes into their sums? Needs the extra `distributed`.

    python tests/benchmarks/distributed.py              1 and 2 ranks on this machine, and the model for more
    python tests/benchmarks/distributed.py --epochs 2   fewer epochs, for a first look

784-1000-500-10 with relu and softmax in float32 is trained on the 50,000 training images, with mini-batches of 256 for
each rank, and each rank on one thread. All numbers of ranks take their turn, several times. The first epoch of a run,
which records the graph, is left out. The figures of a step are those of the fastest epoch: what else a machine does can
only make it slower, and with several ranks the slowest of them counts. The time in sums is what rank 0 waits for the
others, and the sums themselves.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from nn import Network, load_digits
from nn.distributed import Ranks

SIZES, EACH, FEW, IMAGES = [784, 1000, 500, 10], 256, 32, 50_000
NETWORKS = {"10 Gbit/s Ethernet": (1.25e9, 30e-6), "100 Gbit/s InfiniBand": (12.5e9, 2e-6)}  # bytes/s, seconds


def parameters():
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(SIZES))


def flops(rows):
    """Of the gradient of a mini-batch: three products for each layer, but for the error of the pixels, of two each."""
    products = [n_in * n_out for n_in, n_out in pairwise(SIZES)]
    return 2 * rows * (3 * sum(products) - products[0])


def communication(ranks, bandwidth, latency):
    """Seconds of a sum: each rank sends and receives twice its buffer, but for its own part, in 2 log2 N steps."""
    size = 4 * parameters()
    return 2 * (ranks - 1) / ranks * size / bandwidth + 2 * math.log2(ranks) * latency


def on_this_rank(epochs, each):
    """What a rank does; rank 0 prints the seconds of each epoch, those of its sums, and those of a sum alone."""
    ranks = Ranks()
    training, _, _ = load_digits(dtype=np.float32)
    net = Network(SIZES, activation="relu", cost="log-likelihood", init="scaled", dtype=np.float32, rng=0)
    found, before = [], 0.0

    def report(epoch):
        nonlocal before
        found.append((epoch.seconds, ranks.seconds - before))
        before = ranks.seconds

    net.SGD(training, epochs + 1, each * ranks.size, 0.05, rng=0, ranks=ranks, report=report)
    buffer, alone = np.ones(parameters() + 1, np.float32), []
    for _ in range(50):
        since = time.perf_counter()
        ranks.add(buffer)
        alone.append(time.perf_counter() - since)
    if ranks.rank == 0:
        print(json.dumps({"epochs": found[1:], "alone": statistics.median(alone)}))


def measured(ranks, each, epochs):
    mpiexec = Path(sys.executable).with_name("mpiexec")
    command = [mpiexec if mpiexec.exists() else "mpiexec", "-n", ranks, sys.executable, __file__, "--rank", each,
               "--epochs", epochs]  # fmt: skip
    return json.loads(subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=4, help="in each turn (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns (default: 3)")
    parser.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rank:
        on_this_rank(args.epochs, args.rank)
        return
    kinds = [(1, EACH), (2, EACH), (1, FEW)]
    turns = [{kind: measured(*kind, args.epochs) for kind in kinds} for _ in range(args.rounds)]
    print(f"{'-'.join(map(str, SIZES))}, {parameters():,} parameters, float32\n")
    print("ranks  rows of each  steps  s per epoch: median, fastest  ms per step  ms in sums  share  a sum alone, ms")
    steps, sums, alone = {}, {}, {}
    for kind in kinds:
        ranks, each = kind
        epochs = [epoch for turn in turns for epoch in turn[kind]["epochs"]]
        n = math.ceil(IMAGES / (each * ranks))
        median, (fastest, in_sums) = statistics.median(seconds for seconds, _ in epochs), min(epochs)
        steps[kind], sums[kind] = fastest / n, in_sums / n
        alone[kind] = min(turn[kind]["alone"] for turn in turns)
        print(f"{ranks:5}{each:14}{n:7}{median:21.2f}{fastest:9.2f}{1e3 * steps[kind]:13.1f}"
              f"{1e3 * sums[kind]:12.2f}{sums[kind] / steps[kind]:7.1%}{1e3 * alone[kind]:17.2f}")  # fmt: skip
    many, few = (steps[kind] - sums[kind] for kind in ((1, EACH), (1, FEW)))  # what a rank does by itself
    row = (many - few) / (EACH - FEW)
    fixed = max(many - EACH * row, 0.0)
    with_sum = many + alone[2, EACH]
    print(f"\nA rank by itself takes {1e6 * row:.0f} microseconds for a row ({flops(1) / row / 1e9:.0f} Gflop/s), and"
          f" {1e3 * fixed:.1f} ms for the update and the like.\nTwo ranks should so take {1e3 * with_sum:.1f} ms for a"
          f" step with their sum, and take {1e3 * steps[2, EACH]:.1f} ms.")  # fmt: skip
    print("\nThe model for more: a step takes what a rank does by itself, and 2 (N - 1)/N bytes/bandwidth"
          " + 2 log2(N) latency.\n")  # fmt: skip
    print(f"{'':24}ranks  ms per sum   {EACH} rows each: share, times faster   2,048 in all: share, times faster")
    for name, network in NETWORKS.items():
        for ranks in (8, 64, 1000):
            total = communication(ranks, *network)
            wide, narrow = many + total, fixed + 2048 / ranks * row + total
            print(f"{name:24}{ranks:5}{1e3 * total:12.2f}{total / wide:23.0%}{ranks * many / wide:14.0f}"
                  f"{total / narrow:22.0%}{(fixed + 2048 * row) / narrow:14.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
