"""Tries a learner's function: calls it on problems, in every convention that may be meant, and reads its answers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn.equations import Array
from nn.grader.calling import UnjudgedError
from nn.grader.problems import CHOICES, Case, Convention, Lists, conventions
from nn.proof.numbers import engine_gradient, relative_difference

Outcome = dict[str, Any]  # of one call: how it failed, or what is known of what was returned
Ask = Callable[[dict[str, Any], Sequence[Array]], tuple[dict[str, Any], list[Array]]]  # a question to the learner


@dataclass
class Trial:
    """The outcome of one convention: what the learner's function returned, or how it failed, by the number of the case.

    The lists of gradients are in our own shapes, (n_out,) and (n_out, n_in).
    """

    convention: Convention
    returned: dict[int, Lists] = field(default_factory=dict)
    found: dict[int, Outcome] = field(default_factory=dict)
    failed: dict[int, Outcome] = field(default_factory=dict)
    repeats: bool = True  # whether the same arguments give the same numbers again

    def any(self, key: str) -> Any:
        return next((outcome[key] for outcome in self.found.values() if outcome.get(key)), None)

    @property
    def fits(self) -> bool:
        """Whether everything had exactly the shape of its parameter, so that no other convention can be meant."""
        exact = all(o["exact"] and not o["unsummed"] for o in self.found.values())
        return exact and bool(self.found) and not self.failed


def engine_lists(case: Case) -> Lists:
    """Derive the gradient with the engine, as (nabla_b, nabla_w)."""
    if case.derived is None:
        engine = engine_gradient(case.network(), case.x, case.y)
        nabla_b, nabla_w = ([engine[f"{p}{layer}"] * case.factor for layer in range(1, len(case.w) + 1)] for p in "bw")
        case.derived = nabla_b, nabla_w
    return case.derived


def distance(returned: Lists, case: Case) -> float:
    """Measure how far gradients are from the engine's, relative to the largest element; inf if they are not finite."""
    theirs, ours = [*returned[0], *returned[1]], [*engine_lists(case)[0], *engine_lists(case)[1]]
    apart = [relative_difference(p, q) if np.all(np.isfinite(p)) else np.inf for p, q in zip(theirs, ours, strict=True)]
    return max(apart)


def _shape_error(nabla: Sequence[Array], parameters: Sequence[Array], name: str, m: int) -> tuple[str, bool, bool]:
    """Say what does not fit (or ""), whether all shapes are exact, and whether a sum over the m examples is missing."""
    exact, unsummed = True, False
    if len(nabla) != len(parameters):
        return f"nabla_{name} has {len(nabla)} entries, and the network {len(parameters)} layers", False, False
    for layer, (g, p) in enumerate(zip(nabla, parameters, strict=True)):
        n, full = p.size, f"net.{'biases' if name == 'b' else 'weights'}"
        if name == "b" and m > 1 and g.shape in ((n, m), (m, n)):
            unsummed = True
        elif g.shape != p.shape and (name == "w" or g.shape not in ((n,), (n, 1), (1, n))):
            note = ", its transpose" if name == "w" and g.shape == p.shape[::-1] else ""
            return f"nabla_{name}[{layer}] has shape {g.shape}{note}; {full}[{layer}] has {p.shape}", False, False
        exact = exact and g.shape == p.shape
    return "", exact, unsummed


def _take(
    first: list[Array], second: list[Array], parameters: Sequence[Array], m: int, order: str | None
) -> tuple[Outcome, list[Array]]:
    """Tell the two lists that were returned apart. Raises UnjudgedError if they do not fit."""
    misfits = []
    for which in (order,) if order else CHOICES["order"]:
        nb, nw = (first, second) if which == "b,w" else (second, first)
        layers = len(parameters) // 2
        bad_b, exact, unsummed = _shape_error(nb, parameters[:layers], "b", m)
        bad_w, _, _ = _shape_error(nw, parameters[layers:], "w", m)
        if not bad_b and not bad_w:
            sizes = {min(8, g.dtype.itemsize) for g in nw + nb if g.dtype.kind == "f"}
            whole = next((f"nabla_{name}[{layer}] is {g.dtype}" for name, gs in (("w", nw), ("b", nb))
                          for layer, g in enumerate(gs) if g.dtype.kind in "iub" and g.size), "")  # fmt: skip
            found = {"order": which, "exact": exact, "unsummed": unsummed, "bytes": min(sizes, default=8)}
            return found | {"integers": whole, "swapped": which == "w,b" and order is None}, nb + nw
        misfits.append((bool(bad_b) + bool(bad_w), bad_w or bad_b))
    raise UnjudgedError(min(misfits, key=lambda misfit: misfit[0])[1])


