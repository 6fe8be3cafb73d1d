"""The derivation, broken on purpose: which slip gives somebody's wrong numbers.

The equations of a gradient are lines of sums of products. Each is changed in one place: a factor, a term, a sign or a
transpose is left out, a value stands in place of another of its shape, a sum is taken for a mean, … A change with which
the lines, computed again, come to the wrong numbers explains them, and it has a line to point at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd.readings.algebra import ONE, Atom, Sum, Term, group, shape_of, times
from autograd.readings.equations import Equation, Equations
from autograd.readings.notation import UNICODE
from autograd.registry import NAMED, numpy_function

COMPARISONS = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal,
               "≠": np.not_equal}  # fmt: skip
OF_TWO = {"max": np.maximum, "min": np.minimum}  # written like the reductions
SAME = 1e-7  # relative to the largest element: numbers that a slip gives, and somebody's


@dataclass(frozen=True)
class Slip:
    """A change of the derivation.

    line    the equation that it is in, as it should be
    part    what was changed, as it is written in that line; nothing where the whole line is meant
    what    the change in words: "is missing", "has the wrong sign", "is in place of y"
    right   the right side as it was changed
    """

    line: Equation
    part: str
    what: str
    right: Sum

    def __str__(self) -> str:
        text = self.line.text(UNICODE)
        start = text.rfind(self.part) if self.part else -1
        if start < 0:
            first = text.find(" = ") + 3
            return f"{text}\n{' ' * first}{'^' * (len(text) - first)}  {self.what}"
        return f"{text}\n{' ' * start}{'^' * len(self.part)}  {self.part} {self.what}"


class Row:
    """The transpose of a vector, or such a one times a matrix."""

    def __init__(self, array: Any):
        self.array = array


class _Functions(dict[str, Any]):
    """NumPy's functions, and ours, by their names in the equations."""

    def __missing__(self, name: str) -> Any:
        found = numpy_function(name)
        if found is None:
            found = NAMED.get(name)
        if found is None:
            raise KeyError(name)
        return found


def value_of(x: Sum, known: Mapping[str, Any]) -> Any:
    """What an expression comes to, given the values of its symbols."""
    return _plain(_sum(x, known))


def _plain(x: Any) -> Any:
    return x.array if isinstance(x, Row) else x


def _sum(x: Sum, known: Mapping[str, Any]) -> Any:
    if len(x) == 1:
        return _term(x[0], known)
    total: Any = 0.0
    for term in x:
        total = total + _plain(_term(term, known))
    return total


def _term(term: Term, known: Mapping[str, Any]) -> Any:
    value: Any = float(term.coefficient)
    for i, (factor, n) in enumerate(term.factors):
        part = _atom(factor, known)
        if len(term.factors) == 1 and n == 1 and isinstance(part, Row):
            return Row(value * part.array)
        part = _plain(part)
        if n != 1:
            part = np.power(np.asarray(part, float), n)
        value = part if i == 0 and term.coefficient == 1 else value * part
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
        return Row(array[None, :]) if array.ndim == 1 else array.T
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
    """Two factors side by side, in which a vector is a column."""
    if np.ndim(_plain(a)) == 0:
        return Row(a * b.array) if isinstance(b, Row) else _plain(a) * b
    if isinstance(a, Row):
        b = _plain(b)
        return (a.array @ b)[0] if b.ndim == 1 else Row(a.array @ b)
    b = _plain(b)
    return a[:, None] @ b if a.ndim == 1 and np.ndim(b) == 2 else a @ b


Change = tuple[Sum, str, str]  # the changed expression, the part as it was written, what happened to it


def changes(x: Sum, others: Mapping[tuple[int, ...], list[Atom]], top: bool = True) -> Iterator[Change]:
    """The expressions that `x` may have been taken for, each changed in one place."""
    for i, term in enumerate(x):
        for new, part, what in _changed_term(term, others):
            yield (*x[:i], *new, *x[i + 1 :]), part, what
        written = UNICODE.term(term)
        if len(x) > 1:
            yield (*x[:i], *x[i + 1 :]), written, "is missing"
        if not top or len(x) > 1:
            yield (*x[:i], Term(-term.coefficient, term.factors), *x[i + 1 :]), written, "has the wrong sign"


