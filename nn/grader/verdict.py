"""Judges a learner's file: are its gradients right, where do they go wrong, and which slip explains it?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from autograd.grading.fence import MEMORY, Fence, FenceError
from nn.equations import Array
from nn.grader.calling import UnjudgedError
from nn.grader.problems import CHOICES, SETTINGS, Case, Lists, Networks, Told, make_cases
from nn.grader.report import TOLERANCE, Mark, Report
from nn.grader.slips import another_network, find_slips, reversed_lists, summed_up, times_something, zero
from nn.grader.trials import (
    Ask,
    Trial,
    attempts,
    call,
    derives_with_us,
    distance,
    engine_lists,
    in_our_shapes,
    takes_batches,
)
from nn.proof.numbers import finite_differences, relative_difference

# Layers of different sizes tell a transpose by its shape. Equal ones let a slip run that would not fit otherwise.
NETWORKS = ((4, 6, 5, 3), (5, 5, 5, 5), (4, 6, 6, 3), (4, 6, 3), (5, 5, 5), (3, 6, 4, 5, 2), (5, 5, 5, 5, 5))
SINGLE = (4, 3, 1)  # with one output
EXACT = 1e-8  # what double precision leaves of a gradient


def assess(trial: Trial, cases: dict[int, Case]) -> tuple[bool, list[str], dict[int, float]]:
    """Return whether the gradients are right, what else is wrong, and how far each case is from the engine."""
    differences = {k: distance(returned, cases[k]) for k, returned in trial.returned.items()}
    judged = {len(cases[k].w) for k in trial.returned}
    if len(judged) > 1:  # else it may be a solution for networks of one depth
        judged |= {len(case.w) for case in cases.values()}
    wrong = []
    for k, outcome in trial.failed.items():
        if cases[k].primary and len(cases[k].w) in judged:
            verb = "raises" if outcome["raised"] else "cannot be judged"
            wrong.append(f"For a network {size_text(cases[k])} it {verb}:\n{outcome['failed']}")
            break
    if trial.any("unsummed"):
        wrong.append(
            "BP3, dC/db^l = delta^l: the bias is not summed over the mini-batch; nabla_b has an entry per example."
        )
    if trial.any("swapped"):
        wrong.append(
            "nabla_b and nabla_w are swapped: the book's backprop returns (nabla_b, nabla_w). Where the other order is"
            ' meant, the file can say so: ORDER = "w,b".'
        )
    if trial.any("integers"):
        wrong.append(
            f"{trial.any('integers')}: the dtype is one of whole numbers, which cuts off what stands after the point."
            " Make arrays of floats, such as np.zeros(b.shape)."
        )
    if trial.any("changed"):
        wrong.append(
            f"It changes {trial.any('changed')} in place, so that whoever called it goes on with other numbers."
        )
    if not trial.repeats:
        wrong.append(
            "Called again with the same arguments, it returns other numbers: it keeps something between calls."
        )
    return all(d <= TOLERANCE for d in differences.values()), wrong, differences


def size_text(case: Case) -> str:
    return "-".join(map(str, case.sizes))


def marks(trial: Trial, cases: dict[int, Case]) -> list[Mark]:
    """Mark each parameter, by the largest differences over some networks of one depth."""
    rows: dict[str, Mark] = {}
    for k, case in cases.items():
        net = case.network()
        for parts, engines, letter in zip(trial.returned[k], engine_lists(case), "bw", strict=True):
            for layer, (theirs, ours) in enumerate(zip(parts, engines, strict=True), 1):
                theirs, ours, top = theirs.reshape(-1), ours.reshape(-1), int(np.argmax(np.abs(ours)))
                some = np.unique([top, *np.random.default_rng(0).permutation(ours.size)[:20]])
                quotients, _ = finite_differences(net, case.x, case.y, f"{letter}{layer}", some)
                smooth = ~np.isnan(quotients)  # beside a kink of relu
                apart = relative_difference(theirs[some][smooth], quotients[smooth] * case.factor)
                shape = (case.sizes[layer], case.sizes[layer - 1]) if letter == "w" else (case.sizes[layer],)
                row = Mark(f"{letter}{layer}", shape, float(theirs[top]), float(ours[top]), 0.0, 0.0)
                row = rows.setdefault(row.name, row)
                row.from_engine = float(np.maximum(row.from_engine, relative_difference(theirs, ours)))  # nan stays nan
                row.from_differences = float(np.maximum(row.from_differences, apart))
    return [rows[name] for name in sorted(rows, key=lambda name: (int(name[1:]), name[0] == "b"))]


def first_wrong_layer(rows: Sequence[Mark]) -> str:
    """Say from which layer on it goes wrong, counted from the output back, and which equation that points to."""
    wrong = [row.name for row in rows if not row.passed]
    if not wrong:
        return ""
    last, layer = max(int(row.name[1:]) for row in rows), max(int(name[1:]) for name in wrong)
    parts = [f"dC/d{name}" for name in wrong if int(name[1:]) == layer]
    right = f"layer {last} is right" if layer == last - 1 else f"layers {last} to {layer + 1} are right"
    start = "It goes wrong in the output layer already" if layer == last else (
        f"Counted from the output back, {right}, and it goes wrong from layer {layer} on")  # fmt: skip
    if len(parts) == 2:
        points = (
            "BP1, the error of the output layer, or to the forward pass"
            if layer == last
            else "BP2, the error of a layer from that of the layer after it, or to the forward pass"
        )
    else:
        points = "BP4, dC/dw from the error" if parts[0][4] == "w" else "BP3, dC/db from the error"
    zero = [f"dC/d{row.name}" for row in rows if row.name in wrong and row.learner == 0]
    nothing = f" {summed_up(zero)} {'is' if len(zero) == 1 else 'are'} zero." if zero else ""
    return f"{start}: {' and '.join(parts)}. That points to {points}.{nothing}"


def _ask(fence: Fence) -> Ask:
    """Make the function that asks the learner's process."""

    def ask(question: dict[str, Any], arrays: Sequence[Array]) -> tuple[dict[str, Any], list[Array]]:
        doing = "while the file itself was being run" if "path" in question else "while its backprop was being called"
        try:
            return fence.ask(question, arrays, doing=doing)
        except FenceError as error:
            hint = '; what trains a network belongs under `if __name__ == "__main__":`'
            late = "path" in question and "stopped after" in str(error)
            raise UnjudgedError(f"{error}{hint if late else ''}") from None

    return ask