def _same(p: Array, q: Array) -> bool:
    return p.shape == q.shape and bool(np.array_equal(p, q, equal_nan=True))


def call(ask: Ask, case: Case, convention: Convention) -> tuple[Outcome, list[Array]]:
    """Call the learner's function once. Return what is known of the outcome, and nabla_b and nabla_w in one list."""
    b, w = convention.lay_parameters(case)
    given = [*b, *w, convention.lay(case.x), convention.lay(case.y)]
    names = [f"net.{name}[{i}]" for name in ("biases", "weights") for i in range(len(w))] + ["x", "y"]
    question = {"sizes": case.sizes, "orientation": convention.orientation, "weights": convention.weights}
    answer, arrays = ask(question | {key: case.told[key] for key in ("cost", "activation")}, given)
    if "failed" in answer:
        return {"failed": str(answer["failed"]), "line": answer["line"], "raised": answer["raised"]}, []
    n, end = answer["first"], answer["first"] + answer["second"]
    now = arrays[end:]
    if len(now) != 2 * len(given) - 2:
        raise UnjudgedError("what came back from its process is not an answer")
    try:
        found, lists = _take(arrays[:n], arrays[n:end], given[:-2], len(case.x), case.told.get("order"))
    except UnjudgedError as error:
        return {"failed": str(error), "line": 1 << 30, "raised": False}, []
    pairs = zip([*names, *names[:-2]], now, [*given, *given[:-2]], strict=True)
    found["changed"] = next((name for name, p, q in pairs if not _same(p, q)), "")
    return found, [np.array(a, dtype=np.float64) for a in lists]


def in_our_shapes(lists: list[Array], case: Case, convention: Convention) -> Lists:
    """Return the gradients as (n_out,) and (n_out, n_in), with the sum over the examples if it was forgotten."""
    nabla_b, layers = [], len(case.w)
    for g, b in zip(lists[:layers], case.b, strict=True):
        g = g if g.size == b.size else g.sum(axis=0 if g.shape[1] == b.size else 1)
        nabla_b.append(g.reshape(-1))
    return nabla_b, [g if convention.weights == "out,in" else g.T for g in lists[layers:]]


def attempts(ask: Ask, cases: dict[int, Case], right: Callable[[Trial], bool]) -> list[Trial]:
    """Call the function on all cases, in every convention that may be meant, until one is `right`."""
    trials: list[Trial] = []
    fitting: set[str] = set()
    for convention in conventions(cases[0].told):
        if convention.examples in fitting:
            continue  # nothing else can fit layers whose sizes are all different
        trial, first = Trial(convention), None
        for k, case in cases.items():
            if (len(case.x) > 1) != (convention.examples == "batch"):
                continue
            found, lists = call(ask, case, convention)
            if "failed" in found:
                trial.failed[k] = found
                continue
            trial.found[k], trial.returned[k] = found, in_our_shapes(lists, case, convention)
            first = first or (case, lists)
        if first:
            _, again = call(ask, first[0], convention)
            trial.repeats = len(again) == len(first[1]) and all(map(_same, first[1], again))
        trials.append(trial)
        if trial.returned and right(trial):
            break
        if trial.fits and any(len(set(cases[k].sizes)) == len(cases[k].sizes) for k in trial.found):
            fitting.add(convention.examples)
    return trials


def takes_batches(source: str, orientation: str) -> bool:
    """Say whether a file looks at the number of examples, or sums over them, if they lie in rows, or in columns."""
    axes = (1, -1) if orientation == "columns" else (0, -2)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "backprop":
            named |= {argument.arg for argument in node.args.args[-2:]}

    def number(node: ast.expr) -> object:
        try:
            return ast.literal_eval(node)
        except ValueError:
            return None

    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if any(keyword.arg == "axis" and number(keyword.value) in axes for keyword in node.keywords):
                return True
            if called in ("sum", "mean") and node.args and number(node.args[-1]) in axes:
                return True
            if called == "len" and orientation == "rows" and node.args and getattr(node.args[0], "id", "") in named:
                return True
        elif isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "shape":
            of = node.value.value if isinstance(node.value, ast.Attribute) else None
            if getattr(of, "id", "") in named and number(node.slice) in axes:
                return True
    return False


def derives_with_us(source: str) -> bool:
    """Say whether a file lets this package derive the gradient."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    names.discard("nn.equations")  # sigma, its derivative and the like, by hand
    return bool({name.split(".")[0] for name in names} & {"nn", "autograd"})
