"""Runs the learner's process: loads the file, finds and calls its `backprop(net, x, y)`, and hands over what it
returns.

The file is EXECUTED here. Nothing is judged here, since the file could tamper with it: `nn.grader.verdict` gets arrays.
"""

from __future__ import annotations

import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd.grading.fence import serve
from nn import equations
from nn.equations import Array
from nn.grader.problems import CHOICES, activate, output_activation


class UnjudgedError(Exception):
    """Raised for a file that cannot be judged; the message says why, in a sentence."""


class _Net:
    """The `net` that the learner's function gets: plain arrays under the names of the book's network.py."""

    def __init__(self, told: dict[str, Any], biases: list[Array], weights: list[Array]) -> None:
        self.sizes, self.num_layers = list(told["sizes"]), len(told["sizes"])
        self.biases, self.weights = biases, weights
        self._told = told
        self.cost = types.SimpleNamespace(delta=self._delta)  # as the book's network2.py has it

    def feedforward(self, a: Array) -> Array:
        rows = a.T if self._told["orientation"] == "columns" else a
        for layer, (b, w) in enumerate(zip(self.biases, self.weights, strict=True), 1):
            last = layer == len(self.weights)
            z = rows @ (w.T if self._told["weights"] == "out,in" else w) + b.reshape(-1)
            rows = activate(z, output_activation(self._told["cost"]) if last else self._told["activation"])
        return rows.T if self._told["orientation"] == "columns" else rows

    def _delta(self, z: Array, a: Array, y: Array) -> Array:
        axis = 0 if self._told["orientation"] == "columns" else -1
        return equations.output_error(z, y, self._told["cost"], axis)

    def cost_derivative(self, output_activations: Array, y: Array) -> Array:
        return equations.COSTS[self._told["cost"]].derivative(output_activations, y)


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


def _array(part: object) -> list[Array]:
    """Read one of the two lists that were returned as arrays of numbers. Raises UnjudgedError if it is not one."""
    if not isinstance(part, (tuple, list, np.ndarray)):
        raise UnjudgedError(f"backprop returns a pair with a {type(part).__name__}, not two lists of arrays")
    try:
        arrays = [np.asarray(g) for g in part]
    except ValueError as error:
        raise UnjudgedError(f"backprop returns what is not an array: {error}") from None
    for kind in {g.dtype for g in arrays}:
        if kind.kind not in "fiub" or (kind.kind == "f" and kind.itemsize < 4):
            raise UnjudgedError(f"backprop returns numbers of dtype {kind}; float64 and float32 can be judged")
    return [g.astype(np.float64) if g.dtype.kind == "f" and g.dtype.itemsize > 8 else g for g in arrays]


def _returned(result: object) -> tuple[list[Array], list[Array]]:
    if result is None:
        raise UnjudgedError("backprop returns None; is its return statement missing?")
    if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != 2:
        size = f" of length {len(result)}" if hasattr(result, "__len__") else ""
        raise UnjudgedError(f"backprop returns a {type(result).__name__}{size}, not the pair (nabla_b, nabla_w)")
    return _array(result[0]), _array(result[1])


class Learner:
    """A learner's file, loaded. It answers the two questions that a judge has: "load" and "call"."""

    def __init__(self) -> None:
        self.path = ""
        self.function: Callable[..., object] | None = None
        self.kind: type[Any] | None = None

    def answer(self, question: dict[str, Any], arrays: list[Array]) -> tuple[dict[str, Any], list[Array]]:
        """Answer with what happened, or {"failed": why}."""
        try:
            return self._load(question["path"]) if "path" in question else self._call(question, arrays)
        except UnjudgedError as error:
            return {"failed": str(error), "line": 1 << 30, "raised": False}, []

    def _load(self, path: str) -> tuple[dict[str, Any], list[Array]]:
        """Run the file and find its function. Answer with the constants that say how it is meant."""
        self.path = path
        sys.path.insert(0, str(Path(path).parent))
        module = types.ModuleType("learner")
        module.__file__ = path
        sys.modules["learner"] = module
        try:
            exec(compile(Path(path).read_bytes(), path, "exec", dont_inherit=True), vars(module))
        except BaseException as error:
            raise UnjudgedError(f"the file cannot be run:\n{_lines(error, path)[1]}") from None
        self.function, self.kind = _backprop_of(module)
        said = {name: getattr(module, name.upper(), None) for name in CHOICES}
        return {name: value[:100] for name, value in said.items() if isinstance(value, str)}, []

    def _call(self, question: dict[str, Any], arrays: list[Array]) -> tuple[dict[str, Any], list[Array]]:
        """Call the function once. Answer with what it returned, and what its arguments are afterwards."""
        assert self.function is not None
        layers = len(question["sizes"]) - 1
        arrays = [a.copy() for a in arrays]
        b, w, (x, y) = arrays[:layers], arrays[layers : 2 * layers], arrays[2 * layers :]
        plain = _Net(question, b, w)
        try:
            net = _object(self.kind, plain) if self.kind else plain
            with np.errstate(all="ignore"):
                result = self.function(net, x, y)
            first, second = _returned(result)
            now = [np.asarray(p) for p in (*net.biases, *net.weights)]  # others, if it has put them there
        except UnjudgedError:
            raise
        except BaseException as error:
            line, text = _lines(error, self.path)
            return {"failed": text, "line": line, "raised": True}, []
        return {"first": len(first), "second": len(second)}, [*first, *second, *arrays, *now]


def main() -> None:
    """Run the learner's process."""
    serve(Learner().answer)
