"""Random programs in C under the address sanitiser: is anything read or written that is not theirs?

    python tests/stress/native.py --programs 10000 --seed 0       all of them, in a quarter of an hour
    python tests/stress/native.py --only 1234                     one program again, by its number

A hundred programs at a time are written into one file with a `main`, built by gcc with -fsanitize=address,undefined,
and run on memory of just the size that each array has. What is built is what `compile(f, backend="c")` builds:
functions of `drawing.py` with their gradients, and one of ten is a training step of a network with its update and its
epoch. They run on all their data, then on data that nobody wants: nan, infinities, and indices far outside. A program
for which the sanitiser reports something is printed, with the report, and the exit code is 1.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import argparse
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from drawing import DATA_SETS, draw
from roads import EAGER, function
from running import NEEDED

import autograd
from autograd import Tensor
from autograd.readings.c import type_of
from autograd.readings.native import native_text
from autograd.readings.trace import Trace
from autograd.readings.updates import record_update
from nn import SGD

FLAGS = ("-std=c11", "-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fopenmp-simd",
         "-fno-math-errno", "-march=native", "-w")  # fmt: skip
STEPS = 3  # of an epoch
MAIN = """
#include <stdio.h>
#include <stdlib.h>
static FILE *data;
static void *given(size_t size)
{
    void *room = malloc(size);
    if (fread(room, 1, size, data) != size) exit(3);
    return room;
}
"""


@dataclass
class Call:
    """A call of a function: what it takes, as arrays in memory of their own or as numbers by value."""

    function: str
    takes: list  # pairs of a C type, or nothing for an array, and the values
    leaves: list = field(default_factory=list)  # bytes of the memory that is to be filled


@dataclass
class Case:
    """A program in C with its calls. `shown` is what a person is shown where it goes wrong."""

    number: int
    text: str
    calls: list
    shown: str


def a_function(seed: int, number: int) -> Case:
    """One of the programs that `programs.py` draws."""
    drawn = draw(seed, number)
    tensors = {name: Tensor(drawn.arguments[name][0], name=name) for name in drawn.differentiated}
    outside = {name: x for name, x in tensors.items() if drawn.roles[name] == "outside"}
    f, _ = function(drawn, EAGER | outside, everything=False)
    names = drawn.signature(False)
    args = [tensors.get(name, drawn.arguments[name][0]) for name in names]
    trace = _traced(f, args)
    program, _, text = native_text(trace)
    whose = {id(x): name for name, x in tensors.items()}
    sources = [*names, *(whose[id(x)] for x in trace.outside)]
    calls = []
    for k in range(DATA_SETS + 2):
        rng = np.random.default_rng([seed, number, k])
        values = [drawn.arguments[name][k % DATA_SETS] for name in sources] + [x._value for x in trace.arrays]
        found = dict(zip(trace.parameters, values))
        takes = [(x, found[name]) for x, name in zip(program.inputs, program.parameters)]
        if all(np.shape(value) == x.shape for x, value in takes):
            calls.append(_call(program, takes, rng if k >= DATA_SETS else None))
    return Case(number, text, calls, drawn.shown())


def a_step(seed: int, number: int) -> Case:
    """A training step of a network with its update, and the epoch of it."""
    rng = np.random.default_rng([seed, number])
    dtype = rng.choice([np.float32, np.float64])
    sizes = [int(n) for n in rng.integers(1, 40, rng.integers(2, 5))]
    size = int(rng.integers(1, 14))
    act = [autograd.sigmoid, autograd.relu, autograd.softplus, np.tanh][rng.integers(4)]
    layers = [(Tensor(rng.normal(size=(n, m)).astype(dtype), name=f"w{i}"), Tensor(rng.normal(size=n).astype(dtype)))
              for i, (m, n) in enumerate(pairwise(sizes))]  # fmt: skip

    def cost(x, y):
        a = x
        for w, b in layers:
            a = act(a @ w.T + b)
        return np.sum((a - y) ** 2) / (2 * len(x))

    how = {"momentum": 0.9, "nesterov": bool(rng.random() < 0.5)} if rng.random() < 0.5 else {}
    update = SGD([p for layer in layers for p in layer], eta=0.1, **how)
    data = [rng.normal(size=(size, n)).astype(dtype) for n in (sizes[0], sizes[-1])]
    trace = _traced(cost, data)
    record_update(trace, update, update.numbers())
    program, rows, text = native_text(trace)
    values = [*data, *(x._value for x in [*trace.outside, *trace.arrays, *trace.extra])]
    found = dict(zip(trace.parameters, values))
    takes = [(x, found[name]) for x, name in zip(program.inputs, program.parameters)]
    calls = [_call(program, takes, None), _call(program, takes, rng)]
    if rows:
        many = int(rng.integers(1, 30))
        order = rng.integers(0, many, STEPS * size).astype(np.int64)
        whole = [(None, rng.normal(size=(many, *x.shape[1:])).astype(dtype)) for x in rows]
        rest = [(None, value if x.shape else np.full(STEPS, value, x.dtype)) for x, value in takes if x not in rows]
        given = [*whole, (None, order), ("int", 0), ("int", STEPS), *rest]
        calls.append(Call(f"{program.name}_epoch", given, [STEPS * program.value.dtype.itemsize]))
    shown = f"A network of {sizes} with {getattr(act, 'name', 'tanh')}, {size} rows of {np.dtype(dtype)}, SGD {how}\n"
    return Case(number, text, calls, shown)


def _traced(f, args):
    return Trace(f, args, is_parameter=lambda array: array.dtype.kind in "fiub" and array.size > 16)


def _call(program, takes: list, rng) -> Call:
    """A call with these values, or with strange ones where there is a generator."""
    given = [(None if x.shape else type_of(x.dtype), np.asarray(_strange(value, rng) if rng else value, x.dtype))
             for x, value in takes]  # fmt: skip
    return Call(program.name, given, [x.size * x.dtype.itemsize for x in program.outputs])


def _strange(value, rng):
    """Some of the elements nan, infinite, or far outside."""
    value = np.array(value)
    if value.dtype.kind == "f":
        others = np.array([np.nan, np.inf, -np.inf, np.finfo(value.dtype).max, -0.0, 0.0], value.dtype)
    elif value.dtype.kind in "iu":
        limits = np.iinfo(value.dtype)
        others = np.array([limits.min, limits.max, -1 if limits.min else 0, 100], value.dtype)
    else:
        return value
    return np.where(rng.random(value.shape) < 0.5, rng.choice(others, value.shape), value)[()]


def case_of(seed: int, number: int) -> Case:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return a_step(seed, number) if number % 10 == 9 else a_function(seed, number)


# Many in one file.


def file_of(cases: list) -> tuple[str, bytes]:
    """The file of C, and the data that it reads."""
    texts, callers, data = [], [], bytearray()
    for case in cases:
        mine = f"p{case.number}_"
        names = {call.function for call in case.calls} | {call.function.removesuffix("_epoch") for call in case.calls}
        text = re.sub(
            rf"\b({'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})\(", rf"{mine}\1(", case.text
        )
        texts.append(text)
        lines = [f"    fseek(data, {len(data)}, SEEK_SET);"]
        for call in case.calls:
            given, frees = [], []
            lines.append("    {")
            for i, (kind, value) in enumerate(call.takes):
                value = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
                data += value.tobytes()
                lines.append(f"        void *a{i} = given({value.nbytes});")
                is_whole = isinstance(kind, str) and kind == "int"
                given.append(f"*({'long long' if is_whole else kind} *)a{i}" if kind else f"a{i}")
                frees.append(f"a{i}")
            for i, size in enumerate(call.leaves):
                lines.append(f"        void *g{i} = malloc({size});")
                given.append(f"g{i}")
                frees.append(f"g{i}")
            lines.append(f"        {mine}{call.function}({', '.join(given)});")
            lines += [f"        free({name});" for name in frees]
            lines.append("    }")
        callers.append(f"static void run{case.number}(void)\n{{\n" + "\n".join(lines) + "\n}\n")
    runs = "".join(f'    printf("{c.number}\\n"), fflush(stdout);\n    run{c.number}();\n' for c in cases)
    end = 'int main(int n, char **names)\n{\n    data = fopen(names[n - 1], "rb");\n' + runs + "    return 0;\n}\n"
    return "".join(texts) + MAIN + "".join(callers) + end, bytes(data)


def reported(cases: list, folder: Path) -> list:
    """The cases for which there is a report, with the report."""
    found = []
    while cases:
        text, data = file_of(cases)
        (folder / "programs.c").write_text(text)
        (folder / "data").write_bytes(data)
        command = [NEEDED["native"], *FLAGS, "-o", str(folder / "programs"), str(folder / "programs.c"), "-lm"]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            if len(cases) == 1:
                return [*found, (cases[0], built.stderr)]
            half = len(cases) // 2
            return found + reported(cases[:half], folder) + reported(cases[half:], folder)
        done = subprocess.run([str(folder / "programs"), str(folder / "data")], capture_output=True, check=False)
        if done.returncode == 0:
            return found
        begun = done.stdout.split()
        if not begun:
            raise RuntimeError(f"the programs do not start: {done.stderr.decode(errors='replace')[:2000]}")
        at = [case.number for case in cases].index(int(begun[-1]))
        found.append((cases[at], done.stderr.decode(errors="replace")))
        cases = cases[at + 1 :]
    return found


def run(numbers, seed: int, together: int = 100, progress: bool = False) -> tuple[Counter, list]:
    """How many programs ran, how many were left out and why, and what was reported."""
    from tqdm import tqdm

    counts: Counter = Counter()
    found: list = []
    waiting: list = []
    with tempfile.TemporaryDirectory() as folder:
        for number in tqdm(numbers, disable=not progress, smoothing=0):
            try:
                waiting.append(case_of(seed, number))
            except (TypeError, ValueError, IndexError, ArithmeticError) as error:  # refused: programs.py asks how
                counts[type(error).__name__] += 1
                continue
            if len(waiting) == together:
                found += _of(waiting, Path(folder), counts)
        found += _of(waiting, Path(folder), counts)
    return counts, found


def _of(waiting: list, folder: Path, counts: Counter) -> list:
    found = reported(waiting, folder)
    counts["run"] += len(waiting)
    counts["calls"] += sum(len(case.calls) for case in waiting)
    waiting.clear()
    return found


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=int, default=10000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="what they are drawn with (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: %(default)s)")
    parser.add_argument("--only", type=int, help="the number of a single program, whose C is printed")
    parser.add_argument("--together", type=int, default=100, help="programs in one file (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    args = parser.parse_args(argv)
    if not NEEDED["native"]:
        parser.error("this machine has no gcc")
    started = time.monotonic()
    numbers = range(args.first, args.first + args.programs) if args.only is None else [args.only]
    if args.only is not None:
        print(case_of(args.seed, args.only).text)
    counts, found = run(numbers, args.seed, args.together, not args.quiet)
    for case, report in found:
        print(f"# program {case.number}: --seed {args.seed} --only {case.number}\n{case.shown}\n{report[:3000]}\n")
    left = ", ".join(f"{n} {name}" for name, n in counts.most_common() if name not in ("run", "calls"))
    print(f"{counts['run']} programs ran in {counts['calls']} calls, {len(found)} with a report"
          f" ({time.monotonic() - started:.0f} s); left out: {left or 'none'}")  # fmt: skip
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
