"""Computes expressions of the algebra from the values of their symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.readings.algebra import Atom, Sum, Term
from autograd.registry import NAMED, numpy_function

COMPARISONS = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal,
               "≠": np.not_equal}  # fmt: skip
OF_TWO = {"max": np.maximum, "min": np.minimum}  # written like the reductions


class RowVector:
    """The transpose of a vector, or such a row times a matrix."""

    def __init__(self, array: Any):
        self.array = array


def _overwrite(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Do what `scatter` may be mistaken for: if an index occurs twice, the last value written to it counts."""
    found = np.zeros(shape)
    found[index] = g
    return found


class _Functions(dict[str, Any]):
    """NumPy's functions, and ours, by their names in the equations."""

    def __missing__(self, name: str) -> Any:
        found = numpy_function(name)
        if found is None:
            found = _overwrite if name == "overwrite" else NAMED.get(name)
        if found is None:
            raise KeyError(name)
        return found


def value_of(x: Sum, known: Mapping[str, Any]) -> Any:
    """Compute an expression from the values of its symbols."""
    return _plain(_sum(x, known))


def _plain(x: Any) -> Any:
    return x.array if isinstance(x, RowVector) else x


def _sum(x: Sum, known: Mapping[str, Any]) -> Any:
    if len(x) == 1:
        return _term(x[0], known)
    total: Any = 0.0
    for term in x:
        total = total + _plain(_term(term, known))
    return total


def _term(term: Term, known: Mapping[str, Any]) -> Any:
    one = term.coefficient == 1
    value: Any = 1.0 if one else float(term.coefficient)
    for i, (factor, n) in enumerate(term.factors):
        part = _atom(factor, known)
        if len(term.factors) == 1 and n == 1 and isinstance(part, RowVector):
            return RowVector(value * part.array)
        part = _plain(part)
        if n != 1:
            part = np.power(np.asarray(part, float), n)
        value = part if i == 0 and one else value * part
    return value


def _atom(x: Atom, known: Mapping[str, Any]) -> Any:
    if x.kind == "symbol":
        return known[x.name] if x.name in known else float(x.name)
    if x.kind == "derivative":
        return known["d" + x.name.split("/", 1)[1]]
    if x.kind in ("ones", "zeros", "eye"):
        return np.identity(x.shape[0]) if x.kind == "eye" else np.full(x.shape, float(x.kind == "ones"))
    args = [_sum(arg, known) for arg in x.args]
    if x.kind == "matmul":
        found = args[0]
        for arg in args[1:]:
            found = _product(found, arg)
        return found
    if x.kind == "transpose":
        array = np.asarray(_plain(args[0]))
        return RowVector(array[None, :]) if array.ndim == 1 else array.T
    values = [_plain(arg) for arg in args]
    if x.kind == "group":
        return values[0]
    if x.kind == "column":
        return np.asarray(values[0])[:, None]
    if x.kind in ("total", "mean"):  # a mean is what a sum is taken for
        axes: dict[str, dict[str, Any]] = {"": {}, "n": {"axis": 0}, "k": {"axis": 1, "keepdims": True}}
        reduce: Any = np.sum if x.kind == "total" else np.mean
        return reduce(values[0], **axes[x.name])
    if x.kind == "indicator":
        return np.asarray(COMPARISONS[x.name](*values), float)
    if x.kind in ("element", "index"):
        return eval(f"x[{x.name}]", {"np": np}, {"x": values[0]})
    if x.kind == "numpy":
        holes = {f"hole_{i}_": value for i, value in enumerate(values)}
        text = x.name.format(*holes) if holes else x.name.replace("{{", "{").replace("}}", "}")
        return eval(text, {"s_": np.s_, "np": np}, _Functions(holes))
    function = OF_TWO.get(x.name) if len(values) == 2 else None
    return (function or _Functions()[x.name])(*values)


def _product(a: Any, b: Any) -> Any:
    """Multiply two factors side by side, in which a vector is a column."""
    if np.ndim(_plain(a)) == 0:
        return RowVector(a * b.array) if isinstance(b, RowVector) else _plain(a) * b
    if isinstance(a, RowVector):
        b = _plain(b)
        return (a.array @ b)[0] if b.ndim == 1 else RowVector(a.array @ b)
    b = _plain(b)
    return a[:, None] @ b if a.ndim == 1 and np.ndim(b) == 2 else a @ b
