"""How a learner's function is called: its file is run, its `backprop(net, x, y)` found, and what it returns is checked.

The file is EXECUTED here, in this process; `nn.grader.process` puts a process around it.
"""

from __future__ import annotations

import sys
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nn import equations
from nn.equations import Array
from nn.grader.problems import (
    CHOICES,
    SETTINGS,
    Case,
    Convention,
    Networks,
    Told,
    activate,
    conventions,
    make_cases,
    output_activation,
)

Outcome = dict[str, Any]  # of one call: "convention" and "case" by number, and "failed" or what was returned
Answer = dict[str, Any]  # of a whole file: what was "told", and all "outcomes"


class UnjudgedError(Exception):
    """The file cannot be judged; the message says why, in a sentence."""


class _Net:
    """The `net` that the learner's function gets: plain arrays under the names of the book's network.py."""

    def __init__(self, case: Case, convention: Convention) -> None:
        self.sizes, self.num_layers = list(case.sizes), len(case.sizes)
        self.biases, self.weights = convention.lay_parameters(case)
        self._case, self._convention = case, convention
        self.cost = types.SimpleNamespace(delta=self._delta)  # as the book's network2.py has it

    def feedforward(self, a: Array) -> Array:
        rows = a.T if self._convention.orientation == "columns" else a
        for layer, (b, w) in enumerate(zip(self.biases, self.weights, strict=True), 1):
            last = layer == len(self.weights)
            z = rows @ (w.T if self._convention.weights == "out,in" else w) + b.reshape(-1)
            rows = activate(z, output_activation(self._case.told["cost"]) if last else self._case.told["activation"])
        return rows.T if self._convention.orientation == "columns" else rows

    def _delta(self, z: Array, a: Array, y: Array) -> Array:
        axis = 0 if self._convention.orientation == "columns" else -1
        return equations.output_error(z, y, self._case.told["cost"], axis)

    def cost_derivative(self, output_activations: Array, y: Array) -> Array:
        return equations.COSTS[self._case.told["cost"]].derivative(output_activations, y)


def _backprop_of(module: types.ModuleType) -> tuple[Callable[..., object], type[Any] | None]:
    """Find the function in a learner's file, and its class if it is a method."""
    if callable(getattr(module, "backprop", None)):
        return module.backprop, None
    for value in vars(module).values():
        if isinstance(value, type) and callable(getattr(value, "backprop", None)):
            return getattr(value, "backprop"), value  # noqa: B009
    raise UnjudgedError("it defines no backprop: neither a function backprop(net, x, y) nor a class with that method")


def _object(kind: Any, net: _Net) -> Any:
    """Make an object of the learner's own class, with the parameters of `net`."""
    try:
        made = kind(list(net.sizes))
    except Exception:
        made = kind.__new__(kind)
    else:
        for name in ("weights", "biases"):
            if not isinstance(getattr(made, name, None), (list, tuple)):
                raise UnjudgedError(
                    f"the class {kind.__name__} keeps its parameters elsewhere than in lists .weights and .biases,"
                    " where the check puts those of its own network; rename them, or add a function"
                    " backprop(net, x, y) that takes them from net"
                )
    for name in ("sizes", "num_layers", "biases", "weights"):
        setattr(made, name, getattr(net, name))
    return made


def _lines(error: BaseException, path: str) -> tuple[int, str]:
    """Return the line that was reached in the learner's file, and the part of the traceback about that file."""
    summary = traceback.TracebackException.from_exception(error)
    frames = [frame for frame in summary.stack if frame.filename == path]
    text = "".join([*traceback.format_list(frames[-6:]), *summary.format_exception_only()]).rstrip()
    return (frames[-1].lineno or 0) if frames else 0, text[-3000:]


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