def _changed_term(term: Term, others: Mapping[tuple[int, ...], list[Atom]]) -> Iterator[Change]:
    coefficient, factors = term
    if abs(coefficient) != 1 and factors:
        sign = 1 if coefficient > 0 else -1
        yield (Term(Fraction(sign), factors),), UNICODE.number(abs(coefficient)), "is missing"
        if isinstance(coefficient, Fraction) and coefficient.numerator not in (1, -1):
            rest = Fraction(sign, coefficient.denominator)
            yield (Term(rest, factors),), UNICODE.number(abs(coefficient)), f"should not be {abs(rest)}"
        turned = ONE / coefficient if isinstance(coefficient, Fraction) else 1 / coefficient
        yield (Term(turned, factors),), UNICODE.number(abs(coefficient)), "is turned over"
    for length in range(1, len(factors) + (coefficient != 1)):  # several beside one another, as sigma' is two
        for i in range(len(factors) - length + 1):
            left_out = UNICODE.term(Term(ONE, factors[i : i + length]))
            yield (Term(coefficient, (*factors[:i], *factors[i + length :])),), left_out, "is missing"
    for i, (factor, n) in enumerate(factors):
        before, after = factors[:i], factors[i + 1 :]
        written = UNICODE.power(factor, abs(n))
        if n != 1:
            yield (Term(coefficient, (*before, (factor, 1), *after)),), written, "has lost its power"
        if n == 1 and factor.kind in ("symbol", "group"):
            yield (Term(coefficient, (*before, (factor, 2), *after)),), written, "is there twice"
            yield (Term(coefficient, (*before, (factor, -1), *after)),), written, "is divided by"
        for new, part, what in _changed_atom(factor, others):
            if n == 1 and len(new) == 1:
                merged = Term(times(coefficient, new[0].coefficient), (*before, *new[0].factors, *after))
            else:
                merged = Term(coefficient, (*before, (Atom("group", "", (new,), shape_of(new)), n), *after))
            yield (merged,), part, what


def _changed_atom(x: Atom, others: Mapping[tuple[int, ...], list[Atom]]) -> Iterator[Change]:
    written = UNICODE.atom(x)
    if x.kind in ("symbol", "derivative"):
        for other in others.get(x.shape, ()):
            if other != x:
                yield _one(other), written, f"is taken for {UNICODE.atom(other)}"
        if len(x.shape) == 2 and x.shape[0] == x.shape[1]:
            yield _one(Atom("transpose", "", (_one(x),), x.shape)), written, "is transposed"
        return
    if x.kind == "total":
        yield x.args[0], written, "is not summed"
        yield _one(Atom("mean", x.name, x.args, x.shape)), written, "is a mean, not a sum"
        if x.name:
            yield _one(Atom("total", "", x.args)), written, "is summed over everything"
            other_axis = {"n": "k", "k": "n"}[x.name]
            yield _one(Atom("total", other_axis, x.args, x.shape)), written, "is summed along another axis"
    if x.kind == "transpose" and len(x.shape) == 2 and x.shape[0] == x.shape[1]:
        yield x.args[0], written, "is not transposed"
    if x.kind == "matmul":
        for i in range(len(x.args)):
            rest = (*x.args[:i], *x.args[i + 1 :])
            if len(rest) > 1:
                yield _one(Atom("matmul", "", rest, x.shape)), UNICODE.as_factor(x.args[i]), "is missing"
            elif rest:
                yield rest[0], UNICODE.as_factor(x.args[i]), "is missing"
        if len(x.args) == 2:
            a, b = x.args
            yield _one(Atom("matmul", "", (b, a), x.shape)), written, "is in the wrong order"
    for i, arg in enumerate(x.args):
        for new, part, what in changes(arg, others, top=False):
            yield _one(Atom(x.kind, x.name, (*x.args[:i], new, *x.args[i + 1 :]), x.shape)), part, what
    if x.kind == "call" and len(x.args) == 1:
        yield x.args[0], written, f"is taken for {UNICODE.sum(x.args[0])}"


def _one(x: Atom) -> Sum:
    return (Term(ONE, ((x, 1),)),)


def _whole_line(line: Equation, sizes: Collection[int]) -> Iterator[Change]:
    """Changes of a line as a whole."""
    x = line.right
    yield tuple([Term(-term.coefficient, term.factors) for term in x]), "", "the sign is wrong"
    factors = [(Fraction(2), "is there twice"), (Fraction(1, 2), "is halved")]
    for n in sizes:
        factors.append((Fraction(1, n), f"is divided by {n}, the length of an axis"))
        factors.append((Fraction(n), f"is multiplied by {n}, the length of an axis"))
    whole = group(x)
    for by, what in factors:
        yield (Term(times(whole.coefficient, by), whole.factors),), "", what
    if len(line.shape) == 2 and line.shape[0] == line.shape[1]:
        yield _one(Atom("transpose", "", (x,), line.shape)), "", "is transposed"


