"""How many wrong gradients are found, and how many slips are named?

    python tests/benchmarks/wrong_gradients                 the table
    python tests/benchmarks/wrong_gradients mlp_quadratic   of these functions only
    python tests/benchmarks/wrong_gradients --show          with every message that names nothing, or the wrong slip
    python tests/benchmarks/wrong_gradients --all           with every message

Found is what is refused. Named says what the slip is. Named rightly: the slip that is named is the true one. Accused
are right gradients that are refused. The time is that of the processor, the mean for a wrong gradient.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported
sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmark
sys.path.insert(0, str(Path(__file__).parents[3]))  # and the autograd that it stands beside

from autograd import equations
from wrong_gradients import CASES, is_named, naming

ROW = "{:26} {:>5} {:>6} {:>6} {:>8} {:>8} {:>8}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", help="names of files; all where none is given")
    parser.add_argument("--equations", action="store_true", help="print the derivation of each function")
    parser.add_argument("--show", action="store_true", help="print every message that is not right")
    parser.add_argument("--all", action="store_true", help="print every message")
    args = parser.parse_args()
    chosen = [case for case in CASES if not args.functions or case.name in args.functions]
    print(ROW.format("function", "wrong", "found", "named", "rightly", "accused", "seconds"))
    sums = [0] * 5
    mlps = [0] * 5
    for case in chosen:
        if args.equations:
            print(f"\n{case.name}\n\n{equations(case.f, *case.example())}\n")
        row, seconds, shown = judge(case)
        print(ROW.format(case.name, *row, f"{seconds:.2f}"), flush=True)
        for what, message, outcome in shown:
            if args.all or (args.show and outcome != "rightly"):
                print(f"\n  {outcome}: {what}\n" + "".join(f"    {line}\n" for line in message.splitlines()))
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        if case.name.startswith("mlp"):
            mlps = [a + b for a, b in zip(mlps, row, strict=True)]
    for name, row in (("multilayer perceptrons", mlps), ("all", sums)):
        if row[0]:
            print(ROW.format(name, *row, ""))
            shares = [f"{100 * n / row[0]:.0f} %" for n in row[1:4]]
            print(ROW.format("", "", *shares, "", ""))


def judge(case):
    """The figures of a function, the mean time, and what was said about each wrong gradient."""
    accused = sum(bool(case.message(right, seed)) for right in case.right.values() for seed in (0, 1))
    shown = []
    start = time.thread_time()
    for wrong in case.wrong:
        message = case.message(case.gradient(wrong))
        named = is_named(message) and (bool(naming(message)) or case.is_named_by(message, wrong))
        outcome = "not found" if not message else "not named" if not named else "wrongly"
        if message and case.is_named_by(message, wrong):
            outcome = "rightly"
        shown.append((wrong.what, message, outcome))
    seconds = (time.thread_time() - start) / len(case.wrong)
    outcomes = [outcome for _, _, outcome in shown]
    found = len(outcomes) - outcomes.count("not found")
    row = [len(outcomes), found, found - outcomes.count("not named"), outcomes.count("rightly"), accused]
    return row, seconds, shown


if __name__ == "__main__":
    main()
