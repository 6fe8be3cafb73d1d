"""Says where the values of a program in loops are kept, and does everything that only moves their elements.

A view is its base at another index. What is joined, padded or scattered gets an array of its own, and each part is
written into its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from autograd.readings.elements import (
    ZERO,
    Array,
    Expr,
    Index,
    LoweringError,
    Nest,
    Part,
    Store,
    Value,
    Var,
    cast,
    memory,
    number_expr,
    place,
)
from autograd.readings.names import unique_name

DEEP = 24  # operations in one expression; what is deeper is cut in two
WRITTEN_OUT = 1024  # elements of a constant array that are written into a program


class Moves:
    """Keeps the arrays, the constants and the nests of a program, and moves elements about.

    functions  what a printer has a name for; other functions are expanded, or refused
    nests      the loops, in order; arrays what they fill
    """

    def __init__(self, functions: Collection[str], taken: set[str]):
        self.functions = frozenset(functions)
        self.taken = taken
        self.nests: list[Nest] = []
        self.locals: list[Array] = []
        self.constants: list[Array] = []
        self.lines: list[str] = []  # the formulas that the next nest computes
        self._spare = 0

    def spare(self) -> str:
        self._spare += 1
        return unique_name(f"t{self._spare}", self.taken)

    # Values, and where they are kept.

    def store(self, value: Value, name: str = "", array: Array | None = None) -> Value:
        """Keep the value in memory of its own."""
        if array is None:
            array = Array(name or self.spare(), value.shape, value.dtype, "local")
            self.locals.append(array)
        loops = [Var(n) for n in value.shape]
        index = tuple([Index({var: 1}) for var in loops])
        self._add(loops, Store(array, place(index, array.shape), cast(value.at(index), array.dtype)))
        return memory(array)

    def stored(self, value: Value) -> Value:
        """Return the value in a form that can be read any number of times."""
        return value if value.cheap else self.store(value)

    def _add(self, loops: list[Var], store: Store, scan: str = "") -> None:
        self.nests.append(Nest(loops, store, self.lines, scan))
        self.lines = []

    def constant(self, data: Any) -> Value:
        """Return an array that is known: a rule for its elements if there is one, else a table of them."""
        data = np.asarray(data)
        kind = data.dtype
        first = data.flat[0].item() if data.size else 0
        if data.size == 0 or np.array_equal(data, np.full(data.shape, first), equal_nan=kind.kind == "f"):
            zero = data.size and first == 0 and np.any(np.signbit(data) if kind.kind == "f" else False)
            if not zero:
                same = number_expr(first, kind)
                return Value(data.shape, kind, lambda index: same, True, lambda where: same)
        if data.size > WRITTEN_OUT:
            raise LoweringError(f"a constant array of shape {data.shape} is too long to be written into a program")
        for array in self.constants:
            if array.dtype == kind and np.array_equal(array.data, data, equal_nan=kind.kind == "f"):
                return memory(array)
        array = Array(unique_name(f"c{len(self.constants) + 1}", self.taken), data.shape, kind, "constant", data)
        self.constants.append(array)
        return memory(array)

    def value(self, x: Any) -> Value:
        return x if isinstance(x, Value) else self.constant(x)

    def cast(self, values: Any, dtype: Any) -> Value:
        x, dtype = self.value(values), np.dtype(dtype)
        if x.dtype == dtype:
            return x
        flat = (lambda where: cast(x.flat(where), dtype)) if x._flat else None
        return Value(x.shape, dtype, lambda index: cast(x.at(index), dtype), x.cheap, flat, x.depth)

    # view and move

    def moved(self, values: Any, f: Callable[[Any], Any]) -> Value:
        """Apply f, which only moves elements about: NumPy itself is asked where they go."""
        x = self.value(values)
        base = np.zeros(x.shape, np.int8)
        y = f(base)
        if y.size > x.size or x.depth > DEEP:
            x = self.stored(x)
        tables: list[Any]
        if y.size and np.may_share_memory(base, y):
            start, tables = y.__array_interface__["data"][0] - base.__array_interface__["data"][0], list(y.strides)
        elif y.size:
            places = f(np.arange(x.size).reshape(x.shape))
            start = int(places.flat[0])
            tables = [places[tuple(slice(None) if i == k else 0 for i in range(y.ndim))] - start for k in range(y.ndim)]
            grids = np.ix_(*tables)
            if tables and not np.array_equal(
                places, start + sum(np.broadcast_arrays(*grids)) if y.ndim > 1 else start + tables[0]
            ):
                if y.size > WRITTEN_OUT:
                    raise LoweringError("an index of so many elements cannot be written into a program")
                return self._by_table(x, np.asarray(places))
            tables = [_stride(table) for table in tables]
        else:
            start, tables = 0, [0] * y.ndim

        def at(index: tuple[Index, ...]) -> Expr:
            where = Index({}, start)
            for i, table in zip(index, tables, strict=True):
                where = where + (i.times(table) if isinstance(table, int) else self._looked_up(table, i))
            return x.flat(where)

        steps = [0 if n == 1 else step for n, step in zip(y.shape, tables)]
        same = (
            start == 0
            and all(isinstance(step, int) for step in steps)
            and steps == _row_by_row(y.shape)
            and y.size == x.size
        )
        return Value(y.shape, x.dtype, at, x.cheap, x.flat if same else None, x.depth, x.array)

    def _looked_up(self, table: Any, i: Index) -> Index:
        low = int(table.min())
        array = self.constant(table - low).at((ZERO,))
        if array.op == "number":
            return Index({}, low + array.args[0])
        return Index({Part("table", i, 0, int(table.max()) - low, array.args[0]): 1}, low)

    def _by_table(self, x: Value, places: Any) -> Value:
        x = self.stored(x)

        def at(index: tuple[Index, ...]) -> Expr:
            return x.flat(self._looked_up(places.ravel(), place(index, places.shape)))

        return Value(places.shape, x.dtype, at, x.cheap)

    def indexed(self, x: Value, where: tuple[Any, ...]) -> Value:
        """Return x[where], with indices that are values."""
        shape, at = self._picked(x.shape, where)
        x = self.stored(x)

        def element(index: tuple[Index, ...]) -> Expr:
            places, valid = at(index)
            found = x.at(places)
            outside = number_expr(np.nan if x.dtype.kind == "f" else 0, x.dtype)
            return Expr("where", (valid, found, outside), x.dtype) if valid is not None else found

        return Value(shape, x.dtype, element, depth=2)

    def _picked(self, shape: tuple[int, ...], where: tuple[Any, ...]) -> tuple[tuple[int, ...], Any]:
        """Return the shape of what an index picks, and a function from a place in it to the place in the array, and
        whether there is one."""
        named = sum(part is not None and part is not Ellipsis for part in where)
        if not any(part is Ellipsis for part in where):
            where = (*where, Ellipsis)
        dots = next(i for i, part in enumerate(where) if part is Ellipsis)
        where = (*where[:dots], *[slice(None)] * (len(shape) - named), *where[dots + 1 :])
        advanced = [k for k, part in enumerate(where) if not isinstance(part, slice | None)]
        lists = [self.stored(self.value(np.asarray(part) if not isinstance(part, Value) else part))
                 for part in (where[k] for k in advanced)]  # fmt: skip
        common = np.broadcast_shapes(*[x.shape for x in lists])
        together = advanced[-1] - advanced[0] + 1 == len(advanced)
        front: list[Any] = []  # what each axis of the result is: an axis of the lists, or a part of the index
        axis = 0
        axes: list[int] = []
        for part in where:
            axes.append(axis)
            axis += part is not None
        for k, part in enumerate(where):
            if k == (advanced[0] if together else 0):
                front += [("list", i, n) for i, n in enumerate(common)]
            if isinstance(part, slice):
                start, stop, step = part.indices(shape[axes[k]])
                front.append(("slice", k, len(range(start, stop, step))))
            elif part is None:
                front.append(("new", k, 1))

        def at(index: tuple[Index, ...]) -> tuple[tuple[Index, ...], Expr | None]:
            inner = tuple(i for i, (kind, _, _) in zip(index, front) if kind == "list")
            of = {k: i for i, (kind, k, _) in zip(index, front) if kind == "slice"}
            places: list[Index] = []
            valid: Expr | None = None
            for k, part in enumerate(where):
                if part is None:
                    continue
                n = shape[axes[k]]
                if isinstance(part, slice):
                    start, _, step = part.indices(n)
                    places.append(of[k].times(step, start))
                    continue
                x = lists[advanced.index(k)]
                i = x.at(tuple(j if m != 1 else ZERO for j, m in zip(inner[len(inner) - x.ndim :], x.shape)))
                safe, good = _within(cast(i, np.int64), n)
                places.append(Index({Part("value", safe, 0, max(n - 1, 1)): 1}))
                valid = good if valid is None else Expr("bitwise_and", (valid, good), bool)
            return tuple(places), valid

        return tuple(n for _, _, n in front), at

    def filled(self, shape: Sequence[int], dtype: Any, fill: Any = 0) -> Array:
        """Make an array full of a number, which will be written into."""
        array = Array(self.spare(), tuple(map(int, shape)) or (1,), dtype, "local")  # a number is written once only
        self.locals.append(array)
        lines, self.lines = self.lines, []
        if fill is not None:
            loops = [Var(array.size)]
            value = self.value(fill)
            element = value.at(()) if value.ndim == 0 else value.flat(ZERO)
            self._add(loops, Store(array, Index({loops[0]: 1}), cast(element, dtype)))
            self.nests[-1].formulas = lines
        else:
            self.lines = lines
        return array

    def put(
        self, array: Array, x: Value, where: Callable[[tuple[Index, ...]], tuple[Index, Expr | None]], adds: bool
    ) -> None:
        """Write the elements of x into an array, each into its place."""
        loops = [Var(n) for n in x.shape]
        index = tuple([Index({var: 1}) for var in loops])
        to, valid = where(index)
        value = cast(x.at(index), array.dtype)
        if valid is not None:
            value = Expr("where", (valid, value, number_expr(0, array.dtype)), array.dtype)
        self._add(loops, Store(array, to, value, adds))

    def concatenate(self, xs: Sequence[Any], axis: int = 0) -> Value:
        xs = [self.value(x) for x in xs]
        axis %= xs[0].ndim
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] for x in xs)
        array = self.filled(shape, np.result_type(*[x.dtype for x in xs]), None)
        start = 0
        for x in xs:
            self.put(array, x, _shifted([start * (k == axis) for k in range(len(shape))], shape), False)
            start += x.shape[axis]
        return memory(array)

    def pad(self, x: Value, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Value:
        if mode != "constant":
            return self.moved(x, lambda base: np.pad(base, pad_width, mode))  # type: ignore[call-overload]
        widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
        fills = constant_values if isinstance(constant_values, Value) else np.asarray(constant_values)
        if fills.size != 1 and not isinstance(fills, Value):
            if not np.all(fills == fills.flat[0]):
                raise LoweringError("pad with several constant values cannot be written as loops")
            fills = fills.ravel()[0]
        elif fills.size != 1:
            raise LoweringError("pad with several constant values cannot be written as loops")
        shape = [n + before + after for n, (before, after) in zip(x.shape, widths, strict=True)]
        x = x if x.depth < DEEP else self.stored(x)
        array = self.filled(shape, x.dtype, fills)
        self.put(array, x, _shifted([before for before, _ in widths], shape), False)
        return self._shaped(array, shape)

    def scatter(self, g: Value, where: Any, shape: Sequence[int]) -> Value:
        """Make zeros with g added at an index."""
        where = where if isinstance(where, tuple) else (where,)
        shape = tuple(map(int, shape))
        if any(isinstance(part, Value) for part in where):
            _, at = self._picked(shape, where)
            array = self.filled(shape, g.dtype)

            def to(index: tuple[Index, ...]) -> tuple[Index, Expr | None]:
                places, valid = at(index)
                return place(places, shape), valid

            self.put(array, g, to, True)
            return self._shaped(array, shape)
        names = Array("", shape, g.dtype, "local")
        picked = self.moved(memory(names), lambda base: base[where])
        g = self.stored(g) if g.depth > DEEP else g
        array = self.filled(shape, g.dtype)
        self.put(array, g, lambda index: (picked.at(index).args[1], None), True)
        return self._shaped(array, shape)

    @staticmethod
    def _shaped(array: Array, shape: Sequence[int]) -> Value:
        values = memory(array)
        return Value(shape, array.dtype, lambda index: values.flat(place(index, shape)), True, values.flat, 0, array)


def _stride(table: Any) -> Any:
    """Return the step of a table that is a multiple of the index; else the table."""
    step = int(table[1]) if len(table) > 1 else 0
    return step if np.array_equal(table, step * np.arange(len(table))) else table


def _row_by_row(shape: Sequence[int]) -> list[int]:
    """Return the strides of an array that lies in memory row by row; 0 for an axis of length one."""
    return [math.prod(shape[k + 1 :]) if n > 1 else 0 for k, n in enumerate(shape)]


def _shifted(by: Sequence[int], shape: Sequence[int]) -> Callable[[tuple[Index, ...]], tuple[Index, None]]:
    """Say where an element of an array of this shape goes, when each axis is shifted by so many places."""
    return lambda index: (place([i.times(1, step) for i, step in zip(index, by)], shape), None)


def _within(i: Expr, n: int) -> tuple[Expr, Expr]:
    """Turn an index that may be negative into one that is surely inside; say whether it was inside."""
    zero, size = number_expr(0, np.int64), number_expr(n, np.int64)
    i = Expr("where", (Expr("less", (i, zero), bool), Expr("add", (i, size), np.int64), i), np.int64)
    good = Expr("bitwise_and", (Expr("greater_equal", (i, zero), bool), Expr("less", (i, size), bool)), bool)
    return Expr("where", (good, i, zero), np.int64), good
