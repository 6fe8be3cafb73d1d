"""Formulas as loops over elements: what the C and the JavaScript of a program are printed from.

Every operation is lowered by reading its template, as a person reads NumPy: `x @ w.T + b` is a sum of products over a
shared index, and b added to each. So no operation is written down a second time; what is written here is what NumPy's
own functions do, element by element.

A value is a function from an index to an expression for the element there. To add two values is to add their elements;
a view is another index; a reduction is an expression with a loop of its own inside. Only what is read more than once
gets an array, and a nest of loops that fills it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

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
    number,
    place,
    read_by,
)
from autograd.readings.formula import Formula
from autograd.readings.names import unique
from autograd.readings.text import parsed

DEEP = 24  # operations in one expression; what is deeper is cut in two
WRITTEN_OUT = 1024  # elements of a constant array that are written into a program

# What NumPy's functions are in terms of others, for a printer that has no name for them.
EXPANSIONS = {
    "square": "x * x",
    "positive": "x",
    "reciprocal": "1 / x",
    "sign": "np.where(x > 0, 1, np.where(x < 0, -1, x))",
    "heaviside": "np.where(x > 0, 1, np.where(x < 0, 0, np.where(x == 0, h, x)))",
    "deg2rad": "x * (np.pi / 180)",
    "radians": "x * (np.pi / 180)",
    "rad2deg": "x * (180 / np.pi)",
    "degrees": "x * (180 / np.pi)",
    "sinc": "np.where(x == 0, 1, np.sin(np.pi * x) / (np.pi * np.where(x == 0, 1, x)))",
    "maximum": "np.where((a > b) | (a != a), a, b)",
    "minimum": "np.where((a < b) | (a != a), a, b)",
    "fmax": "np.where((a >= b) | (b != b), a, b)",
    "fmin": "np.where((a <= b) | (b != b), a, b)",
    "clip": "np.minimum(np.maximum(x, low), high)",
    "logaddexp": "np.where(a == b, a + np.log(2), np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))))",
    "logaddexp2": "np.where(a == b, a + 1, np.maximum(a, b) + np.log1p(np.exp2(-np.abs(a - b))) / np.log(2))",
    "remainder": "np.where((np.fmod(a, b) != 0) & ((np.fmod(a, b) < 0) != (b < 0)), np.fmod(a, b) + b, np.fmod(a, b))",
    "floor_divide": "np.rint((a - a % b) / b)",
    "isnan": "x != x",
    "isinf": "np.abs(x) == np.inf",
    "isfinite": "x - x == 0",
    "signbit": "(x < 0) | (1 / x < 0)",
    "copysign": "np.where(np.signbit(a) == np.signbit(b), a, -a)",
    "rint": "np.where((x + 0.5 == np.floor(x + 0.5)) & (np.fmod(np.floor(x + 0.5), 2) != 0),"
            " np.floor(x + 0.5) - 1, np.floor(x + 0.5))",
    "round": "np.rint(x * 10.0**decimals) / 10.0**decimals",
    "ldexp": "a * np.exp2(b)",
    "exp2": "2 ** x",
    "logical_and": "(a != 0) & (b != 0)",
    "logical_or": "(a != 0) | (b != 0)",
    "logical_xor": "(a != 0) != (b != 0)",
    "logical_not": "x == 0",
}  # fmt: skip
_NAMES = {"heaviside": ("x", "h"), "clip": ("x", "low", "high"), "round": ("x", "decimals")}
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor", ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal", ast.USub: "negative", ast.Invert: "invert", ast.MatMult: "matmul",
}  # fmt: skip
TRUTH = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan", "isinf", "isfinite",
         "signbit", "logical_and", "logical_or", "logical_xor", "logical_not"}  # fmt: skip
ARITHMETIC = {"add", "subtract", "multiply", "divide", "power", "negative", "where", "bitwise_and", "bitwise_or",
              "bitwise_xor", "invert", "floor_divide", "remainder", "maximum", "minimum", "absolute", "square", "sign",
              "fmax", "fmin", "clip", "floor", "ceil", "trunc", "rint", "round", "positive"} | TRUTH  # fmt: skip
ALIASES = {"abs": "absolute", "fabs": "absolute", "mod": "remainder", "true_divide": "divide", "fix": "trunc",
           "conjugate": "positive", "max": "amax", "min": "amin"}  # fmt: skip
# Functions of NumPy that only move elements about, where all else that they take is known.
MOVES = {"reshape", "ravel", "squeeze", "expand_dims", "broadcast_to", "transpose", "swapaxes", "moveaxis", "flip",
         "roll", "lib.stride_tricks.sliding_window_view", "matrix_transpose", "diagonal", "atleast_1d"}  # fmt: skip


class Loops:
    """The loops that compute some formulas.

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
        self._mapped: dict[Any, Any] = {}

    def spare(self) -> str:
        self._spare += 1
        return unique(f"t{self._spare}", self.taken)

    # Values, and where they are kept.

    def store(self, value: Value, name: str = "", array: Array | None = None) -> Value:
        """The value in memory of its own."""
        if array is None:
            array = Array(name or self.spare(), value.shape, value.dtype, "local")
            self.locals.append(array)
        loops = [Var(n) for n in value.shape]
        index = tuple([Index({var: 1}) for var in loops])
        self._add(loops, Store(array, place(index, array.shape), cast(value.at(index), array.dtype)))
        return memory(array)

    def stored(self, value: Value) -> Value:
        """The value as something that can be read any number of times."""
        return value if value.cheap else self.store(value)

    def _add(self, loops: list[Var], store: Store, scan: str = "") -> None:
        self.nests.append(Nest(loops, store, self.lines, scan))
        self.lines = []

    def constant(self, data: Any) -> Value:
        """An array that is known: a rule for its elements where there is one, else a table of them."""
        data = np.asarray(data)
        kind = data.dtype
        first = data.flat[0].item() if data.size else 0
        if data.size == 0 or np.array_equal(data, np.full(data.shape, first), equal_nan=kind.kind == "f"):
            zero = data.size and first == 0 and np.any(np.signbit(data) if kind.kind == "f" else False)
            if not zero:
                return Value(
                    data.shape, kind, lambda index: number(first, kind), True, lambda where: number(first, kind)
                )
        if data.size > WRITTEN_OUT:
            raise LoweringError(f"a constant array of shape {data.shape} is too long to be written into a program")
        for array in self.constants:
            if array.dtype == kind and np.array_equal(array.data, data, equal_nan=kind.kind == "f"):
                return memory(array)
        array = Array(unique(f"c{len(self.constants) + 1}", self.taken), data.shape, kind, "constant", data)
        self.constants.append(array)
        return memory(array)

    def value(self, x: Any) -> Value:
        return x if isinstance(x, Value) else self.constant(x)

    # map

    def map(self, name: str, *operands: Any) -> Any:
        """A function of each element by itself, of operands that are broadcast against each other."""
        name = ALIASES.get(name, name)
        if not any(isinstance(x, Value) for x in operands):
            return getattr(np, name)(*operands)
        key = (name, *[id(x) if isinstance(x, Value | np.ndarray) else repr(x) for x in operands])
        if key not in self._mapped:  # the same function of the same is the same
            self._mapped[key] = (self._map(name, *operands), operands)
        return self._mapped[key][0]

    def _map(self, name: str, *operands: Any) -> Any:
        shape = np.broadcast_shapes(*[np.shape(x) if not isinstance(x, Value) else x.shape for x in operands])
        types = [x.dtype if isinstance(x, (Value, np.ndarray)) else x for x in operands]
        common = np.result_type(*(types[1:] if name == "where" else types))
        if name not in ARITHMETIC and common.kind in "biu":
            common = np.dtype(float)
        if name == "divide" and common.kind in "biu":
            common = np.dtype(float)
        if name in ("maximum", "minimum") and name not in self.functions and _is_clear(operands[1]):
            a, b = operands
            return self.map("where", self.map("less_equal" if name == "maximum" else "greater_equal", a, b), b, a)
        exponent = operands[1] if name == "power" else None
        known = name == "power" and not isinstance(exponent, Value) and np.ndim(exponent) == 0  # type: ignore[arg-type]
        if known and exponent in (-1, 0, 1, 2, 3):
            return self._power(self.value(operands[0]), int(exponent), common)
        if name not in self.functions:
            if name not in EXPANSIONS:
                raise LoweringError(f"{name} cannot be written as loops")
            names = _NAMES.get(name, ("a", "b") if len(operands) == 2 else ("x",))
            return self.read(_template(EXPANSIONS[name]), dict(zip(names, operands, strict=True)))
        values = []
        for x in operands:
            x = self.value(x)
            values.append(self.stored(x) if x.size < math.prod(shape) or x.depth > DEEP else x)
        types = [common] * len(values)
        if name == "where":
            types[0] = np.dtype(bool)
        result = np.dtype(bool) if name in TRUTH else common

        def at(index: tuple[Index, ...]) -> Expr:
            args = [
                cast(x.at(tuple(i if n != 1 else ZERO for i, n in zip(index[len(index) - x.ndim :], x.shape))), kind)
                for x, kind in zip(values, types)
            ]
            return Expr(name, tuple(args), result)

        return Value(shape, result, at, depth=1 + max(x.depth for x in values))

    def _power(self, x: Value, n: int, dtype: Any) -> Any:
        x = self.cast(x, dtype)
        if n in (2, 3):
            product = self.map("multiply", x, x)
            return product if n == 2 else self.map("multiply", product, x)
        if n == 1:
            return x
        return self.map("divide", 1, x) if n else self.constant(np.ones(x.shape, dtype))

    def cast(self, values: Any, dtype: Any) -> Value:
        x, dtype = self.value(values), np.dtype(dtype)
        if x.dtype == dtype:
            return x
        flat = (lambda where: cast(x.flat(where), dtype)) if x._flat else None
        return Value(x.shape, dtype, lambda index: cast(x.at(index), dtype), x.cheap, flat, x.depth)

    # view and move

    def moved(self, values: Any, f: Callable[[Any], Any]) -> Value:
        """What f makes of them, where f only moves elements about: NumPy itself is asked where they go."""
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
        """x[where], with indices that are values."""
        shape, at = self._picked(x.shape, where)
        x = self.stored(x)

        def element(index: tuple[Index, ...]) -> Expr:
            places, valid = at(index)
            found = x.at(places)
            outside = number(np.nan if x.dtype.kind == "f" else 0, x.dtype)
            return Expr("where", (valid, found, outside), x.dtype) if valid is not None else found

        return Value(shape, x.dtype, element, depth=2)

    def _picked(self, shape: tuple[int, ...], where: tuple[Any, ...]) -> tuple[tuple[int, ...], Any]:
        """The shape of what an index picks, and a function from a place in that to the place in the array, and whether
        there is one."""
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
        """An array that is about to be written into, full of a number."""
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
        """Write the elements of x into an array, each to its place."""
        loops = [Var(n) for n in x.shape]
        index = tuple([Index({var: 1}) for var in loops])
        to, valid = where(index)
        value = cast(x.at(index), array.dtype)
        if valid is not None:
            value = Expr("where", (valid, value, number(0, array.dtype)), array.dtype)
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
        """Zeros with g added at an index."""
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

    # reduce

    def reduced(self, kind: str, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Value:
        """A reduction over some axes."""
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
            return Expr(
                "reduce", (kind, tuple(loops.values()), body if kind[:3] == "arg" else cast(body, dtype)), dtype
            )

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
        """What is accumulated up to each element along an axis."""
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
        """The sum of products over all labels that the output has not: an einsum."""
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
            return Expr("reduce", ("sum", tuple(loops), product), dtype) if loops else product

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
        """Where each element of the sorted lines is: an element goes to the place that counts those before it."""
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

    # reading a template

    def read(self, node: ast.expr, names: dict[str, Any]) -> Any:
        """What an expression of NumPy makes of values and of what is known; a Value, unless all is known."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return names[node.id] if node.id in names else {"float": float, "int": int, "bool": bool}[node.id]
        if isinstance(node, ast.List | ast.Tuple):
            items: list[Any] = []
            for part in node.elts:
                if isinstance(part, ast.Starred):
                    items += self.read(part.value, names)
                else:
                    items.append(self.read(part, names))
            return items if isinstance(node, ast.List) else tuple(items)
        if isinstance(node, ast.Slice):
            ends = [None if end is None else self.read(end, names) for end in (node.lower, node.upper, node.step)]
            return slice(*ends)
        if isinstance(node, ast.BinOp):
            a, b = self.read(node.left, names), self.read(node.right, names)
            if isinstance(node.op, ast.MatMult):
                return self.matmul(a, b) if isinstance(a, Value) or isinstance(b, Value) else a @ b
            if not isinstance(a, Value) and not isinstance(b, Value):
                return _python(node.op)(a, b)
            return self.map(_OPERATORS[type(node.op)], a, b)
        if isinstance(node, ast.UnaryOp):
            x = self.read(node.operand, names)
            if isinstance(x, Value):
                return self.map(_OPERATORS[type(node.op)], x)
            return -x if isinstance(node.op, ast.USub) else ~x
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            a, b = self.read(node.left, names), self.read(node.comparators[0], names)
            return self.map(_OPERATORS[type(node.ops[0])], a, b)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, names)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, names)
        if isinstance(node, ast.Call):
            return self._call(node, names)
        raise LoweringError(f"{ast.unparse(node)} cannot be written as loops")

    def _attribute(self, node: ast.Attribute, names: dict[str, Any]) -> Any:
        called = ast.unparse(node)
        if called.startswith("np."):
            found: Any = np
            for part in called[3:].split("."):
                found = getattr(found, part)
            return found
        x = self.read(node.value, names)
        if isinstance(x, Value) and node.attr in ("T", "mT"):
            return self.moved(x, lambda base: getattr(base, node.attr))
        if node.attr in ("T", "mT", "shape"):
            return getattr(x, node.attr)
        raise LoweringError(f"{called} cannot be written as loops")

    def _subscript(self, node: ast.Subscript, names: dict[str, Any]) -> Any:
        where = self.read(node.slice, names)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "s_":
            return where
        x = self.read(node.value, names)
        if not isinstance(x, Value) and not _has_value(where):
            return x[where]
        x = self.value(x)
        parts = where if isinstance(where, tuple) else (where,)
        if any(isinstance(part, Value) for part in parts):
            return self.indexed(x, parts)
        return self.moved(x, lambda base: base[where])

    def _call(self, node: ast.Call, names: dict[str, Any]) -> Any:
        called = ast.unparse(node.func)
        args: list[Any] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                args += self.read(arg.value, names)
            else:
                args.append(self.read(arg, names))
        how = {str(word.arg): self.read(word.value, names) for word in node.keywords}
        if isinstance(node.func, ast.Attribute) and not called.startswith("np."):  # a method
            args, called = [self.read(node.func.value, names), *args], f"np.{node.func.attr}"
        if called == "scatter":  # in the texts of operations, though not one of NumPy's
            args[0] = self.value(args[0])
        if not any(map(_has_value, [*args, *how.values()])):
            return self._attribute_of(called)(*args, **how)
        name = called.removeprefix("np.")
        if name in MOVES:
            return self.moved(args[0], lambda base: self._attribute_of(called)(base, *args[1:], **how))
        rule = RULES.get(name)
        if rule is not None:
            return rule(self, *args, **how)
        if how:
            raise LoweringError(f"{called} with {', '.join(how)} cannot be written as loops")
        name = ALIASES.get(name, name)
        if name not in self.functions and name not in EXPANSIONS:
            raise LoweringError(f"{called} cannot be written as loops")
        return self.map(name, *args)

    @staticmethod
    def _attribute_of(called: str) -> Any:
        found: Any = np
        for part in called.split(".")[1:]:
            found = getattr(found, part)
        return found

    # formulas

    def lower(self, formula: Formula, args: Sequence[Any]) -> Value:
        """The value of a formula, of the values of what it is computed from."""
        op = formula.op
        assert op is not None
        names: dict[str, Any] = {**op.defaults, **formula.params}
        names |= {"xs": list(args)} if op.operands == ("*xs",) else dict(zip(op.operands, args, strict=True))
        try:
            found = self.read(_template(op.template), names)
        except (LoweringError, KeyError, AttributeError, IndexError) as error:
            reason = error if isinstance(error, LoweringError) else repr(error)
            raise LoweringError(f"{op.name} cannot be written as loops: its text is {op.template} ({reason})") from None
        y = self.value(found)
        dtype = np.result_type(formula.value)
        if y.shape != np.shape(formula.value):
            y = self.moved(y, lambda base: np.broadcast_to(base, np.shape(formula.value)))
        return self.cast(y, dtype)


def _has_value(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, list | tuple) and any(map(_has_value, x)))


def _is_clear(x: Any) -> bool:
    """Whether this is a number, and not nan."""
    return not isinstance(x, Value) and np.ndim(x) == 0 and bool(x == x)


def _python(op: ast.operator) -> Callable[[Any, Any], Any]:
    return eval(f"lambda a, b: a {_SYMBOLS[type(op)]} b")  # type: ignore[no-any-return]


_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip


def _stride(table: Any) -> Any:
    """The step of a table that is a multiple of the index; else the table."""
    step = int(table[1]) if len(table) > 1 else 0
    return step if np.array_equal(table, step * np.arange(len(table))) else table


def _row_by_row(shape: Sequence[int]) -> list[int]:
    """The strides of an array that lies in memory row by row; 0 for an axis of one."""
    return [math.prod(shape[k + 1 :]) if n > 1 else 0 for k, n in enumerate(shape)]


def _shifted(by: Sequence[int], shape: Sequence[int]) -> Callable[[tuple[Index, ...]], tuple[Index, None]]:
    """Where an element goes in an array of this shape, so many places on along each axis."""
    return lambda index: (place([i.times(1, step) for i, step in zip(index, by)], shape), None)


def _within(i: Expr, n: int) -> tuple[Expr, Expr]:
    """An index that may be negative, as one that is surely inside, and whether it was."""
    zero, size = number(0, np.int64), number(n, np.int64)
    i = Expr("where", (Expr("less", (i, zero), bool), Expr("add", (i, size), np.int64), i), np.int64)
    good = Expr("bitwise_and", (Expr("greater_equal", (i, zero), bool), Expr("less", (i, size), bool)), bool)
    return Expr("where", (good, i, zero), np.int64), good


_template = cache(parsed)  # the same few texts, over and over


def _reduction(kind: str, of: Any = None) -> Callable[..., Value]:
    """The reduction of this kind, of elements in another type where that is needed."""

    def rule(self: Loops, a: Any, axis: Any = None, keepdims: bool = False) -> Value:
        a = self.value(a) if of is None else self.cast(a, of)
        counts = kind in ("sum", "prod") and a.dtype.kind in "bi"
        return self.reduced(kind, a, axis, keepdims, np.int64 if counts else a.dtype)

    return rule


def _where_extreme(kind: str) -> Callable[..., Value]:
    def rule(self: Loops, a: Any, axis: Any = None, keepdims: bool = False) -> Value:
        a = self.value(a)
        flat = self.moved(a, np.ravel) if axis is None else a
        y = self.reduced(kind, flat, -1 if axis is None else axis, keepdims and axis is not None, np.int64)
        return self.moved(y, lambda base: np.reshape(base, (1,) * a.ndim)) if axis is None and keepdims else y

    return rule


def _std(self: Loops, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    return self.map("sqrt", self.var(a, axis, ddof, keepdims))


def _round(self: Loops, x: Any, decimals: int = 0) -> Any:
    return self.map("round", x, decimals) if decimals else self.map("rint", x)


# What NumPy's functions do that are more than a map or a move.
RULES: dict[str, Callable[..., Any]] = {
    "sum": _reduction("sum"), "prod": _reduction("prod"), "max": _reduction("max"), "min": _reduction("min"),
    "amax": _reduction("max"), "amin": _reduction("min"), "any": _reduction("any", bool),
    "all": _reduction("all", bool), "count_nonzero": _reduction("sum", bool), "mean": Loops.mean, "var": Loops.var,
    "std": _std, "logaddexp.reduce": Loops.logsumexp,
    "argmax": _where_extreme("argmax"), "argmin": _where_extreme("argmin"),
    "cumsum": lambda self, x, axis=None: self.scanned("sum", x, axis),
    "maximum.accumulate": lambda self, x, axis=0: self.scanned("max", x, axis),
    "minimum.accumulate": lambda self, x, axis=0: self.scanned("min", x, axis),
    "matmul": Loops.matmul, "einsum": Loops.einsum,
    "concatenate": Loops.concatenate, "pad": Loops.pad, "argsort": Loops.argsort, "searchsorted": Loops.searchsorted,
    "astype": Loops.cast, "round": _round, "scatter": Loops.scatter,
}  # fmt: skip


def share_memory(loops: Loops) -> None:
    """Let local arrays have the memory of others that are no longer read. Those whose memory it is come first."""
    last: dict[int, int] = {}
    first: dict[int, int] = {}
    for n, nest in enumerate(loops.nests):
        first.setdefault(id(nest.store.array), n)
        for array in [nest.store.array, *read_by(nest)]:
            last[id(array)] = n
    free: list[tuple[int, Array]] = []  # since which nest, and what
    pending = sorted((a for a in loops.locals if a.shape and id(a) in first), key=lambda a: first[id(a)])
    for array in pending:
        fits = [(n, other) for n, other in free
                if n < first[id(array)] and other.dtype == array.dtype and other.size >= array.size]  # fmt: skip
        if fits:
            found = min(fits, key=lambda pair: pair[1].size)
            free.remove(found)
            array.memory = found[1]
        free.append((last[id(array)], array.memory))
    loops.locals.sort(key=lambda array: array.memory is not array)
