"""Expressions as sums of products, which is how people write them, and what is left of a formula when terms cancel.

A `Sum` is a tuple of `Term`s, a `Term` a number times powers of `Atom`s, and an `Atom` a symbol, or what a function, a
matrix product, … makes of other sums. Equal expressions are equal.

Everything has the shape that NumPy would give it. Sums, products and powers act element by element and broadcast as
NumPy does; the product of matrices is an atom, in which a one-dimensional array is a column. A sum may have a smaller
shape than what it stands for, if a factor cancelled or a number stands for an array of equal elements: `spread` makes
up for it wherever that matters.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

Sum = tuple["Term", ...]
Shape = tuple[int, ...]


class Atom:
    """A part of an expression that is neither a sum nor a product.

    kind   "symbol"; "derivative", of C with respect to w if the name is "C/w"; "group", a sum of several terms as a
           factor; "call" of the function `name`; "numpy", an expression of NumPy, in which {0}, {1}, … stand for the
           args; "total" over all axes, or one, `name`; "matmul"; "transpose"; "column", a vector as a matrix of one
           column; "indicator" of the comparison `name`; "index"; "ones", "zeros", "eye"
    args   the sums that it is made of
    shape  the shape of its value
    size   how many symbols and numbers there are to write in it; `depth` how deep its expressions are nested
    """

    __slots__ = ("_hash", "args", "depth", "kind", "name", "shape", "size")

    def __init__(self, kind: str, name: str, args: tuple[Sum, ...] = (), shape: Shape = ()):
        self.kind, self.name, self.args, self.shape = kind, name, args, shape
        self.size = max(1, sum(map(size, args)))
        self.depth = max(map(depth, args), default=0)
        self._hash = hash((kind, name, args, shape))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        same = (
            isinstance(other, Atom) and self._hash == other._hash and (self.kind, self.name) == (other.kind, other.name)
        )
        return same and self.shape == other.shape and self.args == other.args  # type: ignore[attr-defined]

    @property
    def array(self) -> bool:
        return len(self.shape) > 0

    @property
    def written(self) -> Shape:
        """The shape of the text: that of a number where everything is summed up."""
        return () if self.kind == "total" and not self.name else self.shape


class Term(NamedTuple):
    coefficient: Any
    factors: tuple[tuple[Atom, int], ...] = ()


ZERO: Sum = ()
ONE = Fraction(1)


def number(value: float) -> Sum:
    """Make the expression of a number: a fraction if it is one of small numbers, to the precision that it has.

    >>> number(0.05)
    (Term(coefficient=Fraction(1, 20), factors=()),)
    >>> number(3.14159)
    (Term(coefficient=3.14159, factors=()),)
    """
    return (Term(_simple(value) or value),) if value else ZERO


def _simple(value: float) -> Fraction | None:
    if not 1e-6 <= abs(value) < 1e9:
        return None
    for simple in (Fraction(value).limit_denominator(1000), Fraction(1, round(1 / value) or 1)):
        if abs(float(simple) - value) <= 4e-16 * abs(value):
            return simple
        if float(np.float32(value)) == value == float(np.float32(float(simple))):  # a number of single precision
            return simple
    return None


def atom(kind: str, name: str, *args: Sum, shape: Shape = ()) -> Sum:
    return (Term(ONE, ((Atom(kind, name, args, shape), 1),)),)


def shape_of(x: Sum) -> Shape:
    """Return the shape of the expression as it is written, which is the smallest that it can have."""
    shapes = {factor.written for term in x for factor, _ in term.factors if factor.written}
    if len(shapes) < 2:
        return next(iter(shapes), ())
    return np.broadcast_shapes(*shapes)


def is_array(x: Sum) -> bool:
    return any(factor.written for term in x for factor, _ in term.factors)


def scaled(x: Sum, by: Any) -> Sum:
    return tuple([Term(times(term.coefficient, by), term.factors) for term in x])


def times(a: Any, b: Any) -> Any:
    """Multiply two numbers; a product of fractions is one. They are never large."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        product = a * b
        if max(abs(product.numerator), product.denominator) < 10**15:
            return product
    return float(a) * float(b)


