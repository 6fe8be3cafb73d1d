"""The verdict on a learner's file: whether its gradients are right, where they go wrong, and which slip explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from nn.equations import Array
from nn.files import FileError
from nn.grader.calling import Outcome, UnjudgedError
from nn.grader.problems import CHOICES, Case, Convention, Lists, Networks, Told, conventions, make_cases
from nn.grader.process import run
from nn.grader.report import TOLERANCE, Mark, Report
from nn.grader.slips import Slip, factors, gradient_with, sets_of_slips
from nn.proof.numbers import engine_gradient, finite_differences, relative_difference

# Layers of different sizes tell a transpose by its shape. Equal ones let a slip run that would not fit otherwise.
NETWORKS = ((4, 6, 5, 3), (5, 5, 5, 5), (4, 6, 6, 3), (4, 6, 3), (5, 5, 5), (3, 6, 4, 5, 2), (5, 5, 5, 5, 5))
EXACT = {4: TOLERANCE, 8: 1e-8}  # for naming a slip, by the bytes of the learner's numbers


@dataclass
class Trial:
    """The outcome of one convention: what the learner's function returned, or how it failed, by the number of the case.

    The lists of gradients are in our own shapes, (n_out,) and (n_out, n_in).
    """

    convention: Convention
    returned: dict[int, Lists] = field(default_factory=dict)
    found: dict[int, Outcome] = field(default_factory=dict)
    failed: dict[int, Outcome] = field(default_factory=dict)

    def take(self, case: Case, outcome: Outcome, found: list[Array]) -> None:
        k, layers = outcome["case"], len(case.w)
        if "failed" in outcome:
            self.failed[k] = outcome
            return
        nabla_b = []
        for g, b in zip(found[:layers], case.b, strict=True):
            g = g if g.size == b.size else g.sum(axis=0 if g.shape[1] == b.size else 1)  # where the sum was forgotten
            nabla_b.append(g.reshape(-1))
        nabla_w = [g if self.convention.weights == "out,in" else g.T for g in found[layers:]]
        self.returned[k], self.found[k] = (nabla_b, nabla_w), outcome

    def any(self, key: str) -> Any:
        return next((outcome[key] for outcome in self.found.values() if outcome.get(key)), None)

    @property
    def repeats(self) -> bool:
        return all(outcome.get("repeats", True) for outcome in (*self.found.values(), *self.failed.values()))


def explained(trial: Trial, cases: dict[int, Case], slips: Sequence[Slip], exact: float) -> list[str] | None:
    """Say what is wrong besides the slips, if with a known factor they reproduce what was returned; else None."""
    names: dict[str, list[str]] = {}
    values: dict[str, list[float]] = {"b": [], "w": []}
    for k, case in cases.items():
        try:
            derived = gradient_with(slips, case)
        except (ValueError, LookupError):
            return None
        known = list(factors(case))
        for part, mine, theirs in zip("bw", derived, trial.returned[k], strict=True):
            mine_flat, theirs_flat = (np.concatenate([g.reshape(-1) for g in gs]) for gs in (mine, theirs))
            square = float(mine_flat @ mine_flat)
            c = float(theirs_flat @ mine_flat) / square if square else 1.0
            if not all(relative_difference(t, c * m) <= exact for t, m in zip(theirs, mine, strict=True)):
                return None
            fitting = [text for text, value in known if abs(c - value) <= 10 * exact * abs(value)]
            names[part] = [text for text in names.get(part, fitting) if text in fitting]
            values[part].append(c)
    texts = []
    for part, found in names.items():
        if found:
            texts.append(found[0])
        elif not slips and np.ptp(values[part]) <= 10 * exact * abs(values[part][0]):
            texts.append(f"it is {values[part][0]:.6g} times what it should be")
        else:
            return None
    if texts[0] == texts[1]:
        return [f"In all gradients, {texts[0]}."] if texts[0] else []
    return [f"In nabla_{part}, {text}." for part, text in zip("bw", texts, strict=True) if text]


def likely_slips(trial: Trial, cases: dict[int, Case], number: int) -> list[str]:
    """Find `number` slips that reproduce what was returned, in words; 0 is for a factor alone. [] if there are none."""
    exact = EXACT[min(trial.found[k]["bytes"] for k in cases)]
    if number == 0:
        return explained(trial, cases, (), exact) or []
    first = min(cases, key=lambda k: sum(cases[k].sizes))
    found = []
    for slips in sets_of_slips(trial.returned[first], cases[first], number, exact):
        if explained(trial, {first: cases[first]}, slips, exact) is not None:
            more = explained(trial, cases, slips, exact)
            if more is not None:
                found.append([*(f"{slip}." for slip in slips), *more])
    return min(found, key=len, default=[])


def assess(trial: Trial, cases: dict[int, Case]) -> tuple[bool, list[str], dict[int, float]]:
    """Return whether the gradients are right, what else is wrong, and how far each case is from the engine."""
    differences = {}
    for k, (nabla_b, nabla_w) in trial.returned.items():
        engine = engine_lists(cases[k])
        differences[k] = max(
            relative_difference(p, q) if np.all(np.isfinite(p)) else np.inf
            for p, q in zip(nabla_b + nabla_w, chain(*engine), strict=True)
        )
    judged = {len(cases[k].w) for k in trial.returned}
    if len(judged) > 1:  # else it may be a solution for networks of one depth
        judged |= {len(case.w) for case in cases.values()}
    wrong = []
    for k, outcome in trial.failed.items():
        if cases[k].primary and len(cases[k].w) in judged:
            verb = "raises" if outcome["raised"] else "cannot be judged"
            wrong.append(f"For a network {name_of(cases[k])} it {verb}:\n{outcome['failed']}")
            break
    if trial.any("unsummed"):
        wrong.append(
            "BP3, dC/db^l = delta^l: the bias is not summed over the mini-batch; nabla_b has an entry per example."
        )
    if trial.any("changed"):
        wrong.append(
            f"It changes {trial.any('changed')} in place, so that whoever called it goes on with other numbers."
        )
    if not trial.repeats:
        wrong.append("Called again with the same arguments, it returns other numbers: something is kept between calls.")
    return all(d <= TOLERANCE for d in differences.values()), wrong, differences


def name_of(case: Case) -> str:
    return "-".join(map(str, case.sizes))


def engine_lists(case: Case) -> Lists:
    """Derive the gradient with the engine, as (nabla_b, nabla_w)."""
    engine = engine_gradient(case.network(), case.x, case.y)
    nabla_b, nabla_w = ([engine[f"{p}{layer}"] * case.factor for layer in range(1, len(case.w) + 1)] for p in "bw")
    return nabla_b, nabla_w


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


def where(rows: Sequence[Mark]) -> str:
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
    nothing = f" {' and '.join(zero)} {'is' if len(zero) == 1 else 'are'} zero." if zero else ""
    return f"{start}: {' and '.join(parts)}. That points to {points}.{nothing}"


def try_out(
    path: Path, told: Told, networks: Networks, seed: int, timeout: float
) -> tuple[Told, dict[int, Case], list[Trial]]:
    """Try the file. Return what was told, the cases, and a trial for each convention."""
    report, arrays = run(path, told, networks, seed, timeout)
    cases = dict(enumerate(make_cases(networks, report["told"], seed)))
    trials = [Trial(convention) for convention in conventions(report["told"])]
    rest = arrays["all"]
    for outcome in report["outcomes"]:
        found = []
        for shape in outcome["shapes"]:
            size = int(np.prod(shape))
            found.append(rest[:size].reshape(shape))
            rest = rest[size:]
        trials[outcome["convention"]].take(cases[outcome["case"]], outcome, found)
    return report["told"], cases, trials


def pool(trials: Sequence[Trial], cases: dict[int, Case]) -> list[Trial]:
    """Pick the trials that count. A function that takes mini-batches is judged on those alone.

    The book's function of one example, given a mini-batch in columns, returns an unsummed nabla_b, and no 1/n.
    """
    batch = [t for t in trials if t.convention.examples == "batch" and t.returned]
    one = [t for t in trials if t.convention.examples == "one" and t.returned]
    summed = [t for t in batch if not t.any("unsummed")]
    if summed:
        return summed
    means = [t for t in batch if all(
        relative_difference(p, q) <= TOLERANCE
        for k in t.returned for p, q in zip(t.returned[k][1], engine_lists(cases[k])[1], strict=True)
    )]  # fmt: skip
    return (means if cases[0].told["reduction"] == "mean" else []) or one or batch


def failure(trials: Sequence[Trial], cases: dict[int, Case]) -> str:
    """Say why no convention worked, by the one in which the file got furthest."""
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
    path: str | Path, *, sizes: Sequence[int] | None = None, seed: int = 0, timeout: float = 60.0, **told: str | None
) -> Report:
    """Judge the `backprop(net, x, y)` in a Python file, which is EXECUTED, for `timeout` seconds at most.

    sizes   judge it on a network of these sizes; by default on several, of two to four layers of weights
    told    any of CHOICES. By default cost is "quadratic", activation "sigmoid" and reduction "mean"; examples,
            orientation, weights and order are found out by trying

    The file may say the same in constants, such as COST = "cross-entropy". It may also define a class with a method
    backprop(self, x, y). Raises ValueError for a choice that there is not.
    """
    path, known = Path(path).absolute(), {name: value for name, value in told.items() if value is not None}
    for name, value in known.items():
        if name not in CHOICES or value not in CHOICES[name]:
            raise ValueError(f"{name} is {value!r}; it can be {' or '.join(map(repr, CHOICES.get(name, ())))}")
    networks: Networks = [(list(net), len(set(net)) == len(net)) for net in NETWORKS]
    if sizes is not None:
        networks = [(list(sizes), True), ([5] * len(sizes), False)]
    try:
        if not path.is_file():
            raise UnjudgedError("it is a directory" if path.is_dir() else "there is no such file")
        known, cases, trials = try_out(path, known, networks, seed, timeout)
        if sizes is None and not any(trial.returned for trial in trials):
            why = failure(trials, cases)
            known, cases, trials = try_out(path, known, [([784, 30, 10], True)], seed, timeout)
            if not any(trial.returned for trial in trials):
                raise UnjudgedError(why)
        elif not any(trial.returned for trial in trials):
            raise UnjudgedError(failure(trials, cases))
        return _verdict(path, cases, pool(trials, cases))
    except (UnjudgedError, FileError, OSError) as error:
        return Report(2, f"could not be judged: {path.name}: {error}")


def _verdict(path: Path, cases: dict[int, Case], trials: Sequence[Trial]) -> Report:
    # Most networks done first: a wrong convention only runs where all layers have the same size.
    order = sorted(trials, key=lambda t: (-len(t.returned), -sum(o["exact"] for o in t.found.values())))
    assessed = [(trial, *assess(trial, cases)) for trial in order]
    trial, right, wrong, differences = min(assessed, key=lambda a: (not a[1], bool(a[2])))
    slips: list[str] = []
    if not right:
        # The fewest slips win; a wrong convention takes more of them to explain, and pairs take a while to search.
        finite = [a for a in assessed if max(a[3].values()) < np.inf and a[0].repeats]
        searches = [(a, number) for number, most in ((0, 4), (1, 4), (2, 1)) for a in finite[:most]]
        for a, number in searches:
            slips = likely_slips(a[0], group(a[0], cases, a[3]), number)
            if slips:
                trial, right, wrong, differences = a
                break
    rows = marks(trial, group(trial, cases, differences))
    told, worst = cases[0].told, max(differences.values())
    networks = ", ".join(dict.fromkeys(name_of(cases[k]) for k in trial.returned))
    swapped = trial.any("order") == "w,b"
    mean = f", the {told['reduction']} over the mini-batch" if trial.convention.examples == "batch" else ""
    notes = [
        f"Judged for {told['cost']} cost and {told['activation']} hidden layers{mean}, on networks {networks}, called"
        f" with {trial.convention}; it returns {'nabla_w, nabla_b' if swapped else 'nabla_b, nabla_w'}."
    ]
    if not all(outcome["exact"] or outcome["unsummed"] for outcome in trial.found.values()):
        notes.append(
            "nabla_b has other shapes than the biases: flatten or reshape it before it is subtracted from them."
        )
    if right and not wrong:
        missing = {len(cases[k].w) for k in trial.failed} - {len(cases[k].w) for k in trial.returned}
        if missing:
            first = next(o["failed"] for k, o in trial.failed.items() if len(cases[k].w) == min(missing))
            notes.append(f"It works for networks of this depth only; for {min(missing)} layers of weights:\n{first}")
        if worst > EXACT[8]:
            notes.append("It agrees as far as single precision, or finite differences, reach.")
        headline = f"right: {path.name} differs from the engine by {worst:.1e} of the largest gradient at most"
        return Report(0, headline, rows, notes=notes)
    if any(word in slip for slip in slips for word in ("other cost", "hidden layers are", "mini-batch in place")):
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
    return Report(1, headline, rows, where(rows), slips, [text for text in wrong if text not in slips] + notes)


def group(trial: Trial, cases: dict[int, Case], differences: dict[int, float]) -> dict[int, Case]:
    """Pick the cases of one depth that returned something: a wrong one if there is any, three layers if possible."""
    wrong = [k for k, difference in differences.items() if not difference <= TOLERANCE]
    depths = {len(cases[k].w) for k in wrong or differences}
    depth = 3 if 3 in depths else max(depths)
    return {k: cases[k] for k in trial.returned if len(cases[k].w) == depth}
