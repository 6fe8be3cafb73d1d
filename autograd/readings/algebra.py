"""Expressions as sums of products, which is how people write them: what a formula comes to when terms cancel.

A `Sum` is a tuple of `Term`s, a `Term` a number times powers of `Atom`s, and an `Atom` a symbol, or what a function, a
matrix product, … makes of other sums. All are tuples, so that equal expressions are equal. Products are commutative:
they are those of numbers, or of arrays element by element; the product of matrices is an atom.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

Sum = tuple["Term", ...]


class Atom(NamedTuple):
    """What is not a sum or a product: its kind, the name that goes with it, and the sums that it is made of.

    kind  "symbol"; "derivative", of C with respect to w where the name is "C/w"; "call" of the function `name`; "total"
          over the axes `name`; "matmul"; "transpose"; "indicator" of the comparison `name`; "index"; or "group", a sum
          of several terms as a factor
    """

    kind: str
    name: str
    args: tuple[Any, ...] = ()
    array: bool = True


class Term(NamedTuple):
    coefficient: Any
    factors: tuple[tuple[Atom, int], ...] = ()


ZERO: Sum = ()


def number(value: float) -> Sum:
    """A number, as a fraction where it is one of small numbers, to the precision that it has.

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


def atom(kind: str, name: str, *args: Sum, array: bool = True) -> Sum:
    return (Term(Fraction(1), ((Atom(kind, name, args, array), 1),)),)


def is_array(x: Sum) -> bool:
    return any(factor.array for term in x for factor, _ in term.factors)


def scaled(x: Sum, by: Any) -> Sum:
    return tuple([Term(term.coefficient * by, term.factors) for term in x])


def group(x: Sum) -> Term:
    """A sum as one term."""
    return x[0] if len(x) == 1 else Term(Fraction(1), ((Atom("group", "", (x,), is_array(x)), 1),))


def collected(x: Sum) -> Sum:
    """A sum in which like terms are put together.

    >>> a = atom("symbol", "a")
    >>> collected(a + scaled(a, -1))
    ()
    """
    total: dict[Any, Term] = {}
    for term in x:
        key = frozenset(term.factors)
        before = total[key].coefficient if key in total else 0
        total[key] = Term(before + term.coefficient, total[key].factors if key in total else term.factors)
    return tuple([term for term in total.values() if term.coefficient])