def _take(result: object, parameters: Sequence[Array], m: int, order: str | None) -> tuple[Outcome, list[Array]]:
    """Turn what the function returned into arrays. Raises UnjudgedError if that cannot be done."""
    if result is None:
        raise UnjudgedError("backprop returns None; is its return statement missing?")
    if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != 2:
        size = f" of length {len(result)}" if hasattr(result, "__len__") else ""
        raise UnjudgedError(f"backprop returns a {type(result).__name__}{size}, and not the pair (nabla_b, nabla_w)")
    for part in result:
        if not isinstance(part, (tuple, list, np.ndarray)):
            raise UnjudgedError(f"backprop returns a pair with a {type(part).__name__}, and not two lists of arrays")
    try:
        first, second = ([np.asarray(g) for g in part] for part in result)
        kinds = {g.dtype for g in (*first, *second)}
    except ValueError as error:
        raise UnjudgedError(f"backprop returns what is not an array: {error}") from None
    for kind in kinds:
        if kind.kind not in "fiub" or (kind.kind == "f" and kind.itemsize < 4):
            raise UnjudgedError(f"backprop returns numbers of dtype {kind}; float64 and float32 can be judged")
    misfits = []
    for which in (order,) if order else CHOICES["order"]:
        nb, nw = (first, second) if which == "b,w" else (second, first)
        layers = len(parameters) // 2
        bad_b, exact, unsummed = _shape_error(nb, parameters[:layers], "b", m)
        bad_w, _, _ = _shape_error(nw, parameters[layers:], "w", m)
        if not bad_b and not bad_w:
            sizes = {min(8, g.dtype.itemsize) for g in nw + nb if g.dtype.kind == "f"}
            return {"order": which, "exact": exact, "unsummed": unsummed, "bytes": min(sizes, default=8)}, nb + nw
        misfits.append((bool(bad_b) + bool(bad_w), bad_w or bad_b))
    raise UnjudgedError(min(misfits, key=lambda misfit: misfit[0])[1])


def _attempt(
    function: Callable[..., object], kind: type[Any] | None, case: Case, convention: Convention, path: str
) -> tuple[Outcome, list[Array]]:
    """Call the learner's function once. Return what happened, and the arrays if there are any."""
    net, x, y = _Net(case, convention), convention.lay(case.x), convention.lay(case.y)
    before = [x.copy(), y.copy(), *(p.copy() for p in net.biases + net.weights)]
    names = ["x", "y"] + [f"net.{name}[{i}]" for name in ("biases", "weights") for i in range(len(case.w))]
    given = [x, y, *net.biases, *net.weights]
    try:
        net = _object(kind, net) if kind else net
        with np.errstate(all="ignore"):
            result = function(net, x, y)
        given += [*net.biases, *net.weights]  # others, if it has put them there
        found, arrays = _take(result, before[2:], len(case.x), case.told.get("order"))
        pairs = zip(names + names[2:], given, before + before[2:])
        found["changed"] = next((name for name, now, old in pairs if not np.array_equal(now, old)), "")
    except UnjudgedError as error:
        return {"failed": str(error), "line": 1 << 30, "raised": False}, []
    except BaseException as error:
        line, text = _lines(error, path)
        return {"failed": text, "line": line, "raised": True}, []
    return found, [np.array(a, dtype=np.float64) for a in arrays]


def attempts(
    path: Path, told: Told, networks: Networks, seed: int, say: Callable[[str], object] = str
) -> tuple[Answer, dict[str, Array]]:
    """Run the file and call its function on all cases, in every convention that may be meant.

    Return what was told, the outcome of each call, and all the arrays in one. Raises UnjudgedError.
    """
    say("import")
    module = types.ModuleType("learner")
    module.__file__ = str(path)
    sys.modules["learner"] = module
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), vars(module))
    except BaseException as error:
        raise UnjudgedError(f"the file cannot be run:\n{_lines(error, str(path))[1]}") from None
    function, kind = _backprop_of(module)
    for name, choices in CHOICES.items():
        value = getattr(module, name.upper(), None)
        if isinstance(value, str) and name not in told:
            value = value.lower().replace("_", "-")
            if value in choices:
                told = told | {name: value}
            elif name in SETTINGS:  # the others are found out all the same, so the constant may be about something else
                raise UnjudgedError(f"its {name.upper()} is {value!r}; it can be {' or '.join(map(repr, choices))}")
    say("call")
    told = {name: next(iter(CHOICES[name])) for name in SETTINGS} | told
    cases = make_cases(networks, told, seed)
    outcomes: list[Outcome] = []
    arrays: list[Array] = []
    for c, convention in enumerate(conventions(told)):
        mine = [(k, case) for k, case in enumerate(cases) if (len(case.x) > 1) == (convention.examples == "batch")]
        fits, first = True, None
        for k, case in mine:
            found, lists = _attempt(function, kind, case, convention, str(path))
            outcomes.append({"convention": c, "case": k, "shapes": [a.shape for a in lists]} | found)
            arrays += [a.reshape(-1) for a in lists]
            first = (case, lists) if lists and first is None else first
            fits = fits and bool(lists) and found["exact"] and not found["unsummed"]
        if first:
            _, again = _attempt(function, kind, first[0], convention, str(path))
            outcomes[-1]["repeats"] = len(again) == len(first[1]) and all(
                np.array_equal(p, q, equal_nan=True) for p, q in zip(first[1], again, strict=True)
            )
        if fits and any(len(set(case.sizes)) == len(case.sizes) for _, case in mine):
            break  # nothing else can fit layers whose sizes are all different
    return {"told": told, "outcomes": outcomes}, {"all": np.concatenate([np.zeros(0), *arrays])}
