"""How much faster is a training on several ranks, and what goes into their sums? Needs the extra `distributed`.

    python tests/benchmarks/distributed.py              1 and 2 ranks on this machine, and the model for more
    python tests/benchmarks/distributed.py --epochs 2   fewer epochs, for a first look

784-1000-500-10 with relu and softmax in float32 is trained on the 50,000 training images, with mini-batches of 256 for
each rank, and each rank on one thread. All numbers of ranks take their turn, several times; a figure is the median over
epochs, but for the first of each run, which records the graph. Communication is what a rank waits for the others in a
sum, and the sum itself.
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

SIZES, EACH, IMAGES = [784, 1000, 500, 10], 256, 50_000
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


def on_this_rank(epochs):
    """What a rank does; rank 0 prints the seconds of each epoch, those of its sums, and those of a sum alone."""
    ranks = Ranks()
    training, _, _ = load_digits(dtype=np.float32)
    net = Network(SIZES, activation="relu", cost="log-likelihood", init="scaled", dtype=np.float32, rng=0)
    found, before = [], 0.0

    def report(epoch):
        nonlocal before
        found.append((epoch.seconds, ranks.seconds - before))
        before = ranks.seconds

    net.SGD(training, epochs + 1, EACH * ranks.size, 0.05, rng=0, ranks=ranks, report=report)
    buffer, alone = np.ones(parameters() + 1, np.float32), []
    for _ in range(50):
        since = time.perf_counter()
        ranks.add(buffer)
        alone.append(time.perf_counter() - since)
    if ranks.rank == 0:
        print(json.dumps({"epochs": found[1:], "alone": statistics.median(alone)}))


def measured(ranks, epochs):
    mpiexec = Path(sys.executable).with_name("mpiexec")
    command = [mpiexec if mpiexec.exists() else "mpiexec", "-n", ranks, sys.executable, __file__, "--rank",
               "--epochs", epochs]  # fmt: skip
    return json.loads(subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=4, help="in each turn (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns (default: 3)")
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rank:
        on_this_rank(args.epochs)
        return
    turns = [{ranks: measured(ranks, args.epochs) for ranks in (1, 2)} for _ in range(args.rounds)]
    print(f"{'-'.join(map(str, SIZES))}, {parameters():,} parameters, {EACH} rows for each rank, float32\n")
    print("ranks  mini-batch  steps  s per epoch  ms per step  in sums, ms  share of the sums  a sum alone, ms")
    steps, sums, alone = {}, {}, {}
    for ranks in (1, 2):
        epochs = [epoch for turn in turns for epoch in turn[ranks]["epochs"]]
        n = math.ceil(IMAGES / (EACH * ranks))
        seconds = statistics.median(seconds for seconds, _ in epochs)
        steps[ranks], sums[ranks] = seconds / n, statistics.median(waited for _, waited in epochs) / n
        alone[ranks] = statistics.median(turn[ranks]["alone"] for turn in turns)
        print(f"{ranks:5}{EACH * ranks:12}{n:7}{seconds:13.2f}{1e3 * steps[ranks]:13.1f}{1e3 * sums[ranks]:13.2f}"
              f"{sums[ranks] / steps[ranks]:18.1%} {1e3 * alone[ranks]:17.2f}")  # fmt: skip
    own = steps[1] - sums[1]  # what a rank does by itself
    print(f"\nA rank by itself takes {1e3 * own:.1f} ms for a step of {flops(EACH) / 1e9:.2f} Gflop:"
          f" {flops(EACH) / own / 1e9:.0f} Gflop/s. Two ranks should so take {1e3 * (own + alone[2]):.1f} ms,"
          f" and take {1e3 * steps[2]:.1f} ms.")  # fmt: skip
    print("\nThe model: a step takes what a rank does by itself, and a sum of 2 (N - 1)/N bytes/bandwidth"
          " + 2 log2(N) latency.\n")  # fmt: skip
    print(f"{'':24}ranks  ms per sum  share of the sums  times faster  the same for a mini-batch of 2,048 in all")
    for name, network in NETWORKS.items():
        for ranks in (8, 64, 1000):
            sum_of_all = communication(ranks, *network)
            step, short = own + sum_of_all, own * 2048 / ranks / EACH + sum_of_all
            print(f"{name:24}{ranks:5}{1e3 * sum_of_all:12.2f}{sum_of_all / step:18.0%}{ranks * own / step:15.0f}"
                  f"{own * 2048 / EACH / short:15.1f} times, {sum_of_all / short:.0%} in sums")  # fmt: skip


if __name__ == "__main__":
    main()