def leaves_range(a: Any, b: Any) -> bool:
    """Say whether the product of two numbers is too large or too small for a float."""
    product = abs(float(times(a, b)))
    inside = 0 < abs(a) < np.inf and 0 < abs(b) < np.inf
    return bool(inside and not np.finfo(float).tiny <= product < np.inf)


def plus(a: Any, b: Any) -> Any:
    return a + b if isinstance(a, Fraction) and isinstance(b, Fraction) else float(a) + float(b)


def group(x: Sum) -> Term:
    """Wrap a sum up as one term."""
    return x[0] if len(x) == 1 else Term(ONE, ((Atom("group", "", (x,), shape_of(x)), 1),))


def collected(x: Sum) -> Sum:
    """Collect like terms of a sum.

    >>> a = atom("symbol", "a")
    >>> collected(a + scaled(a, -1))
    ()
    """
    total: dict[Any, Term] = {}
    for term in x:
        key = frozenset(term.factors)
        if key in total:
            term = Term(plus(total[key].coefficient, term.coefficient), total[key].factors)
        total[key] = term
    return tuple([term for term in total.values() if term.coefficient])


def alone(x: Sum) -> Atom | None:
    """Return the atom that a sum consists of, times a number; None if it is anything else."""
    single = len(x) == 1 and len(x[0].factors) == 1 and x[0].factors[0][1] == 1
    return x[0].factors[0][0] if single else None


class Algebra:
    """Sums, products and powers. Without `cancel`, everything stays as it was written. With it, a b / a is b, and sums
    are multiplied out where that makes them shorter."""

    def __init__(self, cancel: bool):
        self.cancel = cancel

    def add(self, *parts: Sum) -> Sum:
        x = tuple([term for part in parts for term in part])
        return self.shortest(collected(x)) if self.cancel else x

    def multiply(self, a: Sum, b: Sum) -> Sum:
        if not a or not b:
            return ZERO
        for one, other in ((a, b), (b, a)):
            outer = _outer(one, other)
            if outer is not None:
                return outer
        if self.cancel:
            for one, other in ((a, b), (b, a)):
                if len(one) > 1 and self._cancels(one, group(other)):
                    return self.add(*[self.multiply((term,), other) for term in one])
        left, right = group(a), group(b)
        if leaves_range(left.coefficient, right.coefficient):
            right = Term(ONE, ((Atom("group", "", (b,), shape_of(b)), 1),))
        return (Term(times(left.coefficient, right.coefficient), self._merged(left.factors + right.factors)),)

    def power(self, x: Sum, exponent: int) -> Sum:
        if not exponent:
            return number(1.0)
        if not x:
            return ZERO if exponent > 0 else atom("symbol", "inf")
        term = group(x)
        factors = self._merged(tuple([(factor, n * exponent) for factor, n in term.factors]))
        coefficient = term.coefficient**exponent if abs(exponent) < 9 else float(term.coefficient) ** exponent
        return (Term(coefficient, factors),)

    def _merged(self, factors: tuple[tuple[Atom, int], ...]) -> tuple[tuple[Atom, int], ...]:
        powers: dict[Any, int] = {}
        for factor, n in factors:
            side = "" if self.cancel else "above" if n > 0 else "below"  # of the fraction bar
            powers[side, factor] = powers.get((side, factor), 0) + n
        return _without_ones(tuple([(factor, n) for (_, factor), n in powers.items() if n]))

    def _cancels(self, x: Sum, by: Term) -> bool:
        """Say whether a factor of `by` stands below the fraction bar in some term of `x`, or the other way round."""
        powers = dict(by.factors)
        return any(n * powers.get(factor, 0) < 0 for term in x for factor, n in term.factors)

    def shortest(self, x: Sum) -> Sum:
        """Return the sum as it is, or multiplied out if that is shorter."""
        out = self._multiplied_out(x)
        return out if size(out) < size(x) else x

    def _multiplied_out(self, x: Sum) -> Sum:
        parts: list[Term] = []
        for term in x:
            if any(n < 0 or n > 4 for _, n in term.factors):
                return x
            terms = [Term(term.coefficient)]
            for factor, n in term.factors:
                inner = factor.args[0] if factor.kind == "group" else (Term(ONE, ((factor, 1),)),)
                for _ in range(n):
                    terms = [
                        Term(times(a.coefficient, b.coefficient), self._merged(a.factors + b.factors))
                        for a in terms
                        for b in inner
                    ]
                    if len(terms) > 100:
                        return x
            parts += terms
        return collected(tuple(parts))

    def total(self, x: Sum, axis: str, shape: Shape = ()) -> Sum:
        """Sum over an axis ("" for all), with a common number in front."""
        if len({term.coefficient for term in x}) != 1:
            return atom("total", axis, x, shape=shape)
        ones = tuple([Term(ONE, term.factors) for term in x])
        return scaled(atom("total", axis, ones, shape=shape), x[0].coefficient)


