"""Random programs along all roads: is a value, a gradient or an equation ever wrong?

    python tests/stress/programs.py --programs 20000 --seed 0        all of them, in a quarter of an hour on two cores
    python tests/stress/programs.py --roads source --only 1234       one program again, by its number
    python tests/stress/programs.py --roads native,c,javascript --every 1      in C and in JavaScript, which takes long

Every program is a function of several arguments that ends in one number. Its value is held against plain NumPy, the
gradient of `backward` against central differences, and what `grad`, `compile`, `source`, `equations` and second
derivatives make of it against `backward`, on several sets of data; one of ten also what C (`native` is compile with
backend="c", and `c` source) and JavaScript make of it. A road may refuse a program by name; a wrong number,
an error without a name and a warning that the eager run does not give are faults, and programs with a fault are printed
as functions that can be run, as small as they could be made. The exit code is 1 where there is a fault.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import argparse
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from drawing import Program, draw
from roads import COSTLY, ROADS, Outcome, check
from running import NEEDED
from shrinking import shrink

FAULTS = ("wrong", "crashed")
STATUSES = ("right", "wrong", "crashed", "refused", "unread")


@dataclass
class Findings:
    """What came of all programs.

    table   by road and status, the number of programs
    kinds   by road, status and kind of message: how many, and the number of the first program
    unfit   the programs that say nothing: their value is no Tensor, or their gradient not finite
    smooth  the directions in which differences were taken, and `kinks` those where they say nothing
    """

    table: Counter = field(default_factory=Counter)
    kinds: dict = field(default_factory=dict)
    failing: list = field(default_factory=list)
    unfit: int = 0
    counts: Counter = field(default_factory=Counter)

    def add(self, number: int, outcomes: list[Outcome], counts: dict) -> None:
        self.counts.update(counts)
        for outcome in outcomes:
            if outcome.status == "unfit":
                self.unfit += 1
                return
            self.table[outcome.road, outcome.status] += 1
            if outcome.status == "right":
                continue
            key = (outcome.road, outcome.status, kind_of_message(outcome))
            if key in self.kinds:
                self.kinds[key][0] += 1
            else:
                self.kinds[key] = [1, number]
            if outcome.status in FAULTS:
                self.failing.append((number, outcome))

    @property
    def faults(self) -> int:
        return sum(n for (_, status), n in self.table.items() if status in FAULTS)

    def shown(self, roads=ROADS) -> str:
        lines = [f"{'road':12}{'programs':>10}" + "".join(f"{status:>10}" for status in STATUSES)]
        for road in roads:
            row = [self.table[road, status] for status in STATUSES]
            lines.append(f"{road:12}{sum(row):>10}" + "".join(f"{n:>10}" for n in row))
        lines.append(
            f"{self.unfit} programs say nothing (no Tensor, or not finite); differences in {self.counts['smooth']}"
            f" directions, and a kink in {self.counts['kinks']} more"
        )
        return "\n".join(lines)

    def refusals(self) -> str:
        lines = []
        for (road, status, message), (n, first) in sorted(self.kinds.items(), key=lambda item: -item[1][0]):
            if status in ("refused", "unread"):
                lines.append(f"{n:6}  {road:12}{status:9}{message}  (program {first})")
        return "\n".join(lines)


def kind_of_message(outcome: Outcome) -> str:
    """The message without what differs from program to program."""
    text = re.sub(r" is false: .*", " is false", outcome.message)
    text = re.sub(r"^\w+ replaced: ", "… replaced: ", text)
    text = re.sub(r"derivative by \w+ is", "derivative by … is", text)
    text = re.sub(r"the line of .*? is", "the line of … is", text)
    text = re.sub(r"\([\d, ]*\)", "(…)", text)
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", text)
    text = re.sub(r"(?<![\w.])-?\d[\w.+-]*", "#", text)
    text = re.sub(r"np\.float\d+\(#\)", "#", text)
    text = re.sub(r"the gradient of [^\W\d]\w*", "the gradient of …", text)
    text = re.sub(r"(array|Tensor) (made by \w+ )?(of shape …)?", r"\1 ", text)
    text = re.sub(r"along \[.*?\]", "along […]", text)
    text = re.sub(r", at \(…\) of \(…\)|data #: |(overwrite, )?call #: ", "", text)
    return text[:150] + (f"  [{outcome.where}]" if outcome.where else "")


def one(number: int, seed: int, roads: tuple[str, ...], every: int = 1):
    taken = roads if number % every == 0 else [road for road in roads if road not in COSTLY]
    outcomes, counts = check(draw(seed, number), taken)
    return number, outcomes, counts


def smallest(task):
    number, outcome, seed = task
    return number, *shrink(draw(seed, number), outcome)


DECISIONS = re.compile(
    r"np\.(arg\w+|\w*greater\w*|\w*less\w*|\w*equal|logical_\w+|nonzero|sign\w*|is\w+|searchsorted|count_nonzero)"
    r"|[<>&|~]|[!=]=|float\(|int\(|max\(|min\(|sorted\(| if |\[K\d+\]"
)


def cause(program: Program, outcome: Outcome) -> tuple:
    """What tells two faults apart: the road, and the operations that a shrunken program still has. Where only later
    data go wrong, something was decided by the first, and what decides is what counts."""
    road, status, message = outcome.road, outcome.status, outcome.message
    if status == "crashed":
        return road, status, kind_of_message(outcome)
    text = " ".join([s.expression for s in program.statements] + [program.result])
    stage = message.split(":")[0] if road == "second" else ""
    if re.search(r"(data|call) [1-9]", message):
        return road, status, stage, "by the first data", *sorted({found[0] for found in DECISIONS.finditer(text)})
    words = re.findall(r"np\.[\w.]+|(?<!\w)[a-z_]+(?=\()|\.[a-zT]+|\*\*|[@~&|<>/]", text)
    return road, status, stage, *sorted(set(words) - {"np.sum"})


def run(programs, seed: int, roads=ROADS, jobs: int = 1, progress: bool = False, every: int = 10) -> Findings:
    """Send these programs, by their numbers, along the roads; one of `every` along those that are costly."""
    from tqdm import tqdm

    findings = Findings()
    work = partial(one, seed=seed, roads=tuple(roads), every=every)
    if jobs == 1:
        results = map(work, programs)
        for result in tqdm(results, total=len(programs), disable=not progress, smoothing=0):
            findings.add(*result)
        return findings
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        results = pool.imap(work, programs, chunksize=16)
        for result in tqdm(results, total=len(programs), disable=not progress, smoothing=0):
            findings.add(*result)
    return findings


def shrunken(findings: Findings, seed: int, jobs: int, most: int, progress: bool) -> dict:
    """Failing programs made small, the ones of one cause together."""
    from tqdm import tqdm

    by_kind = defaultdict(list)
    for number, outcome in findings.failing:
        by_kind[outcome.road, outcome.status, kind_of_message(outcome)].append((number, outcome, seed))
    tasks = []
    while len(tasks) < most and any(by_kind.values()):  # some of every kind
        tasks += [group.pop(0) for group in by_kind.values() if group]
    causes: dict = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        done = pool.imap(smallest, tasks[:most])
        for number, program, outcome in tqdm(done, total=len(tasks[:most]), disable=not progress, desc="shrinking"):
            causes[cause(program, outcome)].append((number, program, outcome))
    return causes


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=int, default=20000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="what they are drawn with (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: %(default)s)")
    parser.add_argument(
        "--only", type=int, help="the number of a single program, which is printed with what becomes of it"
    )
    parser.add_argument("--roads", default=",".join(ROADS), help="backward always comes first (default: %(default)s)")
    parser.add_argument(
        "--every", type=int, default=10, help="one of how many goes in C and in JavaScript too (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: %(default)s)")
    parser.add_argument(
        "--shrink", action=argparse.BooleanOptionalAction, default=True, help="print failing programs, made small"
    )
    parser.add_argument(
        "--most", type=int, default=120, help="how many failing programs to shrink (default: %(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    args = parser.parse_args(argv)
    roads = tuple(args.roads.split(","))
    unknown = ", ".join(set(roads) - set(ROADS))
    if unknown:
        parser.error(f"there is no road {unknown}; they are {', '.join(ROADS)}")
    for road in [road for road in roads if not NEEDED.get(road, True)]:
        print(f"{road}: nobody takes it, since this machine has not what runs it")
    roads = tuple(road for road in roads if NEEDED.get(road, True))
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        os.environ.setdefault("HANDGRAD_CACHE", folder)  # of what is built nothing is kept
        return travelled(args, roads)


def travelled(args, roads: tuple[str, ...]) -> int:
    """What `main` does when it knows along which roads."""
    if args.only is not None:
        program = draw(args.seed, args.only)
        print(program.shown())
        outcomes, _ = check(program, roads)
        for outcome in outcomes:
            print(f"{outcome.road:12} {outcome.status:8} {outcome.message}  {outcome.where}")
        return int(any(outcome.status in FAULTS for outcome in outcomes))
    started = time.monotonic()
    numbers = range(args.first, args.first + args.programs)
    findings = run(numbers, args.seed, roads, args.jobs, not args.quiet, args.every)
    shown = ["backward", *(road for road in roads if road != "backward")]
    print(findings.shown(shown))
    print(f"{time.monotonic() - started:.0f} s, {args.jobs} processes, seed {args.seed}\n")
    print("Refused, by kind of message:\n" + findings.refusals() + "\n")
    faults = {key: value for key, value in findings.kinds.items() if key[1] in FAULTS}
    if faults:
        print("Faults, by kind of message:")
        for (road, status, message), (n, first) in sorted(faults.items(), key=lambda item: -item[1][0]):
            print(f"{n:6}  {road:12}{status:9}{message}  (program {first})")
    if faults and args.shrink:
        causes = shrunken(findings, args.seed, args.jobs, args.most, not args.quiet)
        print(f"\n{len(causes)} causes, as far as they can be told apart:\n")
        for found in sorted(causes.values(), key=lambda found: -len(found)):
            number, program, outcome = min(found, key=lambda x: len(x[1].shown()))
            print(f"# {len(found)} made small; {outcome.road} {outcome.status}: {outcome.message[:300]}")
            print(f"# from --seed {args.seed} --only {number}\n{program.shown()}")
    return int(findings.faults > 0)


if __name__ == "__main__":
    sys.exit(main())
