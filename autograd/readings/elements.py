"""What loops are made of: memory, indices, expressions for one number, arrays of those, and nests that store them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np


class LoweringError(TypeError):
    """Raised for an operation that cannot be written as loops; names it."""


class Array:
    """Memory of a program: what its elements are read from.

    role    "input", "output", "local" or "constant"
    shape   () is a number: a parameter or a variable, with no memory behind it
    """

    def __init__(self, name: str, shape: tuple[int, ...], dtype: Any, role: str, data: Any = None):
        self.name, self.shape, self.dtype, self.role, self.data = name, shape, np.dtype(dtype), role, data
        self.size = math.prod(shape)
        self.memory: Array = self  # the local array whose memory it shares


class Var:
    """The variable of a loop: 0, 1, …, n - 1."""

    def __init__(self, n: int):
        self.n = n
        self.low, self.high = 0, max(n - 1, 0)


class Part:
    """A part of an index that is not a multiple of a variable: a quotient, a remainder, an entry of a table, a value.

    table  the array that it is an entry of, or the quotient that belongs to a remainder
    """

    def __init__(self, kind: str, of: Any, n: int, high: int, table: Any = None):
        self.kind, self.of, self.n, self.table = kind, of, n, table
        self.low, self.high = 0, high


class Index:
    """A whole number: a sum of multiples of variables and parts, and a constant."""

    __slots__ = ("const", "key", "terms")

    def __init__(self, terms: dict[Any, int], const: int = 0):
        for atom, factor in list(terms.items()):  # n (i / n) + i % n is i
            parts = isinstance(atom, Part) and atom.kind == "remainder" and factor
            if parts and terms.get(atom.table) == factor * atom.n:
                rest = {a: f for a, f in terms.items() if a not in (atom, atom.table)}
                whole = Index(rest, const) + atom.of.times(factor)
                self.terms, self.const, self.key = whole.terms, whole.const, whole.key
                return
        self.terms = {atom: factor for atom, factor in terms.items() if factor and atom.high}
        self.const = const
        self.key = (frozenset(self.terms.items()), const)

    def __add__(self, other: Index) -> Index:
        terms = dict(self.terms)
        for atom, factor in other.terms.items():
            terms[atom] = terms.get(atom, 0) + factor
        return Index(terms, self.const + other.const)

    def times(self, factor: int, plus: int = 0) -> Index:
        return Index({atom: factor * f for atom, f in self.terms.items()}, factor * self.const + plus)

    def range(self) -> tuple[int, int]:
        low = high = self.const
        for atom, factor in self.terms.items():
            low += factor * (atom.low if factor > 0 else atom.high)
            high += factor * (atom.high if factor > 0 else atom.low)
        return low, high

    def divided(self, n: int) -> tuple[Index, Index]:
        """Return the quotient by n, and the remainder."""
        whole = Index({atom: factor // n for atom, factor in self.terms.items() if factor % n == 0})
        rest = Index({atom: factor for atom, factor in self.terms.items() if factor % n})
        low, high = rest.range()
        shift = self.const + ((low + self.const) % n - (low + self.const))  # the rest then begins in [0, n)
        if low + shift >= 0 and high + shift < n:
            return whole.times(1, (self.const - shift) // n), rest.times(1, shift)
        most = self.range()[1]
        if n > most:
            return Index({}), self
        quotient = Part("quotient", self, n, most // n)
        return Index({quotient: 1}), Index({Part("remainder", self, n, n - 1, quotient): 1})


ZERO = Index({})


class Expr:
    """An expression for one number. Expressions that occur twice are the same object.

    op     "number", "load", "index", "name", "reduce", "cast", or what is done with the arguments
    args   other expressions, and for a load the array and the index in it
    """

    __slots__ = ("args", "depth", "dtype", "op", "parts", "vars")

    def __init__(self, op: str, args: tuple[Any, ...], dtype: Any):
        self.op, self.args, self.dtype = op, args, np.dtype(dtype)
        self.vars: set[Any]
        self.depth: int
        self.parts: list[Expr] = [x for x in args if isinstance(x, Expr)]
        found: set[Any] = set()
        for x in args:
            if isinstance(x, Index):
                found |= _variables(x)
                self.parts += values_in(x)
        for part in self.parts:
            found |= part.vars
        if op == "reduce":
            found -= set(args[1])
        self.vars = found
        self.depth = 1 + max((part.depth for part in self.parts), default=0)


def _variables(index: Index) -> set[Any]:
    found: set[Any] = set()
    for atom in index.terms:
        if isinstance(atom, Var):
            found.add(atom)
        else:
            found |= atom.of.vars if isinstance(atom.of, Expr) else _variables(atom.of)
    return found


def values_in(index: Index) -> list[Expr]:
    """List the expressions that an index is computed from."""
    found: list[Expr] = []
    for atom in index.terms:
        if isinstance(atom, Part):
            found += [atom.of] if isinstance(atom.of, Expr) else values_in(atom.of)
    return found


def number_expr(value: Any, dtype: Any = None) -> Expr:
    return Expr("number", (value,), np.result_type(value) if dtype is None else dtype)


def cast(x: Expr, dtype: Any) -> Expr:
    if x.dtype == dtype:
        return x
    if x.op == "number":
        return number_expr(np.asarray(x.args[0]).astype(dtype).item(), dtype)
    return Expr("cast", (x,), dtype)


class Value:
    """An array of expressions: `at(index)` is the element there.

    cheap  whether it may be read any number of times: memory, a view of it, a constant
    array  the memory, where it is that or a view of it
    """

    def __init__(
        self, shape: Sequence[int], dtype: Any, at: Callable[[tuple[Index, ...]], Expr], cheap: bool = False,
        flat: Callable[[Index], Expr] | None = None, depth: int = 0, array: Array | None = None,
    ):  # fmt: skip
        self.shape, self.dtype, self.cheap, self.depth = tuple(map(int, shape)), np.dtype(dtype), cheap, depth
        self.ndim, self.size = len(self.shape), math.prod(self.shape)
        self._at, self._flat, self.array = at, flat, array
        self._made: dict[Any, Expr] = {}

    def at(self, index: tuple[Index, ...]) -> Expr:
        key = tuple([i.key for i in index])
        if key not in self._made:
            self._made[key] = self._at(index)
        return self._made[key]

    def flat(self, place: Index) -> Expr:
        """Return the element at a place among all of them, in order."""
        if self._flat is not None:
            return self._flat(place)
        index: list[Index] = []
        for n in reversed(self.shape[1:]):
            place, rest = place.divided(n) if n else (ZERO, ZERO)
            index.append(rest)
        return self.at((place, *reversed(index)) if self.shape else ())


def place(index: Sequence[Index], shape: Sequence[int]) -> Index:
    """Return the place of an element among all of them, in order."""
    total = ZERO
    for i, n in zip(index, shape, strict=True):
        total = total.times(n) + i
    return total


def memory(array: Array) -> Value:
    loads: dict[Any, Expr] = {}

    def flat(where: Index) -> Expr:
        if where.key not in loads:
            loads[where.key] = Expr("load", (array, where), array.dtype)
        return loads[where.key]

    return Value(array.shape, array.dtype, lambda index: flat(place(index, array.shape)), True, flat, 0, array)


class Store:
    """`array[index] = value`, or `+=` with `adds`."""

    def __init__(self, array: Array, index: Index, value: Expr, adds: bool = False):
        self.array, self.index, self.value, self.adds = array, index, value, adds


class Nest:
    """Loops around a store, with the formulas that it computes.

    scan  "sum", "max" or "min" where the last loop stores what was accumulated so far; else nothing
    """

    def __init__(self, loops: list[Var], store: Store, formulas: list[str], scan: str = ""):
        self.loops, self.store, self.formulas, self.scan = loops, store, formulas, scan

    @property
    def runs(self) -> bool:
        """Whether it stores anything: a loop over nothing does not."""
        return all(var.n for var in self.loops)


def worth_writing(nests: list[Nest], value: Expr) -> list[Nest]:
    """Leave out the nests that fill memory of which neither a later one nor the value of the program reads anything."""
    kept: list[Nest] = []
    read = set(arrays_in([value]))
    for nest in reversed(nests):
        if nest.store.array.role != "local" or nest.store.array in read:
            kept.append(nest)
            read |= set(read_by(nest)) if nest.runs else set()
    return kept[::-1]


def read_by(nest: Nest) -> list[Array]:
    """List the arrays that a nest reads."""
    return arrays_in(_roots(nest))


def indices_read(nest: Nest, array: Array) -> list[Index]:
    """List the places at which a nest reads an array."""
    return [x.args[1] for x in expressions_in(_roots(nest)) if x.op == "load" and x.args[0] is array]


def arrays_in(roots: Iterable[Expr]) -> list[Array]:
    """List the arrays that some expressions read."""
    return [x.args[0] for x in expressions_in(roots) if x.op == "load"]


def _roots(nest: Nest) -> list[Expr]:
    return [nest.store.value, *values_in(nest.store.index)]


def expressions_in(roots: Iterable[Expr]) -> list[Expr]:
    """List some expressions and everything that they are computed from, each once."""
    found, seen = [], set()
    queue = list(roots)
    for x in queue:
        if id(x) not in seen:
            seen.add(id(x))
            found.append(x)
            queue += x.parts
    return found


def indices_in(roots: Iterable[Expr]) -> list[Index]:
    """List every index in some expressions."""
    return [arg for x in expressions_in(roots) for arg in x.args if isinstance(arg, Index)]


def forwards(nest: Nest) -> Nest:
    """Turn a nest round whose loops all run backwards through memory: i becomes n - 1 - i, where i is only subtracted.

    That is easier to read. Besides, GCC 12 sums up wrongly, from -O2 on, if a loop reads backwards.
    """
    roots = _roots(nest)
    in_order: set[Any] = set(nest.loops[-1:]) if nest.scan else set()
    for x in expressions_in(roots):  # of equals, the first is the largest
        if x.op == "reduce" and x.args[0].startswith("arg"):
            in_order |= set(x.args[1])
    factors: dict[Var, list[int]] = {}
    for index in [nest.store.index, *indices_in(roots)]:
        for atom, factor in index.terms.items():
            if isinstance(atom, Var):
                factors.setdefault(atom, []).append(factor)
            else:
                in_order |= _variables(Index({atom: 1}))
    turned = {var for var, found in factors.items() if max(found) < 0} - in_order
    if not turned:
        return nest
    known: dict[int, Expr] = {}

    def placed(old: Index) -> Index:
        ends = sum(factor * atom.high for atom, factor in old.terms.items() if atom in turned)
        return Index({a: -factor if a in turned else factor for a, factor in old.terms.items()}, old.const + ends)

    def expr(old: Expr) -> Expr:
        if id(old) not in known:
            args = [expr(x) if isinstance(x, Expr) else placed(x) if isinstance(x, Index) else x for x in old.args]
            known[id(old)] = Expr(old.op, tuple(args), old.dtype)
        return known[id(old)]

    store = Store(nest.store.array, placed(nest.store.index), expr(nest.store.value), nest.store.adds)
    return Nest(nest.loops, store, nest.formulas, nest.scan)