def spread(x: Sum, shape: Shape) -> Sum:
    """Write the same values so that the expression has this shape: times 𝟏, where it has another."""
    if shape_of(x) == shape:
        return x
    if not x:
        return atom("zeros", "", shape=shape)
    term = group(x)
    return (Term(term.coefficient, (*term.factors, (Atom("ones", "", (), shape), 1))),)


def _without_ones(factors: tuple[tuple[Atom, int], ...]) -> tuple[tuple[Atom, int], ...]:
    """Drop those factors 𝟏 that the shape does not need."""
    ones = [factor for factor, _ in factors if factor.kind == "ones"]
    if not ones:
        return factors
    others = tuple([part for part in factors if part[0].kind != "ones"])
    shape = shape_of((Term(ONE, factors),))
    return others if shape_of((Term(ONE, others),)) == shape else (*others, (Atom("ones", "", (), shape), 1))


def _apart(x: Sum) -> tuple[Term, Sum]:
    """Split an array into the numbers that it is multiplied by, as a term, and the rest."""
    if len(x) != 1:
        return Term(ONE), x
    numbers = tuple([part for part in x[0].factors if not part[0].written])
    return Term(x[0].coefficient, numbers), (Term(ONE, tuple([part for part in x[0].factors if part[0].written])),)


def _outer(a: Sum, b: Sum) -> Sum | None:
    """Turn a column times a row, element by element, into the product of matrices a bᵀ; return None for anything
    else."""
    by, inner = _apart(a)
    found = alone(inner)
    if found is None or found.kind != "column" or not is_array(b):
        return None
    if len(shape_of(b)) != 1 and not is_row(b):
        return None
    outer = product(found.args[0], transposed(b) if len(shape_of(b)) == 1 else b)
    if not outer:
        return ZERO
    return (Term(times(outer[0].coefficient, by.coefficient), (*by.factors, *outer[0].factors)),)


# Products of matrices. A vector is a column; its transpose, a row, gives a number when it meets a column.


def is_row(x: Sum) -> bool:
    """Say whether this is the transpose of a vector, or such a row times a matrix."""
    inner = alone(x)
    if inner is None or len(inner.shape) != 2:
        return False
    if inner.kind == "transpose":
        return len(shape_of(inner.args[0])) == 1
    return inner.kind == "matmul" and is_row(inner.args[0])


def column(x: Sum) -> Sum:
    """Turn a vector into a matrix of one column."""
    term = group(x)
    inner: Sum = (Term(ONE, term.factors),)
    return scaled(atom("column", "", inner, shape=(*shape_of(x), 1)), term.coefficient)