COMPARISONS = {ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠"}
NAMES = {"maximum": "max", "minimum": "min", "absolute": "abs"}


class Algebra:
    """Sums, products and powers. Without `cancel`, everything stays as it was written; with it, a b / a is b, and sums
    are multiplied out where that makes them shorter."""

    def __init__(self, cancel: bool):
        self.cancel = cancel

    def add(self, *parts: Sum) -> Sum:
        x = tuple([term for part in parts for term in part])
        return self.shortest(collected(x)) if self.cancel else x

    def multiply(self, a: Sum, b: Sum) -> Sum:
        if not a or not b:
            return ZERO
        if self.cancel:
            for one, other in ((a, b), (b, a)):
                if len(one) > 1 and self._cancels(one, group(other)):
                    return self.add(*[self.multiply((term,), other) for term in one])
        left, right = group(a), group(b)
        return (Term(left.coefficient * right.coefficient, self._merged(left.factors + right.factors)),)

    def power(self, x: Sum, exponent: int) -> Sum:
        if not x:
            return ZERO if exponent > 0 else number(1.0)
        term = group(x)
        factors = tuple([(factor, n * exponent) for factor, n in term.factors])
        return (Term(term.coefficient**exponent, factors),)

    def _merged(self, factors: tuple[tuple[Atom, int], ...]) -> tuple[tuple[Atom, int], ...]:
        powers: dict[Any, int] = {}
        for factor, n in factors:
            side = "" if self.cancel else "above" if n > 0 else "below"  # of the fraction bar
            powers[side, factor] = powers.get((side, factor), 0) + n
        return tuple([(factor, n) for (_, factor), n in powers.items() if n])

    def _cancels(self, x: Sum, by: Term) -> bool:
        """Whether a factor of `by` stands below the fraction bar in some term of `x`, or the other way round."""
        powers = dict(by.factors)
        return any(n * powers.get(factor, 0) < 0 for term in x for factor, n in term.factors)

    def shortest(self, x: Sum) -> Sum:
        """The sum as it is, or multiplied out where that is shorter."""
        out = self._multiplied_out(x)
        return out if size(out) < size(x) else x

    def _multiplied_out(self, x: Sum) -> Sum:
        parts: list[Term] = []
        for term in x:
            if any(n < 0 for _, n in term.factors):
                return x
            terms = [Term(term.coefficient)]
            for factor, n in term.factors:
                inner = factor.args[0] if factor.kind == "group" else (Term(Fraction(1), ((factor, 1),)),)
                for _ in range(n):
                    terms = [
                        Term(a.coefficient * b.coefficient, self._merged(a.factors + b.factors))
                        for a in terms
                        for b in inner
                    ]
            parts += terms
        return collected(tuple(parts))

    def read(self, node: ast.expr, places: Mapping[str, Sum]) -> Sum:
        """The expression that a piece of Python is, with what its names stand for; other names are symbols."""
        if isinstance(node, ast.Name):
            return places[node.id] if node.id in places else atom("symbol", node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return number(float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return scaled(self.read(node.operand, places), -1)
        if isinstance(node, ast.BinOp):
            return self._binary(node, self.read(node.left, places), self.read(node.right, places))
        if isinstance(node, ast.Compare):
            a, b = self.read(node.left, places), self.read(node.comparators[0], places)
            return atom("indicator", COMPARISONS.get(type(node.ops[0]), "?"), a, b, array=is_array(a) or is_array(b))
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            return transposed(self.read(node.value, places))
        if isinstance(node, ast.Subscript):
            return atom("index", ast.unparse(node.slice), self.read(node.value, places))
        if isinstance(node, ast.Call):
            return self._call(ast.unparse(node.func).removeprefix("np."), node, places)
        return atom("symbol", ast.unparse(node))

    def _binary(self, node: ast.BinOp, a: Sum, b: Sum) -> Sum:
        if isinstance(node.op, ast.Add):
            return self.add(a, b)
        if isinstance(node.op, ast.Sub):
            return self.add(a, scaled(b, -1))
        if isinstance(node.op, (ast.Mult, ast.BitAnd)):
            return self.multiply(a, b)
        if isinstance(node.op, ast.Div) and b:
            return self.multiply(a, self.power(b, -1))
        if isinstance(node.op, ast.MatMult):
            return product(a, b)
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        if isinstance(node.op, ast.Pow) and isinstance(exponent, int):
            return self.power(a, exponent)
        return atom("call", "power" if isinstance(node.op, ast.Pow) else "or", a, b, array=is_array(a) or is_array(b))

    def _call(self, function: str, node: ast.Call, places: Mapping[str, Sum]) -> Sum:
        args = [self.read(arg, places) for arg in node.args if isinstance(arg, ast.expr)]
        if function == "sum":
            axis = next((ast.unparse(k.value) for k in node.keywords if k.arg == "axis"), "")
            return self.total(args[0], axis)
        if function == "logaddexp" and len(args) == 2:
            powers = [atom("call", "exp", arg, array=is_array(arg)) if arg else number(1.0) for arg in args]
            return atom("call", "log", self.add(*powers), array=is_array(args[0]) or is_array(args[1]))
        name = "logsumexp" if function == "logaddexp.reduce" else NAMES.get(function, function)
        if name == "logsumexp":
            args = args[:1]
        return atom("call", name, *args, array=any(map(is_array, args)))

    def total(self, x: Sum, axis: str, array: bool = False) -> Sum:
        """The sum over an axis ("" for all), with a common number in front of it."""
        if len({term.coefficient for term in x}) != 1:
            return atom("total", axis, x, array=array)
        ones = tuple([Term(Fraction(1), term.factors) for term in x])
        return scaled(atom("total", axis, ones, array=array), x[0].coefficient)


def transposed(x: Sum) -> Sum:
    """The transpose, of a product of matrices with the factors in the other order."""
    if len(x) == 1 and len(x[0].factors) == 1 and x[0].factors[0][1] == 1:
        ((inner, _),) = x[0].factors
        if inner.kind == "transpose":
            return scaled(inner.args[0], x[0].coefficient)
        if inner.kind == "matmul":
            return scaled(product(*map(transposed, reversed(inner.args))), x[0].coefficient)
        return scaled(atom("transpose", "", (Term(Fraction(1), x[0].factors),)), x[0].coefficient)
    return atom("transpose", "", x) if is_array(x) else x


def product(*matrices: Sum, array: bool = True) -> Sum:
    """The product of matrices, with the numbers among them in front of it."""
    by: Any = Fraction(1)
    args: list[Sum] = []
    if not all(matrices):
        return ZERO
    for matrix in matrices:
        if len(matrix) == 1:
            by *= matrix[0].coefficient
            matrix = (Term(Fraction(1), matrix[0].factors),)
        inner = matrix[0].factors[0] if len(matrix) == 1 and len(matrix[0].factors) == 1 else None
        args += inner[0].args if inner and inner[0].kind == "matmul" and inner[1] == 1 else [matrix]
    return scaled(atom("matmul", "", *args, array=array), by)


def size(x: Sum) -> int:
    """How many symbols and numbers there are to write.

    >>> a = atom("symbol", "a")
    >>> size(a), size(a + number(2.0))
    (1, 2)
    """
    return sum(
        (abs(term.coefficient) != 1 or not term.factors)
        + sum(max(1, sum(map(size, factor.args))) + (abs(n) != 1) for factor, n in term.factors)
        for term in x
    )


def symbols_in(x: Sum) -> set[str]:
    """The names of the symbols in an expression."""
    names: set[str] = set()
    for term in x:
        for factor, _ in term.factors:
            names |= {factor.name} if factor.kind == "symbol" else set()
            for arg in factor.args:
                names |= symbols_in(arg)
    return names