@contextlib.contextmanager
def learner(path: Path, timeout: float, memory: int, printed: list[str]) -> Iterator[Ask]:
    """Start a process for a learner's file, and yield the function that asks it. Note what it has printed."""
    with Fence("from nn.grader.calling import main; main()", path.parent, timeout=timeout, memory=memory) as fence:
        try:
            yield _ask(fence)
        finally:
            fence.close()
            printed.append(fence.printed)


def load(ask: Ask, path: Path, told: Told) -> Told:
    """Run the file. Return what was told, completed by what its constants say."""
    said, _ = ask({"path": str(path)}, [])
    if "failed" in said:
        raise UnjudgedError(str(said["failed"]))
    for name, choices in CHOICES.items():
        if isinstance(said.get(name), str) and name not in told:
            value = said[name].lower().replace("_", "-")
            if value in choices:
                told = told | {name: value}
            elif name in SETTINGS:  # the others are found out all the same, so the constant may be about something else
                raise UnjudgedError(f"its {name.upper()} is {value!r}; it can be {' or '.join(map(repr, choices))}")
    return {name: next(iter(CHOICES[name])) for name in SETTINGS} | told


def try_out(ask: Ask, told: Told, networks: Networks, seed: int) -> tuple[dict[int, Case], list[Trial]]:
    """Try the file. Return the cases, and a trial for each convention."""
    cases = dict(enumerate(make_cases(networks, told, seed)))

    def right(trial: Trial) -> bool:
        correct, wrong, _ = assess(trial, cases)
        return correct and not wrong

    return cases, attempts(ask, cases, right)


def pool(trials: Sequence[Trial], cases: dict[int, Case], source: str) -> list[Trial]:
    """Pick the trials that count. A function that is meant for mini-batches is judged on those.

    One of a single example may run on a mini-batch too. The book's, given one in columns, returns an unsummed nabla_b,
    and no 1/n; what adds up a cost, and derives it by itself, returns the sum over the examples.
    """
    batch = [t for t in trials if t.convention.examples == "batch" and t.returned]
    one = [t for t in trials if t.convention.examples == "one" and t.returned]
    summed = [t for t in batch if not t.any("unsummed")]
    meant = [t for t in summed if takes_batches(source, t.convention.orientation)]
    means = [t for t in batch if all(
        relative_difference(p, q) <= TOLERANCE
        for k in t.returned for p, q in zip(t.returned[k][1], engine_lists(cases[k])[1], strict=True)
    )]  # fmt: skip
    return meant or (means if cases[0].told["reduction"] == "mean" else []) or one or summed or batch