class Derivation:
    """The equations of a function, which can be computed with other values, and with a line changed."""

    def __init__(self, equations: Equations):
        self.lines = [*equations.values, *equations.gradient]
        self.first = len(equations.values)
        self.arrays = equations.arrays

    def changed(self, slip: Slip) -> Derivation:
        """The same with a line changed."""
        broken = copy(self)
        broken.lines = [replace(line, right=slip.right) if line is slip.line else line for line in self.lines]
        return broken

    def compute(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every line."""
        known: dict[str, Any] = {**self.arrays, **inputs}
        with np.errstate(all="ignore"):
            for line in self.lines:
                value = np.asarray(value_of(line.right, known), float)
                known[line.name] = np.broadcast_to(value, line.shape) if value.shape != line.shape else value
        return known

    def slips(self, inputs: Mapping[str, Any]) -> Iterator[Slip]:
        """Every change of a line, those of the gradient first, from its end back to the cost."""
        shapes = {line.name: line.shape for line in self.lines}
        shapes |= {name: np.shape(value) for name, value in {**self.arrays, **inputs}.items()}
        sizes = {np.shape(value)[0] for value in inputs.values() if np.ndim(value) == 2} - {0, 1}
        # What an equation is written in was computed before it.
        numbered = [*enumerate(self.lines)]
        for i, line in numbered[self.first :] + numbered[: self.first]:
            before = {x.name for x in self.lines[:i]} | set(inputs) | set(self.arrays)
            others: dict[tuple[int, ...], list[Atom]] = {}
            for name, shape in shapes.items():
                if name in before:
                    others.setdefault(shape, []).append(Atom("symbol", name, (), shape))
            for right, part, what in changes(line.right, others):
                yield Slip(line, part, what, right)
            for right, part, what in _whole_line(line, sizes):
                yield Slip(line, part, what, right)


def alike(found: Any, theirs: Any) -> bool:
    """Whether two gradients are the same to rounding."""
    found, theirs = np.asarray(found), np.asarray(theirs)
    if found.shape != theirs.shape:
        return False
    scale = float(np.max(np.abs(theirs), initial=0.0, where=np.isfinite(theirs)))
    tolerance = SAME if theirs.dtype != np.float32 else 1e-4
    return bool(np.all(np.abs(found - theirs) <= tolerance * scale + 1e-300) and np.all(np.isfinite(found)))


def ratio(found: Any, theirs: Any) -> float | None:
    """The number that somebody's gradient is a multiple by; None where it is none."""
    found, theirs = np.asarray(found), np.asarray(theirs)
    if found.shape != theirs.shape or not np.all(np.isfinite(found)) or not np.any(found):
        return None
    worst = np.unravel_index(int(np.argmax(np.abs(found))), found.shape)
    by = float(theirs[worst] / found[worst])
    return by if by and alike(by * found, theirs) else None


def explain_numbers(
    derivation: Derivation, inputs: Mapping[str, Any], theirs: Mapping[str, Any],
    again: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]] | None] = lambda: None, seconds: float = 2.0,
) -> tuple[Slip, ...]:  # fmt: skip
    """The slips that give the numbers `theirs`, by the names of the gradients' lines: one, or two at once, or none.

    again  gives other inputs, and somebody's numbers for them, to tell slips apart that give the same numbers; or None
    """
    until = time.monotonic() + seconds
    right = derivation.compute(inputs)
    wrong = {name for name in theirs if not alike(right[name], theirs[name])}
    if not wrong:
        return ()
    whole: list[tuple[Slip, ...]] = []
    partly: list[Slip] = []  # those that give some of the wrong numbers, or multiples of them
    for slip, found in _computed(derivation, inputs, until):
        if all(alike(found[name], theirs[name]) for name in theirs):
            whole.append((slip,))
        elif any(ratio(found[name], theirs[name]) is not None for name in wrong):
            partly.append(slip)
    if whole:
        return _told_apart(derivation, whole, again)
    for slip in partly:
        broken = derivation.changed(slip)
        for second, found in _computed(broken, inputs, until):
            if all(alike(found[name], theirs[name]) for name in theirs):
                whole.append((slip, second))
        if whole and time.monotonic() > until - seconds / 2:
            break
    return _told_apart(derivation, whole, again) if whole else ()


def _computed(derivation: Derivation, inputs: Any, until: float) -> Iterator[tuple[Slip, dict[str, Any]]]:
    """Every slip with what it gives, until the time is up."""
    for slip in derivation.slips(inputs):
        if time.monotonic() > until:
            return
        try:
            found = derivation.changed(slip).compute(inputs)
        except Exception:  # shapes that do not go together, or no number
            continue
        yield slip, found


def _told_apart(derivation: Derivation, found: list[tuple[Slip, ...]], again: Any) -> tuple[Slip, ...]:
    """The first of the slips that gives somebody's numbers for other inputs, too."""
    for _ in range(3):
        other = again() if len(found) > 1 else None
        if other is None:
            break
        inputs, theirs = other
        left = []
        for slips in found:
            broken = derivation
            for slip in slips:
                broken = broken.changed(slip)
            try:
                values = broken.compute(inputs)
            except Exception:
                continue
            if all(alike(values[name], theirs[name]) for name in theirs):
                left.append(slips)
        found = left or found
    return min(found, key=lambda slips: sum(not slip.part for slip in slips))  # what can be pointed at comes first
