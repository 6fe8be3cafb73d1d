"""Loops that gather many elements into one: reductions, running sums, sums of products, sorting and search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.readings.elements import (
    ZERO,
    Array,
    Expr,
    Index,
    Part,
    Store,
    Value,
    Var,
    cast,
    memory,
    number_expr,
    place,
)
from autograd.readings.maps import Maps
from autograd.readings.moves import DEEP
from autograd.readings.text import parsed


class Folds(Maps):
    """Adds everything that has a loop of its own inside an element, or along an axis."""

    # reduce

    def reduced(self, kind: str, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Value:
        """Reduce over some axes."""
        x = self.value(x)
        axes = normalize_axis_tuple(range(x.ndim) if axis is None or not x.ndim else axis, x.ndim)
        dtype = np.dtype(dtype or x.dtype)
        x = self.stored(x) if x.depth > DEEP else x
        shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
        kept = [k for k in range(x.ndim) if k not in axes]
        if kind[:3] != "arg" and all(x.shape[i] == 1 for i in axes):
            return self.moved(self.cast(x, dtype), lambda base: np.reshape(base, shape))

        def at(index: tuple[Index, ...]) -> Expr:
            loops = {k: Var(x.shape[k]) for k in sorted(axes)}
            outer = dict(zip(range(x.ndim) if keepdims else kept, index))
            full = tuple([Index({loops[k]: 1}) if k in loops else outer[k] for k in range(x.ndim)])
            body = x.at(full)
            return _over(kind, [*loops.values()], body if kind[:3] == "arg" else cast(body, dtype), dtype)

        return Value(shape, dtype, at, depth=x.depth + 2)

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Value:
        x = self.value(x)
        x = self.cast(x, float) if x.dtype.kind in "biu" else x
        total = self.reduced("sum", x, axis, keepdims)
        n = x.size // max(total.size, 1)
        return self.map("divide", total, n)  # type: ignore[no-any-return]

    def var(self, x: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Value:
        x = self.stored(self.value(x))
        around = self.map("subtract", x, self.mean(x, axis, True))
        total = self.reduced("sum", self.map("multiply", around, around), axis, keepdims)
        return self.map("divide", total, x.size // max(total.size, 1) - ddof)  # type: ignore[no-any-return]

    def logsumexp(self, x: Any, axis: Any = 0, keepdims: bool = False) -> Value:
        x = self.stored(self.value(x))
        top = self.reduced("max", x, axis, True)
        top = self.stored(self.map("where", self.map("isfinite", self.stored(top)), top, 0))
        total = self.reduced("sum", self.map("exp", self.map("subtract", x, top)), axis, True)
        y = self.map("add", self.map("log", total), top)
        return y if keepdims else self._without(y, x, axis)

    def _without(self, y: Value, x: Value, axis: Any) -> Value:
        axes = normalize_axis_tuple(range(x.ndim) if axis is None or not x.ndim else axis, x.ndim)
        return self.moved(y, lambda base: np.squeeze(base, axes))

    def scanned(self, kind: str, x: Any, axis: Any = None, dtype: Any = None) -> Value:
        """Accumulate up to each element along an axis."""
        x = self.value(x)
        if axis is None:
            x, axis = self.moved(x, np.ravel), 0
        axis %= x.ndim
        dtype = np.dtype(dtype or x.dtype)
        array = Array(self.spare(), x.shape, dtype, "local")
        self.locals.append(array)
        loops = [Var(n) for n in x.shape]
        index = tuple([Index({var: 1}) for var in loops])
        store = Store(array, place(index, x.shape), cast(x.at(index), dtype))
        self._add([*loops[:axis], *loops[axis + 1 :], loops[axis]], store, kind)
        return memory(array)

    # contract

    def contracted(
        self, terms: Sequence[Sequence[Any]], output: Sequence[Any], xs: Sequence[Any], dtype: Any = None
    ) -> Value:
        """Sum the products over all labels that the output does not have: an einsum."""
        xs = [self.stored(self.value(x)) for x in xs]
        lengths: dict[Any, int] = {}
        for labels, x in zip(terms, xs, strict=True):
            for label, n in zip(labels, x.shape, strict=True):
                lengths[label] = n if lengths.get(label, 1) == 1 else lengths[label]
        summed = [label for label in lengths if label not in output]
        dtype = np.dtype(dtype or np.result_type(*[x.dtype for x in xs]))

        def at(index: tuple[Index, ...]) -> Expr:
            places = dict(zip(output, index, strict=True))
            loops = [Var(lengths[label]) for label in summed]
            places |= {label: Index({var: 1}) for label, var in zip(summed, loops)}
            factors = [
                cast(x.at(tuple(places[label] if n != 1 else ZERO for label, n in zip(labels, x.shape))), dtype)
                for labels, x in zip(terms, xs)
            ]
            product = factors[0]
            for factor in factors[1:]:
                product = Expr("multiply", (product, factor), dtype)
            return _over("any" if dtype.kind == "b" else "sum", loops, product, dtype) if loops else product

        return Value([lengths[label] for label in output], dtype, at, depth=2)

    def matmul(self, a: Any, b: Any) -> Value:
        a, b = self.value(a), self.value(b)
        m, n = max(a.ndim - 2, 0), max(b.ndim - 2, 0)
        most = max(m, n)
        lead = [f"batch{k}" for k in range(most)]
        left = [*lead[most - m :], *(["row"] if a.ndim > 1 else []), "shared"]
        right = [*lead[most - n :], "shared", *(["column"] if b.ndim > 1 else [])]
        output = [*lead, *(["row"] if a.ndim > 1 else []), *(["column"] if b.ndim > 1 else [])]
        return self.contracted([left, right], output, [a, b])

    def einsum(self, subscripts: str, *xs: Any) -> Value:
        terms, output = subscripts.split("->")
        return self.contracted([[*term] for term in terms.split(",")], [*output], xs)

    # sort and search

    def argsort(self, x: Any, axis: Any = -1, kind: Any = None) -> Value:
        """Find where each element of the sorted lines is: an element goes to the place that counts those before it."""
        x = self.value(x)
        if axis is None:
            x, axis = self.moved(x, np.ravel), 0
        x, axis = self.stored(x), axis % x.ndim
        mine = self.moved(x, lambda base: np.expand_dims(base, axis + 1))
        theirs = self.moved(x, lambda base: np.expand_dims(base, axis))
        n = x.shape[axis]
        both = (*x.shape[: axis + 1], n, *x.shape[axis + 1 :])

        def is_before(index: tuple[Index, ...]) -> Expr:
            other, one = (Expr("index", (index[k],), np.int64) for k in (axis + 1, axis))
            return Expr("less", (other, one), bool)

        less = "(b < a) | ((a != a) & (b == b)) | (((a == b) | ((a != a) & (b != b))) & before)"
        before = self.read(parsed(less), {"a": mine, "b": theirs, "before": Value(both, bool, is_before)})
        rank = self.stored(self.reduced("sum", before, axis + 1, dtype=np.int64))
        array = self.filled(x.shape, np.int64, None)
        places = Value(x.shape, np.int64, lambda index: Expr("index", (index[axis],), np.int64))

        def to(index: tuple[Index, ...]) -> tuple[Index, None]:
            at = Index({Part("value", rank.at(index), 0, max(n - 1, 1)): 1})
            return place([at if k == axis else i for k, i in enumerate(index)], x.shape), None

        self.put(array, places, to, False)
        return memory(array)

    def searchsorted(self, a: Any, v: Any, side: str = "left") -> Value:
        a, v = self.stored(self.value(a)), self.value(v)
        ask = self.moved(v, lambda base: np.expand_dims(base, -1))
        return self.reduced("sum", self.map("less" if side == "left" else "less_equal", a, ask), -1, dtype=np.int64)


OF_NOTHING = {"sum": 0, "prod": 1, "any": 0, "all": 1}


def _over(kind: str, loops: list[Var], body: Expr, dtype: np.dtype[Any]) -> Expr:
    """Reduce an expression over some loops. What is reduced over nothing is a number, and reads nothing."""
    if kind in OF_NOTHING and any(var.n == 0 for var in loops):
        return number_expr(OF_NOTHING[kind], dtype)
    return Expr("reduce", (kind, tuple(loops), body), dtype)