def failure(trials: Sequence[Trial], cases: dict[int, Case]) -> str:
    """Say why no convention worked, using the one in which the file got furthest."""
    failed = [(not cases[k].primary, -o["line"], t.convention.examples == "batch", o["raised"], o["failed"])
              for t in trials for k, o in t.failed.items()]  # fmt: skip
    _, _, _, raised, text = min(failed, key=lambda f: f[:3])
    text = str(text)
    if not raised:
        return text
    shapes = "ValueError" in text and any(word in text for word in ("not aligned", "mismatch", "broadcast"))
    hint = ", as where a transpose is missing" if shapes else ""
    return f"its backprop raises, however the arrays are laid{hint}:\n{text}"


def grade(
    path: str | Path, *, sizes: Sequence[int] | None = None, seed: int = 0, timeout: float = 60.0,
    memory: int = MEMORY, hint: bool = False, **told: str | None,
) -> Report:  # fmt: skip
    """Judge the `backprop(net, x, y)` in a Python file, which is EXECUTED, for `timeout` seconds at most.

    sizes   judge it on a network of these sizes; by default on several, of two to four layers of weights
    memory  megabytes that it may hold
    hint    let the report say which equation is wrong, but not what is wrong in it
    told    any of CHOICES. By default cost is "quadratic", activation "sigmoid" and reduction "mean"; examples,
            orientation and weights are found out by trying

    The file may say the same in constants, such as COST = "cross-entropy". It may also define a class with a method
    backprop(self, x, y). Raises ValueError for a choice that there is not.
    """
    path, known = Path(path).absolute(), {name: value for name, value in told.items() if value is not None}
    for name, value in known.items():
        if name not in CHOICES or value not in CHOICES[name]:
            raise ValueError(f"{name} is {value!r}; it can be {' or '.join(map(repr, CHOICES.get(name, ())))}")
    printed: list[str] = []
    try:
        if not path.is_file():
            raise UnjudgedError("it is a directory" if path.is_dir() else "there is no such file")
        source = path.read_text("utf-8", "replace")
        with learner(path, timeout, memory, printed) as ask:
            report = _judged(ask, path, source, known, sizes, seed)
    except (UnjudgedError, OSError, LookupError, TypeError, ValueError) as error:  # also answers that are none
        report = Report(2, f"could not be judged: {path.name}: {error}")
    report.printed, report.hint = "".join(printed), hint
    return report


def _judged(ask: Ask, path: Path, source: str, told: Told, sizes: Sequence[int] | None, seed: int) -> Report:
    """Judge a file that is loaded in the process that is asked."""
    told = load(ask, path, told)
    networks: Networks = [(list(net), len(set(net)) == len(net)) for net in NETWORKS]
    if told["cost"] != "log-likelihood":
        networks = [*networks, (list(SINGLE), False)]  # of one output, a softmax is 1
    if sizes is not None:
        networks = [(list(sizes), True), ([5] * len(sizes), False)]
    cases, trials = try_out(ask, told, networks, seed)
    if not any(trial.returned for trial in trials):
        why = failure(trials, cases)
        if sizes is None:
            cases, trials = try_out(ask, told, [([784, 30, 10], True)], seed)
        if not any(trial.returned for trial in trials):
            raise UnjudgedError(why)
    return _verdict(ask, path, source, cases, pool(trials, cases, source), trials)


def _slips(ask: Ask, trial: Trial, cases: dict[int, Case], differences: dict[int, float], whole: bool) -> list[str]:
    """Find the slips that explain what was returned, in words. `whole`: try all of them, not only the likely ones."""
    wrong = [k for k, case in one_depth(trial, cases, differences).items() if not differences[k] <= TOLERANCE]
    k = min(wrong, key=lambda k: (len(set(cases[k].sizes)) < len(cases[k].sizes), len(cases[k].x), k))
    case, rng = cases[k], np.random.default_rng(k)
    if zero(trial.returned[k]):
        return ["All gradients are zero: so is sigma' where sigmoid(z) * 1 - sigmoid(z) lacks its brackets."]

    if reversed_lists(trial.returned[k], engine_lists(case)):
        return ["The lists begin with the output layer; they have to begin with the first layer."]

    def again() -> tuple[Case, Lists] | None:
        y = rng.dirichlet(np.ones(case.sizes[-1]), len(case.x)) if case.sizes[-1] > 1 else rng.random(case.y.shape)
        w = [w * rng.uniform(0.7, 1.3, w.shape) for w in case.w]
        b = [b + 0.1 * rng.random(b.shape) for b in case.b]
        other = replace(case, w=w, b=b, x=rng.standard_normal(case.x.shape), y=y, derived=None)
        found, lists = call(ask, other, trial.convention)
        return None if "failed" in found else (other, in_our_shapes(lists, other, trial.convention))

    theirs, another = trial.returned[k], another_network(case, trial.returned[k])
    likely = find_slips(case, theirs, again, likely=True)
    another = another or times_something(theirs, engine_lists(case))
    if likely or another or not whole:
        return likely or [another] * bool(another)
    return find_slips(case, theirs, again, likely=False)