def transposed(x: Sum) -> Sum:
    """Transpose: a product of matrices in the other order; a vector into a row."""
    if len(shape_of(x)) == 0:
        return x
    inner = alone(x)
    if inner is not None:
        by = x[0].coefficient
        if inner.kind == "column" or (inner.kind == "ones" and len(inner.shape) == 2):
            same = atom("ones", "", shape=inner.shape[::-1])
            return scaled(transposed(inner.args[0]) if inner.kind == "column" else same, by)
        if inner.kind == "transpose":
            vector = len(shape_of(inner.args[0])) == 1
            return scaled(column(inner.args[0]) if vector else inner.args[0], by)
        if inner.kind == "matmul" and len(inner.shape) == 2:
            return scaled(product(*map(transposed, reversed(inner.args))), by)
    shape = shape_of(x)
    term = group(x)
    turned = (1, *shape) if len(shape) == 1 else shape[::-1]
    return scaled(atom("transpose", "", (Term(ONE, term.factors),), shape=turned), term.coefficient)


def product(*matrices: Sum) -> Sum:
    """Multiply matrices and vectors, with the numbers among them in front."""
    if not all(matrices):
        return ZERO
    last = alone(matrices[-1])
    if last is not None and last.kind == "column":  # A x for a column x, which is made one again
        rest = product(*matrices[:-1], scaled(last.args[0], matrices[-1][0].coefficient))
        return column(rest) if len(shape_of(rest)) == 1 else rest
    by: Any = ONE
    args: list[Sum] = []
    numbers: list[tuple[Atom, int]] = []
    for i, matrix in enumerate(matrices):
        term, rest = _apart(matrix)
        by = times(by, term.coefficient)
        numbers += term.factors
        inner = alone(rest)
        if inner is not None and inner.kind == "zeros":
            return ZERO
        meets_row = i == 0 and len(matrices) > 1 and len(shape_of(matrices[1])) == 2
        if inner is not None and inner.kind == "column" and meets_row:
            rest = inner.args[0]
            inner = alone(rest)
        flat = inner is not None and inner.kind == "matmul"
        if inner is not None and flat and args and len(_shape_of_product(args)) == len(shape_of(inner.args[0])) == 1:
            flat = False  # x (y zᵀ) for vectors, which are read from the left
        args += inner.args if inner is not None and flat else [rest]
    for n in range(2, len(args)):
        if _shape_of_product(args[:n]) == ():  # xᵀ y among others is a number
            inside = Atom("matmul", "", tuple(args[:n]))
            rest = args[n] if n == len(args) - 1 else product(*args[n:])
            return scaled(Algebra(cancel=False).multiply((Term(ONE, (*numbers, (inside, 1))),), rest), by)
    found = Atom("matmul", "", tuple(args), _shape_of_product(args))
    return (Term(by, (*numbers, (found, 1))),)


def _shape_of_product(args: list[Sum]) -> Shape:
    shape, row = shape_of(args[0]), is_row(args[0])
    for arg in args[1:]:
        other = shape_of(arg)
        shape = (shape[0], other[1]) if len(other) == 2 else () if row else shape[:-1]
    return shape


def size(x: Sum) -> int:
    """Count the symbols and numbers to write.

    >>> a = atom("symbol", "a")
    >>> size(a), size(a + number(2.0))
    (1, 2)
    """
    return sum(
        (abs(term.coefficient) != 1 or not term.factors)
        + sum(factor.size + (abs(n) != 1) for factor, n in term.factors)
        for term in x
    )


def depth(x: Sum) -> int:
    """Count how deep expressions are nested."""
    return 1 + max((factor.depth for term in x for factor, _ in term.factors), default=0)


def symbols_in(x: Sum) -> set[str]:
    """Collect the names of the symbols in an expression."""
    names: set[str] = set()
    for term in x:
        for factor, _ in term.factors:
            names |= {factor.name} if factor.kind == "symbol" else set()
            for arg in factor.args:
                names |= symbols_in(arg)
    return names