def _verdict(
    ask: Ask, path: Path, source: str, cases: dict[int, Case], trials: Sequence[Trial], tried: Sequence[Trial]
) -> Report:
    # Most networks done first: a wrong convention only runs where all layers have the same size.
    order = sorted(trials, key=lambda t: (-len(t.returned), -sum(o["exact"] for o in t.found.values())))
    assessed = [(trial, *assess(trial, cases)) for trial in order]
    trial, right, wrong, differences = min(assessed, key=lambda a: (not a[1], bool(a[2])))
    slips: list[str] = []
    if not right and not trial.any("integers") and trial.repeats and max(differences.values()) < np.inf:
        # The fewest slips win: a wrong convention, where all layers have one size, takes more of them to explain.
        done = [a for a in assessed if len(a[0].returned) == len(trial.returned) and max(a[3].values()) < np.inf]
        for number, a in enumerate(sorted(done, key=lambda a: a[0] is not trial)[:3]):
            found = _slips(ask, a[0], cases, a[3], whole=number == 0)
            if found and (not slips or len(found) < len(slips)):
                slips, (trial, right, wrong, differences) = found, a
            if len(slips) == 1:
                break
    rows = marks(trial, one_depth(trial, cases, differences))
    told, worst = cases[0].told, max(differences.values())
    networks = ", ".join(dict.fromkeys(size_text(cases[k]) for k in trial.returned))
    first = trial.any("order") == "w,b"
    mean = f", the {told['reduction']} over the mini-batch" if trial.convention.examples == "batch" else ""
    notes = [
        f"Judged for {told['cost']} cost and {told['activation']} hidden layers{mean}, on networks {networks}, called"
        f" with {trial.convention}; it returns {'nabla_w, nabla_b' if first else 'nabla_b, nabla_w'}."
    ]
    if not all(outcome["exact"] or outcome["unsummed"] for outcome in trial.found.values()):
        notes.append(
            "nabla_b has other shapes than the biases: flatten or reshape it before it is subtracted from them."
        )
    if derives_with_us(source):
        notes.append(
            "It imports nn or autograd: if it lets them derive the gradient, it shows no derivation of its own."
        )
    if right and not wrong:
        if trial.convention.examples == "one" and any(
            t.convention.examples == "batch" and t.returned and not t.any("unsummed") for t in tried
        ):
            notes.append(
                "It is a function of one example: given a mini-batch, it returns something else than the mean."
            )
        missing = {len(cases[k].w) for k in trial.failed} - {len(cases[k].w) for k in trial.returned}
        if missing:
            why = next(o["failed"] for k, o in trial.failed.items() if len(cases[k].w) == min(missing))
            notes.append(f"It works for networks of this depth only; for {min(missing)} layers of weights:\n{why}")
        if worst > EXACT:
            notes.append("It agrees as far as single precision, or finite differences, reach.")
        headline = f"right: {path.name} differs from the engine by {worst:.1e} of the largest gradient at most"
        return Report(0, headline, rows, notes=notes)
    if any(
        word in slip
        for slip in slips
        for word in ("other cost", "quadratic cost", "hidden layers are", "not its mean", "too often")
    ):
        notes.append(
            "If that is what the file means, say so: with --cost, --activation or --reduction, or by a constant in the"
            ' file, such as COST = "cross-entropy", ACTIVATION = "tanh" or REDUCTION = "sum".'
        )
    if right:
        headline = f"wrong: {path.name} returns the right numbers where it can be judged, but see below"
    elif worst < np.inf:
        headline = f"wrong: {path.name} differs from the engine by {worst:.1e} of the largest gradient"
    else:
        headline = f"wrong: {path.name} returns gradients that are not finite numbers (NaN or infinity)"
    slips = [text for text in wrong if text.startswith("BP3")] + slips
    rest = [text for text in wrong if text not in slips] + notes
    return Report(1, headline, rows, first_wrong_layer(rows), slips, rest)


def one_depth(trial: Trial, cases: dict[int, Case], differences: dict[int, float]) -> dict[int, Case]:
    """Pick the cases of one depth that returned something: a wrong one if there is any, three layers if possible."""
    wrong = [k for k, difference in differences.items() if not difference <= TOLERANCE]
    depths = {len(cases[k].w) for k in wrong or differences}
    depth = 3 if 3 in depths else max(depths)
    return {k: cases[k] for k in trial.returned if len(cases[k].w) == depth}
